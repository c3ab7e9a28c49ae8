/// Which parts of all gradients are added up by which process, and in which portions they travel.
///
/// Each process owns a part of every bucket: the others send it theirs, and it adds them in the order of their ranks
/// (a reduce-scatter), so that the sum is that of micro-batches one after another. Then it sends the sum to all (an
/// all-gather). A process sends and receives (N-1)/N of the gradients' size in each half, as a ring does, and the order of
/// every sum is that of the ranks, which a ring's is not.
package struct ExchangePlan: Sendable {
    /// A gradient.
    package struct Tensor: Sendable, Hashable {
        package let name: String
        /// Elements of f32.
        package let count: Int
        /// How many launches of the program must be done until it is complete.
        package let ready: Int
        /// Whether most of it may be 0, as of a table: it travels as the blocks that are not (`SparseMessage`).
        package let isSparse: Bool

        package init(name: String, count: Int, ready: Int, isSparse: Bool = false) {
            (self.name, self.count, self.ready, self.isSparse) = (name, count, ready, isSparse)
        }
    }

    /// Elements of a tensor that follow one another.
    package struct Piece: Sendable, Hashable {
        /// Its number among the plan's tensors.
        package let tensor: Int
        package let range: Range<Int>
    }

    /// What travels together.
    package struct Bucket: Sendable, Hashable {
        /// The pieces that each process adds up.
        package let pieces: [[Piece]]
        /// How many launches must be done until all of it is complete.
        package let ready: Int

        /// Elements that a process adds up.
        package func count(of owner: Int) -> Int { pieces[owner].reduce(0) { $0 + $1.range.count } }
        package var count: Int { pieces.indices.reduce(0) { $0 + count(of: $1) } }
    }

    package let tensors: [Tensor]
    /// In the order in which they are complete.
    package let buckets: [Bucket]
    package let size: Int

    /// The usual size of a bucket in bytes, PyTorch's: large enough for a network's whole rate, and small beside a model.
    package static let bucketByteCount = 25 << 20
    /// Elements in a cache line: no two processes' parts share one.
    private static let line = 16

    /// - Parameters:
    ///   - tensors: all gradients.
    ///   - size: processes.
    ///   - owners: which process has all of a tensor, where some do (by name); others are cut evenly.
    package init(
        _ tensors: [Tensor], size: Int, owners: [String: Int] = [:],
        bucketByteCount: Int = ExchangePlan.bucketByteCount
    ) {
        self.tensors = tensors
        self.size = size
        let order = tensors.indices.sorted {
            (tensors[$0].ready, $0) < (tensors[$1].ready, $1)
        }
        var buckets: [Bucket] = []
        var open: [Piece] = []
        let capacity = max(Self.line, bucketByteCount / 4)
        var room = capacity
        func close() {
            guard !open.isEmpty else { return }
            buckets.append(Self.bucket(open, tensors, size: size, owners: owners))
            (open, room) = ([], capacity)
        }
        for index in order {
            var start = 0
            while start < tensors[index].count {
                let count = min(room, tensors[index].count - start)
                open.append(Piece(tensor: index, range: start..<(start + count)))
                (start, room) = (start + count, room - count)
                if room == 0 { close() }
            }
        }
        close()
        self.buckets = buckets
    }

    private static func bucket(
        _ pieces: [Piece], _ tensors: [Tensor], size: Int, owners: [String: Int]
    ) -> Bucket {
        var owned = [[Piece]](repeating: [], count: size)
        let free = pieces.filter { owners[tensors[$0.tensor].name] == nil }
        for piece in pieces {
            if let owner = owners[tensors[piece.tensor].name] { owned[owner].append(piece) }
        }
        let count = free.reduce(0) { $0 + $1.range.count }
        var place = 0
        for piece in free {
            var start = 0
            while start < piece.range.count {
                // The last process whose share begins at or before this place.
                let owner = (0..<size).last { share($0, of: count, size) <= place + start } ?? 0
                let end = owner + 1 < size ? share(owner + 1, of: count, size) : count
                let stop = min(piece.range.count, end - place)
                owned[owner].append(
                    Piece(
                        tensor: piece.tensor,
                        range: (piece.range.lowerBound + start)..<(piece.range.lowerBound + stop)))
                start = stop
            }
            place += piece.range.count
        }
        return Bucket(pieces: owned, ready: pieces.map { tensors[$0.tensor].ready }.max() ?? 0)
    }

    /// Where the share of a process begins.
    private static func share(_ owner: Int, of count: Int, _ size: Int) -> Int {
        count * owner / size / line * line
    }

    /// Elements of all gradients.
    package var count: Int { tensors.reduce(0) { $0 + $1.count } }

    /// Elements of all gradients that a process adds up.
    package func count(of owner: Int) -> Int { buckets.reduce(0) { $0 + $1.count(of: owner) } }

    /// Bytes of the room for what others send, of the buckets that are under way at once.
    package func roomByteCount(of owner: Int) -> Int {
        // What travels in blocks is copied on its way, at the worst all of it.
        let counts = buckets.map { bucket in
            let copied = bucket.pieces.joined().filter { tensors[$0.tensor].isSparse }
            return bucket.count(of: owner) * max(0, size - 1) + 2 * copied.reduce(0) { $0 + $1.range.count }
        }
        let pairs = zip(counts, counts.dropFirst() + [0]).map { $0 + $1 }
        return (pairs.max() ?? 0) * 4
    }
}
