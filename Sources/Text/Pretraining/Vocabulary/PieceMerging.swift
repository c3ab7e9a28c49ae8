/// Two adjacent pieces of a word, by id.
struct PiecePair: Hashable {
    let left: Int32
    let right: Int32
}

/// Words as pieces, with how often each pair of adjacent pieces occurs, kept up to date through merges.
///
/// A merge looks only at the words that hold its pair, so that all merges together take about as long as counting.
struct PieceMerging {
    struct Word {
        var pieces: [Int32]
        /// How often the word occurs.
        let count: Int
    }

    private var words: [Word]
    private var counts: [PiecePair: Int] = [:]
    /// Indices of the words that a pair occurs in, or did once; some of them more than once.
    private var places: [PiecePair: [Int32]] = [:]
    private var queue = PairQueue()

    init(words: [Word]) {
        self.words = words
        for (index, word) in words.enumerated() {
            for pair in Self.pairs(of: word.pieces) {
                counts[pair, default: 0] += word.count
                note(pair, in: index)
            }
        }
        for (pair, count) in counts { queue.push(pair, count: count) }
    }

    private static func pairs(of pieces: [Int32]) -> some Sequence<PiecePair> {
        zip(pieces, pieces.dropFirst()).lazy.map { PiecePair(left: $0, right: $1) }
    }

    private mutating func note(_ pair: PiecePair, in word: Int) {
        if places[pair]?.last != Int32(word) { places[pair, default: []].append(Int32(word)) }
    }

    /// The pair that occurs most often; `nil` when none occurs `minimum` times.
    mutating func mostFrequent(atLeast minimum: Int) -> PiecePair? {
        while let top = queue.pop() {
            let count = counts[top.pair] ?? 0
            // Merges since it was queued have taken some of its places.
            guard count == top.count else {
                if count > 0 { queue.push(top.pair, count: count) }
                continue
            }
            return count >= max(1, minimum) ? top.pair : nil
        }
        return nil
    }

    /// Replaces the pair by one piece wherever it occurs, from the left.
    mutating func merge(_ pair: PiecePair, into piece: Int32) {
        var grown: Set<PiecePair> = []
        for place in places.removeValue(forKey: pair) ?? [] {
            let index = Int(place)
            let old = words[index].pieces
            let merged = Self.merged(old, pair, into: piece)
            guard merged.count < old.count else { continue }
            words[index].pieces = merged
            for pair in Self.pairs(of: old) { counts[pair, default: 0] -= words[index].count }
            for pair in Self.pairs(of: merged) {
                counts[pair, default: 0] += words[index].count
                guard pair.left == piece || pair.right == piece else { continue }
                note(pair, in: index)
                grown.insert(pair)
            }
        }
        counts[pair] = nil
        for pair in grown { queue.push(pair, count: counts[pair] ?? 0) }
    }

    private static func merged(_ pieces: [Int32], _ pair: PiecePair, into piece: Int32) -> [Int32] {
        var result: [Int32] = []
        result.reserveCapacity(pieces.count)
        var index = 0
        while index < pieces.count {
            let isPair =
                index + 1 < pieces.count && pieces[index] == pair.left && pieces[index + 1] == pair.right
            result.append(isPair ? piece : pieces[index])
            index += isPair ? 2 : 1
        }
        return result
    }
}
