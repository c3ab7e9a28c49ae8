/// Pairs by how often they occur, the most frequent first; of equal ones that with the smaller ids.
struct PairQueue {
    typealias Entry = (pair: PiecePair, count: Int)

    /// A binary heap.
    private var heap: [Entry] = []

    private static func precedes(_ a: Entry, _ b: Entry) -> Bool {
        (b.count, a.pair.left, a.pair.right) < (a.count, b.pair.left, b.pair.right)
    }

    mutating func push(_ pair: PiecePair, count: Int) {
        heap.append((pair, count))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.precedes(heap[child], heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> Entry? {
        guard let top = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return top }
        heap[0] = last
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
            guard let first = children.min(by: { Self.precedes(heap[$0], heap[$1]) }),
                Self.precedes(heap[first], heap[parent])
            else { return top }
            heap.swapAt(parent, first)
            parent = first
        }
    }
}
