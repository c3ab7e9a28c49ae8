import Encoders
import Foundation
import Pipelines
import Testing

/// MiniLM's embeddings against Hugging Face Transformers'; runs where the model has been fetched (`make
/// fetch`).
@Suite struct EmbeddingParityTests {
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let model = repository.appendingPathComponent("data/minilm")
    static let fixtures = repository.appendingPathComponent("Tests/EncodersTests/Fixtures")

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: model.path),
            "data/minilm is not there: run 'make fetch'"),
        arguments: [EncoderPooling.mean, .cls])
    func differsByAtMost2e5(pooling: EncoderPooling) throws {
        let json = try Data(contentsOf: Self.fixtures.appendingPathComponent("minilm_embeddings.json"))
        let sentences = try JSONDecoder().decode([String: [String]].self, from: json)["sentences"] ?? []
        let file = try SafetensorsFile(Self.fixtures.appendingPathComponent("minilm_embeddings.safetensors"))
        let expected = try file.floats(named: pooling.rawValue)
        let pipeline = try EncoderPipeline(contentsOf: Self.model.path)
        let vectors = try pipeline.embed(sentences.map { TextPair($0) }, pooling: pooling).flatMap { $0 }
        try #require(vectors.count == expected.count && !vectors.isEmpty)
        let difference = zip(vectors, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(difference <= 2e-5)
    }
}
