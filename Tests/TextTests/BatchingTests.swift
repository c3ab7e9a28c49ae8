import Support
import Testing
import Text

@Suite struct BatchingTests {
    /// Sequences of 1 to 40 tokens whose ids tell where they come from: example * 100 + position.
    private static func encodings(_ count: Int = 203) -> [Encoding] {
        var generator = SplitMix64(seed: 7)
        return (0..<count).map { example in
            let length = 1 + Int(generator.next() % 40)
            let ids = (0..<length).map { Int32(example * 100 + $0) }
            return Encoding(ids: ids, typeIDs: ids.map { $0 % 2 })
        }
    }

    private static func batcher(
        _ mode: BatchingMode, maxTokens: Int? = nil, shuffle: Bool = true, seed: UInt64 = 3
    ) throws -> Batcher {
        try Batcher(
            encodings(),
            options: BatchingOptions(
                mode: mode, batchSize: 8, maxTokens: maxTokens, maxLength: 50, padID: -9, shuffle: shuffle,
                seed: seed))
    }

    @Test(arguments: BatchingMode.allCases, [nil, 120])
    func everyExampleOnceAndLaidOutConsistently(mode: BatchingMode, maxTokens: Int?) throws {
        let batcher = try BatchingTests.batcher(mode, maxTokens: maxTokens)
        for epoch in 0..<3 {
            var seen: [Int] = []
            var report = EpochReport(epoch: epoch)
            for batch in batcher.batches(epoch: epoch) {
                check(batch, mode: mode, encodings: batcher.encodings)
                #expect(batch.sequences <= 8)
                #expect(batch.tokens <= maxTokens ?? .max)
                seen += batch.exampleIndices
                report.add(
                    sequences: batch.sequences, realTokens: batch.realTokens, paddedTokens: batch.paddedTokens
                )
            }
            #expect(seen.sorted() == Array(0..<203))
            #expect(report == batcher.plan.report(epoch: epoch))
            #expect(report.realTokens == batcher.encodings.reduce(0) { $0 + $1.count })
        }
    }

    private func check(_ batch: Batch, mode: BatchingMode, encodings: [Encoding]) {
        let slots = zip(batch.offsets, batch.offsets.dropFirst()).map { Int($0)..<Int($1) }
        #expect(batch.offsets.first == 0)
        #expect(Int(batch.offsets.last ?? -1) == batch.tokens)
        #expect(slots.count == batch.sequences)
        #expect(slots.map(\.count).max() == batch.maxLength)
        #expect([batch.ids, batch.typeIDs, batch.positions].allSatisfy { $0.count == batch.tokens })
        #expect(batch.realTokens == batch.lengths.reduce(0) { $0 + Int($1) })
        #expect(batch.paddedTokens == batch.tokens - batch.realTokens)
        for (sequence, slot) in slots.enumerated() {
            let encoding = encodings[batch.exampleIndices[sequence]]
            let real = slot.prefix(encoding.count)
            #expect(Int(batch.lengths[sequence]) == encoding.count)
            #expect(Array(batch.ids[real]) == encoding.ids)
            #expect(Array(batch.typeIDs[real]) == encoding.typeIDs)
            #expect(Array(batch.positions[slot]) == (0..<slot.count).map(Int32.init))
            #expect(batch.ids[slot.dropFirst(encoding.count)].allSatisfy { $0 == -9 })
            #expect(batch.typeIDs[slot.dropFirst(encoding.count)].allSatisfy { $0 == 0 })
        }
        switch mode {
        case .fixed: #expect(slots.allSatisfy { $0.count == 50 })
        case .dynamic: #expect(slots.allSatisfy { $0.count == Int(batch.lengths.max() ?? 0) })
        case .uniform: #expect(Set(batch.lengths).count == 1 && batch.paddedTokens == 0)
        case .packed: #expect(batch.paddedTokens == 0)
        }
    }

    @Test(arguments: BatchingMode.allCases)
    func resumesWithTheSameBatches(mode: BatchingMode) throws {
        let whole = Array(try BatchingTests.batcher(mode).batches(epoch: 5))
        let again = try BatchingTests.batcher(mode)
        #expect(whole.count > 10)
        #expect(Array(again.batches(epoch: 5, from: 10)) == Array(whole.dropFirst(10)))
        #expect(Array(again.batches(epoch: 5, from: whole.count)).isEmpty)
    }

    @Test(arguments: BatchingMode.allCases)
    func seedAndEpochChangeTheOrder(mode: BatchingMode) throws {
        let plan = try BatchingTests.batcher(mode).plan
        let other = try BatchingTests.batcher(mode, seed: 4).plan
        #expect(plan.batches(epoch: 0) != plan.batches(epoch: 1))
        #expect(plan.batches(epoch: 0) != other.batches(epoch: 0))
    }

    @Test func evaluationKeepsFileOrder() throws {
        for mode in [BatchingMode.fixed, .dynamic, .packed] {
            let plan = try BatchingTests.batcher(mode, shuffle: false).plan
            #expect(plan.batches(epoch: 0).flatMap(\.self) == Array(0..<203))
        }
        let uniform = try BatchingTests.batcher(.uniform, shuffle: false).plan
        #expect(uniform.batches(epoch: 0) == uniform.batches(epoch: 1))
    }

    /// So that the modes can be compared with each other: same examples, same loss.
    @Test func modesShareTheirBatches() throws {
        let fixed = try BatchingTests.batcher(.fixed).plan.batches(epoch: 2)
        #expect(try BatchingTests.batcher(.dynamic).plan.batches(epoch: 2) == fixed)
        #expect(try BatchingTests.batcher(.packed).plan.batches(epoch: 2) == fixed)
    }

    /// Short batches come from the remainders of the lengths only, at most one each; all are shuffled.
    @Test func uniformFillsItsBatches() throws {
        let plan = try BatchingTests.batcher(.uniform).plan
        let batches = plan.batches(epoch: 0)
        let short = batches.filter { $0.count < 8 }.map { plan.examples[$0[0]].longest }
        #expect(Set(short).count == short.count)
        let order = batches.map { plan.examples[$0[0]].longest }
        #expect(order != order.sorted())
    }

    /// A bucket is what a batch is padded within; wider ones pad more and leave fewer batches short.
    @Test func wideBucketsPadWithinThem() throws {
        var counts: [Int] = []
        for width in [1, 8, 40] {
            let batcher = try Batcher(
                Self.encodings(),
                options: BatchingOptions(
                    mode: .uniform, bucketWidth: width, batchSize: 8, maxLength: 50, padID: -9))
            for batch in batcher.batches(epoch: 1) {
                check(batch, mode: .dynamic, encodings: batcher.encodings)
                #expect(Set(batch.lengths.map { ($0 - 1) / Int32(width) }).count == 1)
            }
            #expect(batcher.plan.batches(epoch: 1).flatMap(\.self).sorted() == Array(0..<203))
            counts.append(batcher.plan.report(epoch: 1).batches)
        }
        #expect(counts[0] > counts[1] && counts[1] > counts[2] && counts[2] == 26, "\(counts)")
        let options = BatchingOptions(mode: .uniform, bucketWidth: 4, batchSize: 2, maxLength: 10)
        let report = try BatchPlan(lengths: [4, 1, 5, 8], options: options).report(epoch: 0)
        #expect(report.batches == 2 && report.paddedTokens == 6)
    }

    /// Transformers gives RoBERTa's padding token the row before the first, also within a text.
    @Test func anUncountedTokenTakesNoPosition() throws {
        let encodings = [[5, 1, 6, 1, 7], [7, 8]].map { Encoding(ids: $0, typeIDs: $0.map { _ in 0 }) }
        func positions(_ mode: BatchingMode, _ uncounted: Int32?) throws -> [Int32] {
            let options = BatchingOptions(mode: mode, padID: 1, uncountedID: uncounted)
            return try Batcher(encodings, options: options).layOut([0, 1]).positions
        }
        #expect(try positions(.packed, 1) == [0, -1, 1, -1, 2, 0, 1])
        #expect(try positions(.packed, nil) == [0, 1, 2, 3, 4, 0, 1])
        #expect(try positions(.dynamic, 1) == [0, -1, 1, -1, 2, 0, 1, 2, 3, 4])
    }

    @Test func reportCountsPadding() throws {
        let options = BatchingOptions(mode: .dynamic, batchSize: 2, maxLength: 10, shuffle: false)
        let report = try BatchPlan(lengths: [4, 2, 6], options: options).report(epoch: 0)
        #expect(report.paddedTokens == 2)
        #expect(report.realTokens == 12)
        #expect(report.paddedShare == 2.0 / 14)
        #expect(
            report.description
                == "3 sequences in 2 batches, 12 real and 2 padded tokens (14.3% padding)")
    }

    /// Outputs 1 to 3 for the seed 1234567, from the reference implementation.
    @Test func splitMixIsTheReferenceGenerator() {
        var generator = SplitMix64(seed: 1_234_567)
        let outputs = [generator.next(), generator.next(), generator.next()]
        #expect(outputs == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }

    @Test(arguments: [
        ([Int](), BatchingOptions(), "no examples"),
        ([3], BatchingOptions(batchSize: 0), "batchSize is 0"),
        ([3], BatchingOptions(bucketWidth: 0), "bucketWidth is 0"),
        ([3], BatchingOptions(maxLength: 0), "maxLength is 0"),
        ([3, 600], BatchingOptions(), "example 1 has 600 tokens but maxLength is 512"),
        ([3, 0], BatchingOptions(), "example 1 has no tokens"),
        ([3, 9], BatchingOptions(maxTokens: 8), "maxTokens is 8 but one sequence takes 9"),
        ([3], BatchingOptions(mode: .fixed, maxTokens: 8), "maxTokens is 8 but one sequence takes 512"),
    ])
    func badOptions(lengths: [Int], options: BatchingOptions, part: String) throws {
        let error = try textError { _ = try BatchPlan(lengths: lengths, options: options) }
        #expect(error.message.contains(part), "\(error)")
    }
}

/// Examples that are groups of sequences.
@Suite struct GroupBatchingTests {
    /// Groups of 2, 3, 2, 3 … sequences of 1 to 9 tokens.
    private static let groups = ExampleGroups(sizes: (0..<60).map { 2 + $0 % 2 })
    private static let encodings = (0..<groups.offsets[60]).map { sequence in
        let length = 1 + sequence * 7 % 9
        return Encoding(
            ids: Array(repeating: Int32(sequence), count: length),
            typeIDs: Array(repeating: 0, count: length))
    }

    @Test(arguments: BatchingMode.allCases, [nil, 60])
    func groupsStayTogether(mode: BatchingMode, maxTokens: Int?) throws {
        let batcher = try Batcher(
            Self.encodings, groups: Self.groups,
            options: BatchingOptions(mode: mode, batchSize: 4, maxTokens: maxTokens, maxLength: 9, seed: 5))
        var seen: [Int] = []
        for batch in batcher.batches(epoch: 1) {
            #expect(batch.examples <= 4 && batch.tokens <= maxTokens ?? .max)
            #expect(batch.sequenceIndices == batch.exampleIndices.flatMap { Array(Self.groups[$0]) })
            for (place, example) in batch.exampleIndices.enumerated() {
                let rows = Int(batch.exampleOffsets[place])..<Int(batch.exampleOffsets[place + 1])
                #expect(Array(batch.sequenceIndices[rows]) == Array(Self.groups[example]))
                for row in rows {
                    #expect(batch.ids[Int(batch.offsets[row])] == Int32(batch.sequenceIndices[row]))
                }
            }
            seen += batch.exampleIndices
        }
        #expect(seen.sorted() == Array(0..<60))
        let largest = batcher.plan.largestShapes(epochs: 1..<2)
        #expect(largest.allSatisfy { $0.examples <= 4 && $0.sequences >= 2 * $0.examples })
    }

    /// As sentence-transformers' NoDuplicatesBatchSampler: an example waits while one of its texts is in the batch.
    @Test func examplesThatShareATextWait() throws {
        let options = BatchingOptions(batchSize: 3, maxLength: 9, shuffle: false)
        let extents = Array(repeating: ExampleExtent(lengths: [2, 3]), count: 7)
        let keys = [[0, 1], [0, 2], [3, 4], [5, 0], [6, 7], [8, 9], [6, 1]]
        let plan = try BatchPlan(extents, options: options, keys: keys)
        #expect(plan.batches(epoch: 0) == [[0, 2, 4], [1, 5, 6], [3]])
        #expect(plan.variesByEpoch)
        let shuffled = try BatchPlan(
            extents, options: BatchingOptions(batchSize: 3, maxLength: 9, seed: 1), keys: keys)
        for epoch in 0..<5 {
            let batches = shuffled.batches(epoch: epoch)
            #expect(batches.flatMap { $0 }.sorted() == Array(0..<7))
            for batch in batches {
                let all = batch.flatMap { keys[$0] }
                #expect(Set(all).count == all.count)
            }
        }
    }

    @Test func anExampleThatDoesNotFitIsRefused() throws {
        let error = try textError {
            _ = try BatchPlan(
                [ExampleExtent(lengths: [5, 6])], options: BatchingOptions(maxTokens: 10, maxLength: 9))
        }
        #expect(error.message.contains("one example takes 11 tokens"))
    }
}
