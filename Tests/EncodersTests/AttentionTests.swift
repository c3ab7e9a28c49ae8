import Encoders
import GraphCompiler
import Testing

/// A BERT training step with the pass `attention` and without it.
@Suite struct AttentionTests {
    /// Two layers of four heads of 12, with dropout.
    private static let config: EncoderConfig = {
        var config = EncoderConfig()
        config.vocabularySize = 50
        config.hiddenSize = 48
        config.layers = 2
        config.heads = 4
        config.feedForwardSize = 64
        config.maxPositions = 128
        config.hiddenDropout = 0.1
        config.attentionDropout = 0.2
        return config
    }()

    /// The training graph with the gradient of every parameter that has one.
    private func graph(mask: AttentionMask? = nil) throws -> Graph {
        var config = Self.config
        config.attentionMask = mask
        var graph = try EncoderGraph(
            config: config, head: .classification(labels: 3), isTraining: true
        ).build().graph
        let loss = try #require(graph.outputs.first { $0.name == "loss" }).value
        let parameters = graph.parameters
        let gradients = try appendGradients(to: &graph, of: loss, withRespectTo: parameters.map { Value($0) })
        for (id, gradient) in zip(parameters, gradients) {
            guard case .source(.parameter(let name, _, _)) = graph[id].op, let gradient else { continue }
            graph.addOutput("grad.\(name)", gradient)
        }
        return graph
    }

    /// Sequences of 70, 1 and 20 tokens, the last two with padding behind them.
    private func inputs() -> [String: TensorData] {
        let (offsets, lengths) = ([0, 70, 75, 100] as [Int32], [70, 1, 20] as [Int32])
        func tokens(_ value: (Int32) -> Int32) -> TensorData { TensorData((0..<100).map(value)) }
        return [
            "input_ids": tokens { $0 * 7 % 50 }, "token_type_ids": tokens { $0 % 2 },
            "position_ids": tokens { $0 % 70 }, "offsets": TensorData(offsets),
            "lengths": TensorData(lengths), "labels": TensorData([2, 0, 1] as [Int32]),
            "rng": .rng(seed: 11, step: 3),
        ]
    }

    private func run(_ graph: Graph, disabled: Set<String>) throws -> (Program, [String: TensorData]) {
        var options = CompilerOptions(threads: 2, cache: .off)
        options.passes.disabled = disabled
        let parameters = ParameterStore()
        let executor = try Compiler(options).compile(graph, parameters: parameters)
        for (index, id) in graph.parameters.enumerated() {
            guard case .source(.parameter(let name, let type, _)) = graph[id].op,
                let shape = type.extents([:])
            else {
                continue
            }
            // Numbers of order 0.1 without a pattern, around 1 for what LayerNorm multiplies by.
            let centre: Float = name.hasSuffix("LayerNorm.weight") ? 1 : 0
            let values = (0..<shape.reduce(1, *)).map { element in
                centre + Float((element * 7919 + index * 104_729) % 1009) / 2018 - 0.25
            }
            try parameters.set(name, TensorData(values, shape: shape))
        }
        return (executor.program, try executor.run(inputs(), symbols: ["length": 70]))
    }

    @Test func lossAndGradientsStay() throws {
        let graph = try graph()
        let (program, fused) = try run(graph, disabled: [])
        let (_, plain) = try run(graph, disabled: ["attention"])
        let mnemonics = program.graph.nodes.map(\.op.mnemonic)
        #expect(mnemonics.count { $0 == "flash_attention" } == 2)
        #expect(mnemonics.count { $0 == "flash_attention_gradient" } == 2)
        #expect(!mnemonics.contains("ragged_matmul"))
        try expectSame(fused, plain)
    }

    /// A mask that keeps every key of these sequences, but leaves empty tiles of longer ones.
    @Test func aWideMaskChangesNothing() throws {
        let (program, masked) = try run(try graph(mask: AttentionMask(.window(69))), disabled: [])
        #expect(program.graph.nodes.map(\.op.mnemonic).count { $0 == "flash_attention_gradient" } == 2)
        try expectSame(masked, try run(try graph(), disabled: []).1)
    }

    @Test func aNarrowMaskChangesTheLoss() throws {
        let masked = try run(try graph(mask: AttentionMask(.star)), disabled: []).1
        #expect(masked["loss"] != (try run(try graph(), disabled: []).1)["loss"])
        #expect(try masked.values.allSatisfy { try $0.floats.allSatisfy(\.isFinite) })
    }

    private func expectSame(_ actual: [String: TensorData], _ expected: [String: TensorData]) throws {
        for (name, expected) in expected {
            let actual = try #require(actual[name]).floats
            let scale = max(1e-2, try expected.floats.map(abs).max() ?? 0)
            let difference = zip(actual, try expected.floats).map { abs($0 - $1) }.max() ?? 0
            #expect(difference / scale < 1e-5, "\(name)")
        }
    }
}
