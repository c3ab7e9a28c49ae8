import Foundation
import Testing

@testable import Encoders
@testable import Pipelines
@testable import Text

/// Vectors of texts that are too long, made of those of their chunks.
@Suite struct ChunkTests {
    private static let fixtures = Bundle.module.bundleURL.appendingPathComponent("Fixtures")

    @Test(arguments: 0..<8)
    func vectorsAreTheMeansOfThoseOfTheChunks(model: Int) async throws {
        let path = Self.fixtures.appendingPathComponent("sentence-transformers/small-\(model)").path
        var options = EncoderPipeline.Options()
        options.chunks = true
        let chunking = try EncoderPipeline(contentsOf: path, options: options)
        let plain = try EncoderPipeline(contentsOf: path)
        let long = (0..<100).map { "\($0 % 7) one two" }.joined(separator: " ")
        let chunks = try chunking.inputs.chunks(of: long, prompt: "", at: "a text")
        #expect(chunks.count > 1)
        #expect(chunks.allSatisfy { (2...plain.maxLength).contains($0.encoding.count) })
        // No token is lost, and none is there twice.
        let inner = try plain.tokenizer.pieces(of: long)
        let extra = plain.tokenizer.template.specialCount(isPair: false)
        #expect(chunks.reduce(0) { $0 + $1.weight } == inner.count)
        #expect(chunks.allSatisfy { $0.weight == $0.encoding.count - extra })
        // The words of each chunk, as texts of their own.
        let embedding = try plain.embedding(prompt: .text(""))
        let rows = try plain.run(embedding.task, output: "pooled", on: chunks.map(\.encoding))
        let total = Float(chunks.reduce(0) { $0 + $1.weight })
        var expected = rows[0].indices.map { place in
            zip(rows, chunks).reduce(Float(0)) { $0 + $1.0[place] * Float($1.1.weight) } / total
        }
        if embedding.isUnit { expected = VectorSimilarity.unitLength(expected) }
        expected = embedding.vector(expected)
        let actual = try chunking.embed([TextPair(long), "one two"], prompt: .text(""))
        #expect(zip(actual[0], expected).allSatisfy { abs($0 - $1) < 1e-5 })
        // A text that is not too long has the vector that it has anyway; an engine gives the same bits.
        #expect(try actual[1] == plain.embed(["one two"], prompt: .text(""))[0])
        let served = try await InferenceEngine().load(path)
        let both = try await served.embed(
            [long, "one two"], truncation: InferenceModel.Truncation(chunks: true))
        #expect(try both == chunking.embed([TextPair(long), "one two"]))
    }

    @Test func wordsThatAreLongerThanAChunkAreCut() async throws {
        let path = Self.fixtures.appendingPathComponent("sentence-transformers/small-0").path
        let model = try await InferenceEngine().load(path)
        let texts = [
            String(repeating: "a", count: 5000), String(repeating: "é\u{301}", count: 700),
            String(repeating: "\u{1F600}", count: 300), String(repeating: " ", count: 3000), "",
            String(repeating: "a,", count: 900),
        ]
        let vectors = try await model.embed(texts, truncation: InferenceModel.Truncation(chunks: true))
        #expect(vectors.count == texts.count && vectors.allSatisfy { $0.allSatisfy(\.isFinite) })
    }
}
