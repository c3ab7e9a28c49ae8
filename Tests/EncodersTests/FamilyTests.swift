import Foundation
import GraphCompiler
import Support
import TestSupport
import Testing

@testable import Encoders

/// The families against Hugging Face Transformers: hidden states, each head's logits and loss, all gradients, and the losses of
/// 20 steps of AdamW.
/// `Fixtures/make_families.py` made the numbers; BERTC_FAMILIES names a directory with more of them, and BERTC_SAVED_FAMILIES
/// one to save the models to, for `--check` of the script.
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

    @Test func fixturesAreThere() { #expect(Self.directories.count >= 22) }

    @Test(arguments: directories)
    func equalsTransformers(_ directory: URL) throws {
        let checkpoint = try EncoderCheckpoint(directory: directory)
        let file = try SafetensorsFile(directory.appendingPathComponent("expected.safetensors"))
        let config = checkpoint.config
        let head = try #require(Self.head(of: config))
        let (inputs, length) = try inputs(file)

        // One graph is compiled for a fixture, and all of them for a directory of one's own.
        let isOwn = !directory.path.contains("/families/")
        var differences: [String: Float] = [:]
        if isOwn || head == .encoder {
            let states = try run(
                EncoderGraph(config: config, head: .encoder, isTraining: false), inputs, length, checkpoint)
            differences["hidden"] = difference(
                try #require(states["hidden"]).floats, try file.floats(named: "hidden"))
        }
        if head != .encoder {
            differences.merge(try headDifferences(head, checkpoint, file, inputs, length)) { $1 }
            let model = EncoderGraph(config: config, head: head, isTraining: true)
            if isOwn {
                let given = inputs.merging(try labels(head, file).inputs) { $1 }
                differences["losses"] = difference(
                    try losses(model, given, length, checkpoint), try file.floats(named: "losses"))
            }
            #expect(differences.count >= 15)
        }
        let largest = try #require(differences.max { $0.value < $1.value })
        #expect(largest.value < 1e-4, "\(largest.key)")
        // The bound of outputs is tighter.
        let outputs = differences.filter { !$0.key.hasPrefix("grad.") && $0.key != "losses" }
        #expect(outputs.allSatisfy { $0.value < 1e-5 }, "\(outputs)")
        if isOwn {
            print("largest difference \(directory.lastPathComponent) \(largest.value) \(largest.key)")
        }
        // The files hold what the model needs, and no more.
        let report = try checkpoint.report(
            for: EncoderGraph(config: config, head: head, isTraining: false).build().parameters)
        let unused = report.unexpected.filter { head != .encoder || !$0.hasPrefix("pooler.") }
        #expect(report.missing.isEmpty && unused.isEmpty)
    }

    /// A checkpoint is saved with the names that it was read with.
    @Test(arguments: directories)
    func savedNamesAreTheFamilys(_ directory: URL) throws {
        let checkpoint = try EncoderCheckpoint(directory: directory)
        let specs = try EncoderGraph(
            config: checkpoint.config, head: #require(Self.head(of: checkpoint.config)), isTraining: false
        ).build().parameters
        let temporary = try TemporaryDirectory()
        let place = ProcessInfo.processInfo.environment["BERTC_SAVED_FAMILIES"].map {
            URL(fileURLWithPath: $0)
        }
        let target = (place ?? temporary.url).appendingPathComponent(directory.lastPathComponent)
        try EncoderCheckpoint.save(
            to: target, config: checkpoint.config, architecture: #require(checkpoint.config.architecture),
            parameters: specs, values: checkpoint.load(specs).values)
        let (old, new) = try (weights(directory), weights(target))
        // A plain encoder is written without its pooler.
        let entries = old.entries.filter {
            checkpoint.config.architecture != .encoder || !$0.name.hasPrefix("pooler.")
        }
        #expect(new.entries.map(\.name).sorted() == entries.map(\.name).sorted())
        for entry in entries {
            #expect(try new.floats(named: entry.name) == old.floats(named: entry.name))
        }
        #expect(try EncoderConfig(contentsOf: target) == checkpoint.config)
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
        (
            #"{"model_type": "deberta-v2"}"#,
            "expected 'bert', 'roberta', 'xlm-roberta', 'camembert', 'distilbert'"
        ),
        (#"{"model_type": "roberta", "pad_token_id": null}"#, "'pad_token_id' is null"),
        (#"{"model_type": "roberta", "max_position_embeddings": 2}"#, "'max_position_embeddings' is 2"),
        (#"{"model_type": "roberta", "rope_theta": 10000}"#, "'rope_theta' is not for the family 'roberta'"),
        (
            #"{"model_type": "bert", "layer_types": ["full_attention"]}"#,
            "'layer_types' is not for the family"
        ),
        (
            #"{"model_type": "albert", "num_hidden_groups": 13}"#,
            "'num_hidden_groups' is 13, expected 1 to 12"
        ),
        (#"{"model_type": "albert", "inner_group_num": 0.5}"#, "'inner_group_num' is 0.5, expected a whole"),
        (
            #"{"model_type": "mpnet", "relative_attention_num_buckets": 16}"#,
            "'relative_attention_num_buckets' is 16, expected 32"
        ),
        (
            #"{"model_type": "modernbert", "rope_parameters": {"full_attention": {"rope_type": "yarn"}}}"#,
            "'rope_parameters' is"
        ),
        (
            #"{"model_type": "modernbert", "layer_types": ["full_attention"]}"#,
            "'layer_types' has 1 layers, expected 22"
        ),
        (#"{"model_type": "modernbert", "hidden_size": 36}"#, "makes heads of 3 elements"),
        (#"{"model_type": "modernbert", "classifier_pooling": "max"}"#, "expected one of cls, mean"),
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

    /// Differences of the head's outputs, of all gradients, and of the losses of some steps.
    private func headDifferences(
        _ head: EncoderHead, _ checkpoint: EncoderCheckpoint, _ file: SafetensorsFile,
        _ inputs: [String: TensorData], _ length: Int
    ) throws -> [String: Float] {
        let (labels, places) = try labels(head, file)
        let inputs = inputs.merging(labels) { $1 }
        let model = EncoderGraph(config: checkpoint.config, head: head, isTraining: true)
        let outputs = try run(model, inputs, length, checkpoint)
        let logits = try file.floats(named: "logits")
        let width = checkpoint.config.vocabularySize
        let expected = places.map { $0.flatMap { logits[($0 * width)..<(($0 + 1) * width)] } } ?? logits
        var differences = [
            "logits": difference(try #require(outputs["logits"]).floats, expected),
            "loss": difference(try #require(outputs["loss"]).floats, try file.floats(named: "loss")),
        ]
        if head == .pretraining {
            differences["next_sentence_logits"] = difference(
                try #require(outputs["next_sentence_logits"]).floats,
                try file.floats(named: "next_sentence_logits"))
        }
        for entry in file.entries where entry.name.hasPrefix("grad.") {
            // A tensor of a file may hold several parameters, one after another, or a part of one.
            let map = checkpoint.config.family.checkpoint(of: checkpoint.config)
            let gradient = try map.canonical(String(entry.name.dropFirst(5))).flatMap { place in
                let whole = try #require(outputs["grad.\(place.name)"], "\(place.name)").floats
                let count = whole.count / place.slice.count
                return whole[(place.slice.index * count)..<((place.slice.index + 1) * count)]
            }
            differences[entry.name] = difference(gradient, try file.floats(named: entry.name))
        }
        return differences
    }

    /// The losses of steps of AdamW with the numbers of the script.
    private func losses(
        _ model: EncoderGraph, _ inputs: [String: TensorData], _ length: Int, _ checkpoint: EncoderCheckpoint
    ) throws -> [Float] {
        let built = try model.build()
        let treatments = built.parameters.map { ($0.name, ParameterTreatment(decays: $0.decays)) }
        let options = OptimizerOptions(
            adamW: AdamWAttributes(beta1: 0.9, beta2: 0.999, epsilon: 1e-4, weightDecay: 0.01),
            treatments: Dictionary(uniqueKeysWithValues: treatments))
        let executor = try executor(trainingStep(built.graph, options: options), built, checkpoint)
        return try (0..<20).map { step in
            let given = try options.inputs(step: step, learningRate: 1e-3).mapValues {
                try TensorData([$0], shape: [])
            }
            return try #require(
                executor.run(inputs.merging(given) { $1 }, symbols: ["length": length])["loss"]?.floats.first)
        }
    }

    private func executor(
        _ graph: Graph, _ built: EncoderGraph.Built, _ checkpoint: EncoderCheckpoint
    ) throws -> Executor {
        let store = ParameterStore()
        let executor = try Compiler(CompilerOptions(threads: 1, cache: .off)).compile(
            graph, parameters: store)
        for spec in built.parameters {
            try store.set(spec.name, TensorData(checkpoint.floats(of: spec.name), shape: spec.shape))
        }
        return executor
    }

    private static func head(of config: EncoderConfig) -> EncoderHead? {
        switch config.architecture {
        case .sequenceClassification:
            config.problemType == .regression ? .regression : .classification(labels: config.labelCount)
        case .tokenClassification: .tokenClassification(labels: config.labelCount)
        case .maskedLanguageModel: .maskedLM
        case .discriminator: .discriminator
        case .pretraining: .pretraining
        case .encoder: .encoder
        case nil: nil
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
        case .pretraining:
            let order = try file.integers(named: "next_sentence_labels")
            return (
                [
                    "labels": ids, "masked_positions": positions,
                    "next_sentence_labels": TensorData(order.map(Int32.init)),
                ], places
            )
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
        return try executor(graph, built, checkpoint).run(inputs, symbols: ["length": length])
    }

    /// The largest difference, of numbers beyond 1 relative to the largest of them.
    private func difference(_ a: [Float], _ b: [Float]) -> Float {
        #expect(a.count == b.count)
        let scale = max(1, b.map(abs).max() ?? 0)
        return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / scale
    }
}
