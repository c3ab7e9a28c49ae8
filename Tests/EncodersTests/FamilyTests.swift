import Foundation
import GraphCompiler
import Support
import TestSupport
import Testing

@testable import Encoders

/// DistilBERT and ELECTRA against Hugging Face Transformers: hidden states, each head's logits and loss, and all gradients.
/// `Fixtures/make_families.py` made the numbers; BERTC_FAMILIES names a directory with more of them.
@Suite struct FamilyTests {
    static let directories: [URL] = {
        let folders =
            [Fixtures.folder.appendingPathComponent("families")]
            + [ProcessInfo.processInfo.environment["BERTC_FAMILIES"]].compactMap {
                $0.map { URL(fileURLWithPath: $0) }
            }
        return folders.flatMap {
            (try? FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)) ?? []
        }.sorted { $0.path < $1.path }
    }()

    @Test func fixturesAreThere() { #expect(Self.directories.count >= 7) }

    @Test(arguments: directories)
    func equalsTransformers(_ directory: URL) throws {
        let checkpoint = try EncoderCheckpoint(directory: directory)
        let file = try SafetensorsFile(directory.appendingPathComponent("expected.safetensors"))
        let config = checkpoint.config
        let head = try #require(Self.head(of: config))
        let (inputs, length) = try inputs(file)

        let hidden = try run(
            EncoderGraph(config: config, head: .encoder, isTraining: false), inputs, length, checkpoint)
        var differences = [
            "hidden": difference(try #require(hidden["hidden"]).floats, try file.floats(named: "hidden"))
        ]
        let (labels, places) = try labels(head, file)
        let outputs = try run(
            EncoderGraph(config: config, head: head, isTraining: true), inputs.merging(labels) { $1 }, length,
            checkpoint)
        let logits = try file.floats(named: "logits")
        let width = config.vocabularySize
        let expected = places.map { $0.flatMap { logits[($0 * width)..<(($0 + 1) * width)] } } ?? logits
        differences["logits"] = difference(try #require(outputs["logits"]).floats, expected)
        differences["loss"] = difference(try #require(outputs["loss"]).floats, try file.floats(named: "loss"))
        for entry in file.entries where entry.name.hasPrefix("grad.") {
            let name = try #require(checkpoint.canonicalNames(of: String(entry.name.dropFirst(5))).first)
            let gradient = try #require(outputs["grad.\(name)"], "\(name)").floats
            differences[entry.name] = difference(gradient, try file.floats(named: entry.name))
        }
        #expect(differences.count >= 20)
        let largest = try #require(differences.max { $0.value < $1.value })
        #expect(largest.value < 2e-4, "\(largest.key)")
        if directory.path.contains("families") == false {
            print("largest difference \(directory.lastPathComponent) \(largest.value) \(largest.key)")
        }
        // The files hold what the model needs, and no more.
        let report = try checkpoint.report(
            for: EncoderGraph(config: config, head: head, isTraining: false).build().parameters)
        #expect(report.missing.isEmpty && report.unexpected.isEmpty)
    }

    /// A checkpoint is saved with the names that it was read with.
    @Test(arguments: directories.filter { $0.path.contains("families") })
    func savedNamesAreTheFamilys(_ directory: URL) throws {
        let checkpoint = try EncoderCheckpoint(directory: directory)
        let specs = try EncoderGraph(
            config: checkpoint.config, head: #require(Self.head(of: checkpoint.config)), isTraining: false
        ).build().parameters
        let target = try TemporaryDirectory()
        try EncoderCheckpoint.save(
            to: target.url, config: checkpoint.config, architecture: #require(checkpoint.config.architecture),
            parameters: specs, values: checkpoint.load(specs).values)
        let (old, new) = try (weights(directory), weights(target.url))
        #expect(new.entries.map(\.name).sorted() == old.entries.map(\.name).sorted())
        for entry in old.entries {
            #expect(try new.floats(named: entry.name) == old.floats(named: entry.name))
        }
        #expect(try EncoderConfig(contentsOf: target.url) == checkpoint.config)
    }

    @Test(arguments: [
        (
            #"{"model_type": "distilbert", "attention_mask": "star"}"#,
            "'attention_mask' is not for the family 'distilbert'"
        ),
        (
            #"{"model_type": "electra", "norm_position": "pre"}"#,
            "'norm_position' is not for the family 'electra'"
        ),
        (
            #"{"model_type": "electra", "share_layers": "all"}"#,
            "'share_layers' is not for the family 'electra'"
        ),
        (#"{"model_type": "distilbert", "embedding_size": 3}"#, "'embedding_size' is not for the family"),
        (
            #"{"model_type": "distilbert", "dim": 50, "n_heads": 4}"#,
            "'dim' is 50, which n_heads (4) does not divide"
        ),
        (#"{"model_type": "distilbert", "n_layers": 0}"#, "'n_layers' is 0"),
        (#"{"model_type": "roberta"}"#, "expected 'bert', 'distilbert'"),
    ])
    func whatAFamilyDoesNotHaveIsRefused(json: String, problem: String) {
        let error = #expect(throws: ConfigError.self) { try EncoderConfig(json: Data(json.utf8)) }
        #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        ("distilbert", EncoderHead.pretraining, "no next-sentence head"),
        ("distilbert", .discriminator, "no discriminator"),
        ("electra", .pretraining, "no next-sentence head"),
        ("bert", .discriminator, "no discriminator"),
    ])
    func headsThatAFamilyDoesNotHaveAreRefused(family: String, head: EncoderHead, problem: String) {
        var config = EncoderConfig()
        (config.modelType, config.normPosition) = (family, .post)
        let error = #expect(throws: ConfigError.self) {
            try EncoderGraph(config: config, head: head, isTraining: true).build()
        }
        #expect(error?.description.contains(problem) == true)
    }

    @Test func keysHaveTheFamilysNames() throws {
        let json = #"{"model_type": "distilbert", "hidden_size": 24, "n_heads": 2, "type_vocab_size": 3}"#
        let config = try EncoderConfig(json: Data(json.utf8))
        #expect(config.hiddenSize == 24 && config.heads == 2 && config.layers == 6)
        #expect(
            config.warnings == ["'type_vocab_size' means nothing in the family 'distilbert' and is ignored"])
        let saved = String(decoding: try config.json(), as: UTF8.self)
        for key in [
            "dim", "n_heads", "n_layers", "hidden_dim", "dropout", "seq_classif_dropout", "type_vocab_size",
        ] {
            #expect(saved.contains("\"\(key)\""))
        }
        #expect(!saved.contains("norm_position") && !saved.contains("layer_norm_eps"))
        let graph = try EncoderGraph(config: config, head: .encoder, isTraining: false).build().graph
        #expect(!graph.nodes.contains { "\($0.op)".contains("token_type_ids") })
    }

    // MARK: Pieces

    private static func head(of config: EncoderConfig) -> EncoderHead? {
        switch config.architecture {
        case .sequenceClassification:
            config.problemType == .regression ? .regression : .classification(labels: config.labelCount)
        case .tokenClassification: .tokenClassification(labels: config.labelCount)
        case .maskedLanguageModel: .maskedLM
        case .discriminator: .discriminator
        case .pretraining: .pretraining
        case .encoder, nil: nil
        }
    }

    private func weights(_ directory: URL) throws -> SafetensorsFile {
        try SafetensorsFile(directory.appendingPathComponent("model.safetensors"))
    }

    private func inputs(_ file: SafetensorsFile) throws -> ([String: TensorData], length: Int) {
        let lengths = try file.integers(named: "lengths")
        func tensor(_ values: [Int]) -> TensorData { TensorData(values.map(Int32.init)) }
        let tensors = [
            "input_ids": tensor(try file.integers(named: "ids")),
            "token_type_ids": tensor(try file.integers(named: "types")),
            "position_ids": tensor(lengths.flatMap { Array(0..<$0) }),
            "offsets": tensor(lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }),
            "lengths": tensor(lengths),
        ]
        return (tensors, lengths.max() ?? 0)
    }

    /// The labels as inputs, and the masked tokens.
    private func labels(
        _ head: EncoderHead, _ file: SafetensorsFile
    ) throws -> (inputs: [String: TensorData], masked: [Int]?) {
        if head == .regression { return (["labels": TensorData(try file.floats(named: "labels"))], nil) }
        let all = try file.integers(named: "labels")
        let places = all.indices.filter { all[$0] >= 0 }
        let (ids, positions) = (TensorData(places.map { Int32(all[$0]) }), TensorData(places.map(Int32.init)))
        switch head {
        case .maskedLM: return (["labels": ids, "masked_positions": positions], places)
        case .tokenClassification: return (["labels": ids, "labelled_positions": positions], nil)
        case .discriminator:
            return (
                ["labels": TensorData(places.map { Float(all[$0]) }), "labelled_positions": positions], nil
            )
        default: return (["labels": ids], nil)
        }
    }

    /// The outputs of a graph, with the gradient of every parameter as `grad.NAME` where there is a loss.
    private func run(
        _ model: EncoderGraph, _ inputs: [String: TensorData], _ length: Int, _ checkpoint: EncoderCheckpoint
    ) throws -> [String: TensorData] {
        let built = try model.build()
        var graph = built.graph
        if let loss = graph.outputs.first(where: { $0.name == "loss" })?.value {
            let parameters = graph.parameters
            let gradients = try appendGradients(
                to: &graph, of: loss, withRespectTo: parameters.map { Value($0) })
            for (id, gradient) in zip(parameters, gradients) {
                guard case .source(.parameter(let name, _, _)) = graph[id].op, let gradient else { continue }
                graph.addOutput("grad.\(name)", gradient)
            }
        }
        let store = ParameterStore()
        let executor = try Compiler(CompilerOptions(threads: 1, cache: .off)).compile(
            graph, parameters: store)
        for spec in built.parameters {
            try store.set(spec.name, TensorData(checkpoint.floats(of: spec.name), shape: spec.shape))
        }
        return try executor.run(inputs, symbols: ["length": length])
    }

    /// The largest difference, of numbers beyond 1 relative to the largest of them.
    private func difference(_ a: [Float], _ b: [Float]) -> Float {
        #expect(a.count == b.count)
        let scale = max(1, b.map(abs).max() ?? 0)
        return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / scale
    }
}
