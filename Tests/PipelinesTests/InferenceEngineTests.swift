import Foundation
import Synchronization
import Testing

@testable import Pipelines
@testable import Text

/// Calls that share batches, next to the same calls one after another.
@Suite struct InferenceEngineTests {
    private static let fixtures = Bundle.module.bundleURL.appendingPathComponent("Fixtures")
    private static let embedding = fixtures.appendingPathComponent("sentence-transformers/small-0").path
    private static let classifier = fixtures.appendingPathComponent("zero-shot").path
    private static let masked = fixtures.appendingPathComponent("fill-mask").path

    private static func text(_ number: Int) -> String {
        (0...(number * 7 % 23)).map { "\(($0 &* 31 &+ number) % 97)" }.joined(separator: " ")
    }

    @Test func bitsAreThoseOfSingleCallsAndMemoryIsPlanned() async throws {
        let batches = Mutex<[InferenceEngine.BatchReport]>([])
        let engine = try InferenceEngine(
            options: InferenceEngine.Options(
                maxBatchTokens: 96, onBatch: { report in batches.withLock { $0.append(report) } }))
        let model = try await engine.load(Self.embedding)
        let other = try await engine.load(Self.classifier)
        let planned = await engine.residentByteCount
        try await withThrowingTaskGroup(of: (Int, [[Float]]).self) { group in
            for number in 0..<24 {
                group.addTask {
                    let texts = (0..<(number % 4 + 1)).map { Self.text(number + $0) }
                    let isVector = number % 3 != 0
                    return (
                        number,
                        try await isVector
                            ? model.embed(texts, normalize: true)
                            : other.labelScores(texts.map { TextPair($0) })
                    )
                }
            }
            let pipeline = try EncoderPipeline(contentsOf: Self.embedding)
            let classifier = try EncoderPipeline(contentsOf: Self.classifier)
            for try await (number, rows) in group {
                let inputs = (0..<(number % 4 + 1)).map { TextPair(Self.text(number + $0)) }
                let alone =
                    number % 3 != 0
                    ? try pipeline.embed(inputs, normalize: true)
                    : try classifier.classify(inputs).map(\.probabilities)
                #expect(rows == alone)
            }
        }
        let reports = batches.withLock(\.self)
        #expect(reports.reduce(0) { $0 + $1.sequences } == 60)
        #expect(reports.allSatisfy { $0.tokens <= 96 || $0.sequences == 1 })
        #expect(await engine.residentByteCount == planned)
    }

    @Test func sparseWeightsAreThoseOfTheGreatestLogits() async throws {
        let model = try await InferenceEngine().load(Self.masked)
        let both = try await model.sparseWeights(["a b", "c"])
        let alone = try await model.sparseWeights(["c"])
        #expect(!alone[0].isEmpty && alone[0].allSatisfy { $0.weight > 0 })
        #expect(both[1].map(\.token) == alone[0].map(\.token))
        #expect(both[1].map(\.weight) == alone[0].map(\.weight))
    }

    @Test func refusalsAreOfTheirKind() async throws {
        let model = try await InferenceEngine().load(Self.embedding)
        let long = String(repeating: "word ", count: 2000)
        #expect(try await model.embed([long]).count == 1)
        func kind(_ body: () async throws -> Void) async -> InferenceError.Kind? {
            await #expect(throws: InferenceError.self) { try await body() }?.kind
        }
        #expect(
            await kind {
                _ = try await model.embed([long], truncation: InferenceModel.Truncation(isAllowed: false))
            } == .invalidInput)
        #expect(await kind { _ = try await model.labelScores(["a"]) } == .wrongTask)
        #expect(await kind { _ = try await model.rerankScores(["a"], query: "b") } == .wrongTask)
        #expect(await kind { _ = try await model.embed(["a"], promptName: "none such") } == .invalidInput)
    }

    @Test func queueIsFairAndBounded() async throws {
        let queue = BatchQueue(capacity: 5)
        let work = BatchWork(model: 0, task: .head, output: .sequence("logits"))
        func wait(_ lengths: [Int]) -> Task<[[Float]], any Error> {
            let encodings = lengths.map {
                Encoding(ids: Array(repeating: 7, count: $0), typeIDs: Array(repeating: 0, count: $0))
            }
            return Task { try await queue.results(of: encodings, work) {} }
        }
        func settle(_ count: Int) async { while queue.waitingCount != count { await Task.yield() } }
        let many = wait([10, 10, 10])
        await settle(3)
        let single = wait([10])
        await settle(4)
        await #expect(throws: InferenceError.self) { try await wait([10, 10]).value }
        let cancelled = wait([1])
        await settle(5)
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        #expect(queue.waitingCount == 4)
        // One of each call, then the rest.
        let first = try #require(queue.next { _ in (25, 8) })
        #expect(first.tokens == 20 && Set(first.items.map(\.call)).count == 2)
        queue.finish(first.items, [[1], [2]])
        #expect(try await single.value == [[2]])
        let rest = try #require(queue.next { _ in (5, 8) })
        #expect(rest.items.count == 1)
        queue.finish(rest.items, [[3]])
        let last = try #require(queue.next { _ in (50, 1) })
        queue.finish(last.items, [[4]])
        #expect(try await many.value == [[1], [3], [4]])
        #expect(queue.next { _ in (50, 8) }?.tokens == nil)
    }
}
