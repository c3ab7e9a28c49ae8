import Encoders
import Foundation
import GraphCompiler
import Support
import TestSupport
import Testing

/// Shared layers, factorised embeddings and label smoothing against Hugging Face's ALBERT
/// (`Fixtures/make_sharing.py`), and sharing against an unshared model with equal layers.
@Suite struct SharingTests {
    private static let fixture = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/sharing.safetensors")

    private static let config: EncoderConfig = {
        var config = EncoderConfig()
        config.vocabularySize = 120
        config.embeddingSize = 12
        config.hiddenSize = 32
        config.layers = 4
        config.shareLayers = .groups(2)
        config.heads = 4
        config.feedForwardSize = 64
        config.maxPositions = 40
        config.normPosition = .post
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (0, 0, 0)
        return config
    }()

    private func inputs(_ file: SafetensorsFile) throws -> [String: TensorData] {
        let lengths = try file.integers(named: "lengths")
        let offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        func tensor(_ values: [Int]) -> TensorData { TensorData(values.map(Int32.init)) }
        return [
            "input_ids": tensor(try file.integers(named: "ids")),
            "token_type_ids": tensor(try file.integers(named: "types")),
            "position_ids": tensor(lengths.flatMap { Array(0..<$0) }), "offsets": tensor(offsets),
            "lengths": tensor(lengths),
        ]
    }

    /// Runs a training graph with its gradients as `grad.NAME`.
    private func run(
        _ model: EncoderGraph, _ tensors: [String: TensorData], _ value: (ParameterSpec) throws -> [Float]
    ) throws -> [String: TensorData] {
        let built = try model.build()
        var graph = built.graph
        let loss = try #require(graph.outputs.first { $0.name == "loss" }).value
        let parameters = graph.parameters
        let gradients = try appendGradients(to: &graph, of: loss, withRespectTo: parameters.map { Value($0) })
        for (id, gradient) in zip(parameters, gradients) {
            guard case .source(.parameter(let name, _, _)) = graph[id].op, let gradient else { continue }
            graph.addOutput("grad.\(name)", gradient)
        }
        let store = ParameterStore()
        let executor = try Compiler(CompilerOptions(threads: 2, cache: .off)).compile(
            graph, parameters: store)
        for spec in built.parameters {
            try store.set(spec.name, TensorData(value(spec), shape: spec.shape))
        }
        return try executor.run(tensors, symbols: graph.symbols.contains("length") ? ["length": 40] : [:])
    }

    private func difference(_ a: [Float], _ b: [Float]) -> Float {
        #expect(a.count == b.count)
        return zip(a, b).map { abs($0 - $1) }.max() ?? 0
    }

    private func check(
        _ prefix: String, _ file: SafetensorsFile, _ outputs: [String: TensorData], atLeast count: Int
    ) throws {
        let entries = file.entries.filter { $0.name.hasPrefix(prefix + ".") }
        for entry in entries {
            let expected = try file.floats(named: entry.name)
            let actual = try #require(
                outputs["grad." + entry.name.dropFirst(prefix.count + 1)], "\(entry.name)")
            let scale = max(1e-3, expected.map(abs).max() ?? 0)
            #expect(try difference(actual.floats, expected) / scale < 2e-4, "\(entry.name)")
        }
        #expect(entries.count >= count)
    }

    @Test func classifierFollowsALBERT() throws {
        let file = try SafetensorsFile(Self.fixture)
        var tensors = try inputs(file)
        tensors["labels"] = TensorData(try file.integers(named: "labels").map(Int32.init))
        let head = EncoderHead.classification(labels: 3)
        func outputs(smoothing: Double) throws -> [String: TensorData] {
            try run(
                EncoderGraph(config: Self.config, head: head, isTraining: true, labelSmoothing: smoothing),
                tensors
            ) { try file.floats(named: "weight.\($0.name)") }
        }
        let plain = try outputs(smoothing: 0)
        #expect(try difference(plain["logits"]!.floats, try file.floats(named: "logits")) < 2e-5)
        #expect(try difference(plain["loss"]!.floats, try file.floats(named: "loss")) < 1e-5)
        try check("grad", file, plain, atLeast: 38)
        let smooth = try outputs(smoothing: 0.1)
        #expect(try difference(smooth["loss"]!.floats, try file.floats(named: "loss.smooth")) < 1e-5)
        try check("smooth", file, smooth, atLeast: 4)
    }

    @Test func maskedLMFollowsALBERT() throws {
        let file = try SafetensorsFile(Self.fixture)
        var tensors = try inputs(file)
        let targets = try file.integers(named: "targets")
        let masked = targets.indices.filter { targets[$0] >= 0 }
        tensors["masked_positions"] = TensorData(masked.map(Int32.init))
        tensors["labels"] = TensorData(masked.map { Int32(targets[$0]) })
        let outputs = try run(EncoderGraph(config: Self.config, head: .maskedLM, isTraining: true), tensors) {
            try file.floats(named: "weight.\($0.name)")
        }
        #expect(try difference(outputs["logits"]!.floats, try file.floats(named: "mlm.logits")) < 2e-5)
        #expect(try difference(outputs["loss"]!.floats, try file.floats(named: "mlm.loss")) < 1e-5)
        try check("mlm.grad", file, outputs, atLeast: 8)
    }

    /// The same numbers as an unshared model whose layers are equal; a shared gradient is the sum of theirs.
    @Test(arguments: [LayerSharing.all, .groups(3), .attention, .feedForward])
    func equalsEqualLayers(_ sharing: LayerSharing) throws {
        let file = try SafetensorsFile(Self.fixture)
        var tensors = try inputs(file)
        tensors["labels"] = TensorData(try file.integers(named: "labels").map(Int32.init))
        var config = Self.config
        config.shareLayers = sharing
        let head = EncoderHead.classification(labels: 3)
        /// The owner of a parameter of an unshared model.
        func owner(_ name: String) -> String {
            guard let match = name.prefixMatch(of: /encoder\.layer\.([0-9]+)\./), let layer = Int(match.1)
            else {
                return name
            }
            let isAttention = name.contains(".attention.")
            let group =
                switch sharing {
                case .none: layer
                case .all: 0
                case .groups: [0, 0, 2, 3][layer]
                case .attention: isAttention ? 0 : layer
                case .feedForward: isAttention ? layer : 0
                }
            return "encoder.layer.\(group)." + name[match.range.upperBound...]
        }
        func value(_ spec: ParameterSpec) -> [Float] {
            let seed = owner(spec.name).utf8.reduce(7) { ($0 * 31 + Int($1)) % 1009 }
            let centre: Float = spec.name.hasSuffix("LayerNorm.weight") ? 1 : 0
            return (0..<spec.count).map { centre + Float(($0 * 37 + seed * 11) % 101 - 50) / 400 }
        }
        let shared = EncoderGraph(config: config, head: head, isTraining: true)
        config.shareLayers = .none
        let unshared = EncoderGraph(config: config, head: head, isTraining: true)
        let owners = Set(try unshared.build().parameters.map { owner($0.name) })
        #expect(Set(try shared.build().parameters.map(\.name)) == owners)

        let found = try run(shared, tensors, value)
        let expected = try run(unshared, tensors, value)
        #expect(try difference(found["logits"]!.floats, expected["logits"]!.floats) < 1e-6)
        for name in owners {
            let parts = expected.keys.filter {
                $0.hasPrefix("grad.") && owner(String($0.dropFirst(5))) == name
            }
            let sum = try parts.reduce(
                into: [Float](repeating: 0, count: try found["grad.\(name)"]!.floats.count)
            ) {
                for (index, value) in try expected[$1]!.floats.enumerated() { $0[index] += value }
            }
            let scale = max(1e-3, sum.map(abs).max() ?? 0)
            #expect(try difference(found["grad.\(name)"]!.floats, sum) / scale < 1e-4, "\(name)")
        }
    }

    /// A training step with all of it: passes and kernels compute what the interpreter does, masks of both passes among
    /// it.
    @Test(arguments: [NormPosition.post, .pre])
    func isWhatTheInterpreterComputes(_ norm: NormPosition) throws {
        var config = Self.config
        (config.vocabularySize, config.hiddenSize, config.feedForwardSize, config.heads) = (30, 16, 24, 2)
        (config.shareLayers, config.stochasticDepth, config.hiddenDropout) = (.attention, 0.4, 0.1)
        config.normPosition = norm
        let graph = try EncoderGraph(
            config: config, head: .classification(labels: 3), isTraining: true, labelSmoothing: 0.1
        ).build().graph
        let compiler = try Compiler(CompilerOptions(threads: 2, recompute: .layer, cache: .off))
        let bisection = try compiler.bisect(
            try trainingStep(graph), symbols: ["sequences": 3, "tokens": 15, "length": 6])
        #expect(bisection.divergence == nil)
        #expect(bisection.stages.contains { $0.name == "recompute" })
    }

    @Test func configurationKeepsWhatShapesTheModel() throws {
        var config = Self.config
        config.stochasticDepth = 0.25
        for sharing in [LayerSharing.all, .groups(4), .attention, .feedForward] {
            config.shareLayers = sharing
            let read = try EncoderConfig(json: config.json())
            #expect(read.shareLayers == sharing && read.embeddingSize == 12 && read.stochasticDepth == 0.25)
            #expect(read.modelType == nil, "Hugging Face would take it for an ordinary BERT")
        }
        for (text, problem) in [
            (
                #"{"share_layers": "some"}"#,
                "'share_layers' is 'some', expected none, all, groups(n), attention or ffn"
            ),
            (#"{"share_layers": "groups(13)"}"#, "expected 1 to 12 groups (num_hidden_layers)"),
            (#"{"embedding_size": 0}"#, "'embedding_size' is 0, expected 1 to"),
            (#"{"stochastic_depth": 1}"#, "'stochastic_depth' is 1.0, expected at least 0 and less than 1"),
        ] {
            let error = #expect(throws: ConfigError.self) { try EncoderConfig(json: Data(text.utf8)) }
            #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
        }
    }

    @Test func unsharedWeightsAreNoSharedModel() throws {
        let directory = try TemporaryDirectory()
        var config = Self.config
        config.shareLayers = .none
        let specs = try EncoderGraph(config: config, head: .encoder, isTraining: false).build().parameters
        let entries = specs.map { SafetensorsEntry(name: $0.name, dataType: .f32, shape: $0.shape) }
        try SafetensorsWriter.write(entries, to: directory.url.appendingPathComponent("model.safetensors")) {
            entry, sink in
            try [Float](repeating: 0, count: entry.count).withUnsafeBytes { try sink($0) }
        }
        config.shareLayers = .all
        try directory.write("config.json", String(decoding: config.json(), as: UTF8.self))
        let checkpoint = try EncoderCheckpoint(directory: directory.url)
        let shared = try EncoderGraph(config: config, head: .encoder, isTraining: false).build().parameters
        let error = #expect(throws: CheckpointError.self) { try checkpoint.report(for: shared) }
        #expect(error?.description.contains("share_layers is 'all', but 48 tensors") == true)
    }
}
