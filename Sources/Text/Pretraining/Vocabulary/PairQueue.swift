import HeapModule

/// Pairs by how often they occur, the most frequent first; of equal ones that with the smaller ids.
struct PairQueue {
    struct Entry: Comparable {
        let pair: PiecePair
        let count: Int

        /// Whether `a` comes out after `b`.
        static func < (a: Entry, b: Entry) -> Bool {
            (a.count, b.pair.left, b.pair.right) < (b.count, a.pair.left, a.pair.right)
        }
    }

    private var heap = Heap<Entry>()

    mutating func push(_ pair: PiecePair, count: Int) { heap.insert(Entry(pair: pair, count: count)) }

    mutating func pop() -> Entry? { heap.popMax() }
}
