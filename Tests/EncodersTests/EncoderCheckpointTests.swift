import Foundation
import TestSupport
import Testing

@testable import Encoders

/// Writes `model.safetensors` (or another file) of F32 tensors whose elements are all `value`.
private func weights(
    _ shapes: [String: [Int]], value: Float = 1, name: String = "model.safetensors", in url: URL
) throws {
    let entries = shapes.map { SafetensorsEntry(name: $0, dataType: .f32, shape: $1) }
    try SafetensorsWriter.write(entries, to: url.appendingPathComponent(name)) { entry, sink in
        try [Float](repeating: value, count: entry.count).withUnsafeBytes { try sink($0) }
    }
}

@Suite struct EncoderCheckpointTests {
    @Test(arguments: [
        ("bert.embeddings.word_embeddings.weight", "embeddings.word_embeddings.weight"),
        ("embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"),
        ("bert.encoder.layer.11.output.LayerNorm.beta", "encoder.layer.11.output.LayerNorm.bias"),
        ("cls.predictions.transform.LayerNorm.gamma", "cls.predictions.transform.LayerNorm.weight"),
        ("classifier.weight", "classifier.weight"),
        ("my.gamma", "my.gamma"),
        ("_orig_mod.embeddings.LayerNorm.bias", "embeddings.LayerNorm.bias"),
        ("module.classifier.weight", "classifier.weight"),
        ("model.bert.pooler.dense.bias", "pooler.dense.bias"),
        (
            "module._orig_mod.bert.encoder.layer.0._orig_mod.output.LayerNorm.gamma",
            "encoder.layer.0.output.LayerNorm.weight"
        ),
        (
            "_fsdp_wrapped_module.bert._fsdp_wrapped_module.embeddings.word_embeddings.weight",
            "embeddings.word_embeddings.weight"
        ),
        ("encoder.layer.0.model.x", "encoder.layer.0.model.x"),
    ])
    func storedNamesBecomeCanonical(stored: String, canonical: String) {
        #expect(BERT().checkpoint(of: EncoderConfig()).canonical(stored) == [.init(name: canonical)])
    }

    @Test(arguments: EncoderArchitecture.allCases)
    func canonicalNamesBecomeStored(architecture: EncoderArchitecture) {
        let prefix = architecture == .encoder ? "" : "bert."
        func stored(_ name: String) -> String {
            BERT().checkpoint(of: EncoderConfig()).stored(name, in: architecture)[0].name
        }
        #expect(stored("pooler.dense.weight") == "\(prefix)pooler.dense.weight")
        #expect(stored("classifier.bias") == "classifier.bias")
        #expect(stored("cls.predictions.bias") == "cls.predictions.bias")
    }

    @Test func reportListsEveryTensor() throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.json", "{}")
        try weights(
            [
                "bert.embeddings.word_embeddings.weight": [5, 2], "embeddings.position_ids": [1, 4],
                "cls.predictions.decoder.weight": [5, 2], "encoder.layer.0.x": [3],
            ], in: directory.url)
        let checkpoint = try EncoderCheckpoint(directory: directory.url)
        let classifier = ParameterSpec("classifier.weight", [2, 2])
        let (values, report) = try checkpoint.load([
            .init("embeddings.word_embeddings.weight", [5, 2]), classifier,
        ])
        #expect(report.loaded == ["embeddings.word_embeddings.weight"])
        #expect(report.missing == [classifier])
        #expect(report.unexpected == ["encoder.layer.0.x"])
        #expect(report.redundant == ["cls.predictions.decoder.weight", "embeddings.position_ids"])
        #expect(values == ["embeddings.word_embeddings.weight": [Float](repeating: 1, count: 10)])
        #expect(report.description.contains("classifier.weight [2, 2]"))
        #expect(report.description.contains("not in the model: encoder.layer.0.x"))
    }

    @Test(arguments: [Float.nan, .infinity])
    func weightsThatAreNoNumbersAreNamed(value: Float) throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.json", "{}")
        try weights(["bert.pooler.dense.bias": [2]], value: value, in: directory.url)
        let checkpoint = try EncoderCheckpoint(directory: directory.url)
        let text = try #require(message { _ = try checkpoint.floats(of: "pooler.dense.bias") })
        #expect(text.contains("model.safetensors: tensor 'bert.pooler.dense.bias' holds \(value)"))
    }

    @Test func anUntiedDecoderIsNotSkippedSilently() throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.json", "{}")
        try weights(["embeddings.word_embeddings.weight": [5, 2]], name: "a.safetensors", in: directory.url)
        try weights(
            ["cls.predictions.decoder.weight": [5, 2]], value: 2, name: "b.safetensors", in: directory.url)
        try directory.write(
            "model.safetensors.index.json",
            """
            {"weight_map": {"embeddings.word_embeddings.weight": "a.safetensors",
                            "cls.predictions.decoder.weight": "b.safetensors"}}
            """)
        let checkpoint = try EncoderCheckpoint(directory: directory.url)
        let report = try checkpoint.report(for: [.init("embeddings.word_embeddings.weight", [5, 2])])
        #expect(report.unexpected == ["cls.predictions.decoder.weight"] && report.redundant.isEmpty)
        #expect(try checkpoint.floats(of: "cls.predictions.decoder.weight").allSatisfy { $0 == 2 })
    }

    @Test func aTiedCopyServesWhenItAloneWasSaved() throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.json", "{}")
        try weights(["cls.predictions.decoder.bias": [5]], value: 3, in: directory.url)
        let (values, report) = try EncoderCheckpoint(directory: directory.url).load([
            .init("cls.predictions.bias", [5])
        ])
        #expect(values == ["cls.predictions.bias": [3, 3, 3, 3, 3]])
        #expect(
            report.loaded == ["cls.predictions.bias"] && report.unexpected.isEmpty && report.redundant.isEmpty
        )
    }

    @Test func everyMismatchedShapeIsListed() throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.json", "{}")
        try weights(
            ["classifier.weight": [3, 4], "classifier.bias": [3], "pooler.dense.bias": [4]], in: directory.url
        )
        let text = message {
            _ = try EncoderCheckpoint(directory: directory.url).report(for: [
                .init("classifier.weight", [2, 4]), .init("classifier.bias", [2]),
                .init("pooler.dense.bias", [4]),
            ])
        }
        #expect(
            text?.contains(
                "classifier.weight is [3, 4], expected [2, 4]; classifier.bias is [3], expected [2]") == true)
    }

    @Test func unusableDirectoriesAreRefused() throws {
        let directory = try TemporaryDirectory()
        func failure() -> String { message { _ = try EncoderCheckpoint(directory: directory.url) } ?? "none" }
        #expect(failure().contains("neither a model.json nor a config.json"))
        try directory.write("config.json", "{}")
        #expect(failure().contains("no weights, expected model.safetensors"))
        try directory.write("pytorch_model.bin", "x")
        #expect(failure().contains("pickle") && failure().contains("save_file"))
        let index = "model.safetensors.index.json"
        try directory.write(index, "{")
        #expect(failure().contains("\(index): is not valid JSON"))
        try directory.write(index, #"{"weight_map": {"a": "../x.safetensors"}}"#)
        #expect(failure().contains("gives 'a' no file name of this directory"))
        try directory.write(index, #"{"weight_map": {"a": "x.safetensors"}}"#)
        #expect(failure().contains("x.safetensors: cannot be read"))
        try weights(["b": [1]], name: "x.safetensors", in: directory.url)
        #expect(failure().contains("places 'a' in x.safetensors, which does not hold it"))
        try weights(["bert.pooler.dense.bias": [1], "pooler.dense.bias": [1]], in: directory.url)
        #expect(
            failure().contains("bert.pooler.dense.bias and pooler.dense.bias both mean 'pooler.dense.bias'"))
    }

    @Test func integersWhereWeightsBelongAreRefused() throws {
        let directory = try TemporaryDirectory()
        try directory.write("config.json", "{}")
        let entry = SafetensorsEntry(name: "classifier.bias", dataType: .i64, shape: [1])
        try SafetensorsWriter.write([entry], to: directory.url.appendingPathComponent("model.safetensors")) {
            try [Int64(1)].withUnsafeBytes($1)
        }
        let checkpoint = try EncoderCheckpoint(directory: directory.url)
        let text = message { _ = try checkpoint.report(for: [.init("classifier.bias", [1])]) }
        #expect(text?.contains("'classifier.bias' has type I64, expected F32") == true)
    }

    /// The tiny fixture, saved as each class, keeps its values under that class's names.
    @Test(arguments: EncoderArchitecture.allCases.filter { BERT().classes[$0] != nil })
    func savedModelLoadsAgain(architecture: EncoderArchitecture) throws {
        let source = try EncoderCheckpoint(directory: Fixtures.folder.appendingPathComponent("tiny"))
        let own: [EncoderArchitecture: String] = [
            .sequenceClassification: "classifier.", .tokenClassification: "classifier.",
            .maskedLanguageModel: "cls.",
        ]
        let heads = Set(own.values).subtracting([own[architecture] ?? ""])
        let specs = source.parameters.filter { spec in !heads.contains { spec.name.hasPrefix($0) } }
        let values = try source.load(specs).values
        var config = source.config
        config.labels = ["good", "bad", "so-so"]
        let directory = try TemporaryDirectory()
        let target = directory.url.appendingPathComponent("new/model")
        try EncoderCheckpoint.save(
            to: target, config: config, architecture: architecture, parameters: specs, values: values)

        let saved = try EncoderCheckpoint(directory: target)
        #expect(saved.parameters == specs)
        #expect(try saved.load(specs).values == values)
        #expect(saved.config.architecture == architecture && saved.config.labels == config.labels)
        #expect(saved.config.normPosition == .post && saved.config.modelType == "bert")
        let names = try SafetensorsFile(target.appendingPathComponent("model.safetensors")).entries.map(
            \.name)
        let expected = architecture == .encoder ? "pooler.dense.bias" : "bert.pooler.dense.bias"
        #expect(names.contains(expected))
    }

    @Test func savingWithoutValuesIsRefused() throws {
        let directory = try TemporaryDirectory()
        let text = message {
            try EncoderCheckpoint.save(
                to: directory.url, config: EncoderConfig(), architecture: .encoder,
                parameters: [.init("pooler.dense.bias", [2])], values: [:])
        }
        #expect(text?.contains("'pooler.dense.bias' was given 0 bytes, expected 8") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.url.path).isEmpty)
    }
}
