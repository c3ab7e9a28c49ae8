import Encoders
import Foundation
import TestSupport
import Testing

/// A family that a client writes and adds: gated feed-forward parts without biases, and keys and tensors with other names.
private struct OwnFamily: EncoderFamily {
    let modelType = "own-family"
    let keys = ConfigKeys(
        names: [.hiddenSize: "d_model"], ignored: [.tokenTypes], refused: ConfigKeys.ownShapes, own: [gated])
    private static let gated = FamilyKey.flag("gated", false)
    let classes: [EncoderArchitecture: String] = [
        .encoder: "OwnModel", .sequenceClassification: "OwnClassifier",
    ]

    func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "model", encoder: ["embeddings", "encoder"],
            rules: [
                .split(
                    ["query", "key", "value"].map { "encoder.layer.*.attention.self.\($0)" },
                    of: "encoder.layer.*.Wqkv")
            ])
    }

    var defaults: EncoderConfig {
        var config = EncoderConfig()
        config.normPosition = .post
        return config
    }

    func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.embeddings.tokenTypes = nil
        for index in spec.layers.indices {
            spec.layers[index].feedForward.isGated = config[Self.gated]
            spec.layers[index].feedForward.hasInnerBias = false
            spec.layers[index].feedForward.hasOutputBias = false
        }
        return spec
    }
}

@Suite struct OwnFamilyTests {
    /// Equal parameters after a graph, a saved directory and its reading say that all of them have asked the family.
    @Test func modelsOfAnAddedFamilyAreBuiltSavedAndRead() throws {
        EncoderFamilies.add(OwnFamily())
        let config = try EncoderConfig(
            json: Data(
                """
                {"model_type": "own-family", "gated": true, "vocab_size": 20, "d_model": 16, "num_hidden_layers": 1,
                 "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 8}
                """.utf8))
        let parameters = try EncoderGraph(
            config: config, head: .classification(labels: 2), isTraining: true
        ).build().parameters
        let shapes = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.shape) })
        #expect(shapes["encoder.layer.0.intermediate.dense.weight"] == [16, 16])
        #expect(shapes["encoder.layer.0.intermediate.dense.bias"] == nil)
        #expect(shapes["embeddings.token_type_embeddings.weight"] == nil)

        let values = Dictionary(
            uniqueKeysWithValues: parameters.enumerated().map { index, spec in
                (spec.name, (0..<spec.count).map { Float(index * 1000 + $0) })
            })
        let directory = try TemporaryDirectory()
        try EncoderCheckpoint.save(
            to: directory.url, config: config, architecture: .sequenceClassification, parameters: parameters,
            values: values)
        let text = try String(contentsOf: directory.url("config.json"), encoding: .utf8)
        #expect(text.contains(#""d_model": 16"#) && text.contains("OwnClassifier"))
        let checkpoint = try EncoderCheckpoint(directory: directory.url)
        let (read, report) = try checkpoint.load(parameters)
        #expect(report.missing.isEmpty && report.unexpected.isEmpty && report.redundant.isEmpty)
        #expect(read == values)
    }
}
