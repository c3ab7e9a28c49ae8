import Collectives
import TestSupport
import Testing

@Suite struct ProcessGroupTests {
    @Test(arguments: [1, 2, 5]) func everyoneHearsEveryone(size: Int) throws {
        let heard = try inGroup(of: size) { group in
            let texts = try group.allGather(String(repeating: "\(group.rank)", count: group.rank))
            try group.barrier()
            return (texts, try group.any(group.rank == size - 1), try group.any(false))
        }
        for (texts, some, none) in heard {
            #expect(texts == (0..<size).map { String(repeating: "\($0)", count: $0) })
            #expect(some && !none)
        }
    }

    @Test func whatDiffersIsNamed() {
        let outcomes = outcomes(ofGroupOf: 3) { group in
            try group.agree(on: [("sizes", "3"), ("instruction sets", group.rank == 2 ? "avx2" : "avx512")])
        }
        for outcome in outcomes {
            #expect(throws: GroupError.self) { try outcome.get() }
            guard case .failure(let error) = outcome else { continue }
            #expect("\(error)".contains("instruction sets differ: rank 0"))
            #expect("\(error)".contains("rank 2"))
        }
    }

    /// Sums are those of one process, rank by rank, in one round or several, whatever the sizes.
    @Test(arguments: [2, 3, 4], [1, 2, 3]) func sumsAreInTheOrderOfRanks(size: Int, rounds: Int) throws {
        try checkSums(size: size, rounds: rounds, inSharedMemory: false)
    }

    /// The same where a gradient travels without its zeros.
    @Test(arguments: [2, 3, 4], [1, 2, 3]) func sumsAreTheSameWithoutZeros(size: Int, rounds: Int) throws {
        try checkSums(size: size, rounds: rounds, inSharedMemory: false, isSparse: true)
    }

    /// The same where each process reads the others' gradients, and only the owners of pieces have their sums.
    @Test(arguments: [2, 3, 4], [1, 2, 3]) func sumsAreTheSameInSharedMemory(size: Int, rounds: Int) throws {
        try checkSums(size: size, rounds: rounds, inSharedMemory: true)
    }

    private func checkSums(size: Int, rounds: Int, inSharedMemory: Bool, isSparse: Bool = false) throws {
        let counts = [1, 37, 1000]
        @Sendable func gradient(_ microBatch: Int, _ tensor: Int, _ element: Int) -> Float {
            if isSparse, tensor == 2, element > 300 { return 0 }
            if isSparse, tensor == 2, element / 50 % 4 != microBatch % 4 {
                return element % 9 == 0 ? 0 : -0.0
            }
            return Float((microBatch * 31 + tensor * 7 + element * 13) % 101) / 7 + 1e-6 * Float(element)
        }
        let micro = size * rounds - 1
        let results = try inGroup(of: size) { group in
            let memory = try group.sharedMemory(byteCount: size * 5000)
            let all = (0..<size).map { rank in
                counts.indices.map {
                    (memory.start + 5000 * rank + [0, 64, 512][$0]).assumingMemoryBound(to: Float.self)
                }
            }
            let buffers = all[group.rank]
            let tensors = counts.indices.map {
                ExchangePlan.Tensor(
                    name: "\($0)", count: counts[$0], ready: counts.count - $0, isSparse: isSparse && $0 == 2)
            }
            let plan = ExchangePlan(tensors, size: size, bucketByteCount: 512)
            let exchange = GradientExchange(plan, group, gradients: buffers, distributes: !inSharedMemory)
            if inSharedMemory { exchange.share(all) }
            for round in 0..<rounds {
                let first = round * size
                exchange.begin(
                    GradientExchange.Round(
                        contributors: min(size, micro - first), isFirst: round == 0,
                        isLast: round == rounds - 1))
                for tensor in counts.indices.reversed() {
                    if first + group.rank < micro {
                        for element in 0..<counts[tensor] {
                            buffers[tensor][element] = gradient(first + group.rank, tensor, element)
                        }
                    }
                    exchange.note(launches: counts.count - tensor)
                }
                try exchange.finish()
                try group.barrier()
            }
            let bytes = exchange.sentByteCount
            if inSharedMemory {
                #expect(bytes == 0)
                // The owners' sums to all.
                for (owner, pieces) in plan.buckets.flatMap({ $0.pieces.enumerated() }) {
                    for piece in pieces where owner != group.rank {
                        let start = piece.range.lowerBound
                        buffers[piece.tensor].advanced(by: start).update(
                            from: all[owner][piece.tensor] + start, count: piece.range.count)
                    }
                }
            }
            return (
                buffers.indices.map { Array(UnsafeBufferPointer(start: buffers[$0], count: counts[$0])) },
                bytes
            )
        }
        for (sums, bytes) in results {
            for (tensor, count) in counts.enumerated() {
                for element in 0..<count {
                    var sum = gradient(0, tensor, element)
                    for batch in 1..<micro { sum += gradient(batch, tensor, element) }
                    #expect(sums[tensor][element].bitPattern == sum.bitPattern)
                }
            }
            // At most what a ring sends, but for the rounding of shares.
            let most = (rounds + 1) * (size - 1) * counts.reduce(0, +) * 4 / size
            #expect(bytes <= most + 64 * (rounds + 1) * 10)
        }
    }
}
