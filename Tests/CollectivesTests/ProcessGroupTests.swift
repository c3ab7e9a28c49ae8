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
        let counts = [1, 37, 1000]
        @Sendable func gradient(_ microBatch: Int, _ tensor: Int, _ element: Int) -> Float {
            Float((microBatch * 31 + tensor * 7 + element * 13) % 101) / 7 + 1e-6 * Float(element)
        }
        let micro = size * rounds - 1
        let results = try inGroup(of: size) { group in
            let buffers = counts.map { UnsafeMutablePointer<Float>.allocate(capacity: $0) }
            defer { for buffer in buffers { buffer.deallocate() } }
            let tensors = counts.indices.map {
                ExchangePlan.Tensor(name: "\($0)", count: counts[$0], ready: counts.count - $0)
            }
            let plan = ExchangePlan(tensors, size: size, bucketByteCount: 512)
            let exchange = GradientExchange(plan, group, gradients: buffers)
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
            }
            let bytes = exchange.sentByteCount
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
                    #expect(sums[tensor][element] == sum)
                }
            }
            // At most what a ring sends, but for the rounding of shares.
            let most = (rounds + 1) * (size - 1) * counts.reduce(0, +) * 4 / size
            #expect(bytes <= most + 64 * (rounds + 1) * 10)
        }
    }
}
