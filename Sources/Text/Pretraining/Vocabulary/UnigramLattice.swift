import Foundation

/// All ways to cut a word into pieces.
struct UnigramLattice {
    private struct Edge {
        let start: Int32
        let end: Int32
        let id: Int32
        let score: Double
    }

    /// By start, then by length.
    private var edges: [Edge] = []
    private var length = 0
    /// By place: sums over the ways to it and from it.
    private var forward: [Double] = []
    private var backward: [Double] = []

    /// Finds the pieces of a word; a character that is none is the piece of the unknown.
    mutating func load(_ word: UnsafeBufferPointer<UInt8>, _ model: UnigramPieces) {
        edges.removeAll(keepingCapacity: true)
        length = word.count
        var start = 0
        while start < word.count {
            let next = start + UTF8Scalar.decode(word, at: start).length
            var hasCharacter = false
            model.forEachPiece(from: start, of: word) { id, score, end in
                edges.append(Edge(start: Int32(start), end: Int32(end), id: id, score: score))
                if end == next { hasCharacter = true }
            }
            if !hasCharacter {
                edges.append(
                    Edge(start: Int32(start), end: Int32(next), id: 0, score: model.unknownScore))
            }
            start = next
        }
    }

    // MARK: Expectations

    /// Adds how often each piece is expected in a word that occurs `count` times (the forward-backward algorithm).
    mutating func addExpectations(_ count: Double, to expected: inout [Double]) {
        reset(&forward)
        reset(&backward)
        forward[0] = 0
        for edge in edges {
            let (start, end) = (Int(edge.start), Int(edge.end))
            forward[end] = UnigramLattice.logSum(forward[end], edge.score + forward[start])
        }
        backward[length] = 0
        var last = edges.count
        while last > 0 {
            // The sum goes over the edges from a place in their own order.
            let start = edges[last - 1].start
            var first = last - 1
            while first > 0, edges[first - 1].start == start { first -= 1 }
            var sum = -Double.infinity
            for edge in edges[first..<last] {
                sum = UnigramLattice.logSum(sum, edge.score + backward[Int(edge.end)])
            }
            backward[Int(start)] = sum
            last = first
        }
        let whole = forward[length]
        for edge in edges {
            let share = forward[Int(edge.start)] + edge.score + backward[Int(edge.end)] - whole
            expected[Int(edge.id)] += count * exp(share)
        }
    }

    private func reset(_ values: inout [Double]) {
        values.removeAll(keepingCapacity: true)
        values.append(contentsOf: repeatElement(-.infinity, count: length + 1))
    }

    /// The logarithm of the sum of two numbers of which the logarithms are given.
    @inline(__always)
    private static func logSum(_ left: Double, _ right: Double) -> Double {
        if left == -.infinity { return right }
        let (low, high) = left > right ? (right, left) : (left, right)
        return high > low + 50 ? high : high + log(exp(low - high) + 1)
    }

    // MARK: Paths

    /// A way to a place: its last piece, and which of the ways to that piece's start it goes on from.
    private struct Path {
        var score = -Double.infinity
        var edge = -1
        var before = 0
    }

    /// The two best ways to each place.
    private var paths: [(Path, Path)] = []

    /// The pieces of the best way, the last first.
    mutating func forEachBestPiece(_ body: (Int32) -> Void) {
        findPaths()
        forEachPiece(of: 0, body)
    }

    /// The pieces of the second best way, if the best is a single piece.
    ///
    /// - Returns: `nil` when the best way has more; empty when there is only one way.
    mutating func alternativeToWhole() -> [Int32]? {
        findPaths()
        let (best, second) = paths[length]
        guard edges[best.edge].start == 0 else { return nil }
        guard second.edge >= 0 else { return [] }
        var ids: [Int32] = []
        forEachPiece(of: 1) { ids.append($0) }
        return ids.reversed()
    }

    private mutating func findPaths() {
        paths.removeAll(keepingCapacity: true)
        paths.append(contentsOf: repeatElement((Path(), Path()), count: length + 1))
        paths[0].0.score = 0
        for (index, edge) in edges.enumerated() {
            let ways = paths[Int(edge.start)]
            var (best, second) = paths[Int(edge.end)]
            for (before, way) in [ways.0, ways.1].enumerated()
            where way.edge >= 0 || edge.start == 0 && before == 0 {
                let score = way.score + edge.score
                if best.edge < 0 || score > best.score {
                    (best, second) = (Path(score: score, edge: index, before: before), best)
                } else if second.edge < 0 || score > second.score {
                    second = Path(score: score, edge: index, before: before)
                }
            }
            paths[Int(edge.end)] = (best, second)
        }
    }

    private func forEachPiece(of way: Int, _ body: (Int32) -> Void) {
        var place = length
        var way = way
        while place > 0 {
            let path = way == 0 ? paths[place].0 : paths[place].1
            body(edges[path.edge].id)
            place = Int(edges[path.edge].start)
            way = path.before
        }
    }
}
