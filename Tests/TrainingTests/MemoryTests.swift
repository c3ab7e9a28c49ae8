import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing
import Text
import Training

/// Recomputation, sharing, freezing, stochastic depth and label smoothing in training runs.
@Suite struct MemoryTests {
    /// A fresh model of `layers` small layers on the small data set.
    private func config(
        _ output: TemporaryDirectory, layers: Int = 5, _ members: String = "", steps: Int = 3
    ) throws -> TrainingConfig {
        try output.write(
            "model.json",
            """
            {"vocab_size": 2000, "hidden_size": 48, "num_hidden_layers": \(layers), "num_attention_heads": 4,
             "intermediate_size": 96, "max_position_embeddings": 128, "hidden_dropout_prob": 0.1,
             "attention_probs_dropout_prob": 0.1\(members)}
            """)
        try output.write(
            "vocab.txt", String(contentsOfFile: Repository.small + "/vocab.txt", encoding: .utf8))
        var config = smallConfig(output, steps: steps)
        config.model.path = "model.json"
        return config
    }

    private func summary(_ config: TrainingConfig) throws -> TrainingSummary {
        var summary: TrainingSummary?
        _ = try trainModel(config) { if case .started(let started) = $0 { summary = started } }
        return try #require(summary)
    }

    // MARK: Recomputation

    @Test(arguments: [Precision.fp32, .bf16])
    func recomputationKeepsEveryBit(_ precision: Precision) throws {
        let output = try TemporaryDirectory()
        var config = try config(output)
        config.machine.precision = precision
        func run() throws -> (losses: [Double], model: Data) {
            (try losses(config), try output.data("run/model.safetensors"))
        }
        let plain = try run()
        for (recompute, threads) in [(Recompute.layer, 1), (.layer, 2), (.every(2), 3), (.every(3), 2)] {
            (config.machine.recompute, config.machine.threads) = (recompute, threads)
            let again = try run()
            #expect(
                again.losses == plain.losses && again.model == plain.model, "\(recompute), \(threads) threads"
            )
        }
    }

    @Test func theArenaIsSmaller() throws {
        let output = try TemporaryDirectory()
        var config = try config(output, steps: 1)
        config.batches.size = 64
        let plain = try summary(config)
        #expect(plain.recomputation == nil)
        for recompute in [Recompute.every(3), .layer] {
            config.machine.recompute = recompute
            let summary = try summary(config)
            let plan = try #require(summary.recomputation)
            #expect(
                plan.chosen.run.arena == summary.memory.arena && plan.without.run.arena == plain.memory.arena)
            #expect(plan.addedShare > 0 && plan.addedShare < 0.34, "less than the forward pass once more")
            #expect(summary.memory.arena < plain.memory.arena && plan.bytesSaved > 0)
        }
    }

    /// With a limit between what the choices need, the cheapest that fits; without one, none.
    @Test func autoFitsTheMemory() throws {
        let output = try TemporaryDirectory()
        let config = try config(output)
        let graph = try trainingStep(
            EncoderGraph(
                config: EncoderConfig(contentsOf: URL(fileURLWithPath: config.resolve(config.model.path))),
                head: .classification(labels: 2), isTraining: true
            ).build().graph)
        let compiler = try Compiler(CompilerOptions(threads: 2, cache: .off))
        let shapes = [["tokens": 4096, "sequences": 64, "length": 64]]
        func plan(_ recompute: Recompute, _ limit: Int? = nil) throws -> RecomputeCost {
            let fits = limit.map { limit in { (cost: RecomputeCost) in cost.run.total <= limit } }
            return try compiler.recomputation(graph, recompute, shapes: shapes, fits: fits).chosen
        }
        let all = try [.none, .every(4), .every(3), .every(2), .layer].map { try plan($0) }
        #expect(try plan(.auto).recompute == .none)
        for cost in all {
            let fitting = all.filter { $0.run.total <= cost.run.total }
            let chosen = try plan(.auto, cost.run.total)
            #expect(fitting.contains(chosen) && chosen.flops == fitting.map(\.flops).min())
        }
        #expect(try plan(.auto, 1).run.total == all.map(\.run.total).min())
    }

    // MARK: Sharing

    @Test func aSharedModelIsSavedOnceAndTrainedFurther() throws {
        let (first, second, third) = (
            try TemporaryDirectory(), try TemporaryDirectory(), try TemporaryDirectory()
        )
        var shared = try config(first)
        shared.model.shareLayers = .all
        shared.model.embeddingSize = 16
        let started = try summary(shared)
        let names = try tensors(first.path + "/run/model.safetensors").keys
        #expect(names.contains("bert.encoder.layer.0.output.dense.weight"))
        #expect(names.contains("bert.encoder.embedding_hidden_mapping_in.weight"))
        #expect(!names.contains { $0.contains("encoder.layer.1") })
        let unshared = try summary(try config(third))
        #expect(started.memory.optimizer * 3 < unshared.memory.optimizer)

        var again = try config(second, steps: 1)
        again.model.path = first.path + "/run"
        again.model.tokenizer = first.path + "/run"
        again.optimizer.learningRate = 0
        let loaded = try summary(again)
        #expect(loaded.config.shareLayers == .all && loaded.config.embeddingSize == 16)
        #expect(loaded.loaded?.missing == [] && loaded.loaded?.unexpected == [])
        #expect(try first.data("run/model.safetensors") == second.data("run/model.safetensors"))

        again.model.shareLayers = LayerSharing.none
        #expect(
            message { _ = try trainModel(again) }?.contains(
                "'shareLayers' is \"none\", but the model's weights were trained with \"all\"") == true)
        (again.model.shareLayers, again.model.embeddingSize) = (nil, 48)
        #expect(message { _ = try trainModel(again) }?.contains("'embeddingSize' is 48, but") == true)
    }

    /// Ten steps beside PyTorch's (`make_sharing.py`): label smoothing, AdamW and clipping of shared parameters.
    @Test func sharedStepsFollowPyTorch() throws {
        let file = try SafetensorsFile(Repository.fixtures.appendingPathComponent("sharing.safetensors"))
        var config = EncoderConfig()
        (config.vocabularySize, config.embeddingSize, config.hiddenSize) = (120, 12, 32)
        (config.layers, config.shareLayers, config.heads) = (4, .groups(2), 4)
        (config.feedForwardSize, config.maxPositions, config.normPosition) = (64, 40, .post)
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (0, 0, 0)
        let model = try TrainableModel(
            ModelGraphs(config: config, head: .classification(labels: 3), labelSmoothing: 0.1),
            TrainingOptions(OptimizerOptions(maxGradientNorm: 1)), compiler: Compiler())
        for spec in model.specs {
            try model.parameters.set(
                spec.name, TensorData(try file.floats(named: "weight.\(spec.name)"), shape: spec.shape))
        }
        let (ids, types) = (try file.integers(named: "ids"), try file.integers(named: "types"))
        var start = 0
        let encodings = try file.integers(named: "lengths").map { length in
            defer { start += length }
            let range = start..<(start + length)
            return Encoding(ids: ids[range].map(Int32.init), typeIDs: types[range].map(Int32.init))
        }
        let batcher = try Batcher(
            encodings, options: BatchingOptions(mode: .packed, batchSize: encodings.count, maxLength: 40))
        let labels = TensorData(try file.integers(named: "labels").map(Int32.init))
        for (step, loss) in try file.floats(named: "losses").enumerated() {
            let batch = batcher.layOut(Array(encodings.indices))
            let inputs = StepInputs(batch, targets: labels)
            let result = try model.training.step([inputs], rate: 1e-3)
            #expect(abs(result.loss - Double(loss)) < 2e-5 * Double(loss), "step \(step)")
        }
    }

    // MARK: Freezing

    @Test func modulesAndRangesAreFrozen() throws {
        let names = try EncoderGraph(
            config: EncoderConfig(), head: .classification(labels: 2), isTraining: false
        ).build().parameters.map(\.name)
        func frozen(_ entries: String...) throws -> Set<String> {
            let frozen = try FrozenParameters(entries, of: names)
            return Set(names.filter(frozen.contains))
        }
        #expect(try frozen("embeddings") == Set(names.filter { $0.hasPrefix("embeddings.") }))
        let layers = try frozen("encoder.layer.0-3")
        #expect(layers.count == 4 * 16 && layers.contains("encoder.layer.3.output.LayerNorm.bias"))
        #expect(!layers.contains("encoder.layer.10.output.dense.weight"))
        #expect(try frozen("encoder.layer.1") == frozen("encoder.layer.1.*"))
        #expect(try frozen("encoder.layer.2-3.attention").count == 2 * 10)
        #expect(
            try frozen("*.bias", "pooler")
                == Set(names.filter { $0.hasSuffix(".bias") || $0.hasPrefix("pooler") }))
        for (entry, problem) in [
            ("encoder.layer.0-12", "but \"encoder.layer.12\" no parameter matches"),
            ("encoder.layer.3-0", "whose range ends before it starts"),
            ("embedding", "which no parameter matches"),
        ] {
            let error = #expect(throws: FreezeError.self) { try FrozenParameters([entry], of: names) }
            #expect(error?.problem.contains(problem) == true)
        }
    }

    /// Below the lowest trained parameter there is no node of the backward pass, and nothing frozen has a state.
    @Test func frozenLayersHaveNoBackwardPass() throws {
        var config = EncoderConfig()
        (config.vocabularySize, config.hiddenSize, config.layers, config.heads) = (100, 32, 4, 2)
        (config.feedForwardSize, config.maxPositions) = (64, 32)
        func step(_ freeze: [String]) throws -> Graph {
            let head = EncoderHead.classification(labels: 2)
            let built = try EncoderGraph(config: config, head: head, isTraining: true).build()
            let frozen = try FrozenParameters(freeze, of: built.parameters.map(\.name))
            return try Compiler(CompilerOptions(threads: 1, cache: .off)).optimize(
                trainingStep(built.graph.freezingParameters(frozen.contains)))
        }
        let plain = try step([])
        let frozen = try step(["embeddings", "encoder.layer.0-1"])
        func backward(_ graph: Graph) -> Set<String> {
            Set(graph.nodes.map(\.label).filter { $0.hasSuffix("gradient") }.map { String($0.prefix(15)) })
        }
        #expect(backward(plain).contains("encoder.layer.0") && backward(plain).contains("encoder.layer.1"))
        #expect(
            backward(frozen).isDisjoint(with: ["encoder.layer.0", "encoder.layer.1", "embeddings.grad"]))
        #expect(backward(frozen).isSuperset(of: ["encoder.layer.2", "encoder.layer.3"]))
        let states = frozen.parameters.filter {
            if case .source(.parameter(let name, _, .state)) = frozen[$0].op {
                name.hasPrefix("embeddings") || name.hasPrefix("encoder.layer.0")
                    || name.hasPrefix("encoder.layer.1")
            } else {
                false
            }
        }
        #expect(states.isEmpty)
        let only = try step(["embeddings", "encoder", "pooler"])
        #expect(backward(only).allSatisfy { $0.hasPrefix("classifier") || $0.hasPrefix("loss") })
        #expect(plain.nodes.count > frozen.nodes.count && frozen.nodes.count > only.nodes.count)
    }

    @Test func frozenRunsTakeLessMemory() throws {
        let output = try TemporaryDirectory()
        var config = try config(output, steps: 1)
        let plain = try summary(config)
        config.model.freeze = ["embeddings", "encoder.layer.0-3"]
        let frozen = try summary(config)
        #expect(frozen.trainedCount < plain.trainedCount && frozen.parameterCount == plain.parameterCount)
        #expect(frozen.memory.optimizer < plain.memory.optimizer / 3)
        #expect(frozen.memory.arena < plain.memory.arena)
        config.model.freeze = ["encoder.layer.4-5"]
        #expect(
            message { _ = try trainModel(config) }?.contains("'freeze' has the pattern \"encoder.layer.4-5\"")
                == true)
    }

    // MARK: Stochastic depth

    /// A branch's factors are 0 in about its share of the sequences and 1 / (1 - rate) elsewhere: their mean is 1.
    @Test func stochasticDepthLeavesBranchesOut() throws {
        let graph = try GraphBuilder.build("ones") { g in
            let rng = g.input("rng", .i64, [2])
            let ones = g.constant(1, TensorType(.f32, ["sequences"]))
            g.output("kept", g.dropout(ones, rate: 0.3, rng: rng) + g.input("x", .f32, ["sequences"]))
        }
        let compiled = try GraphCompiler.compile(graph, CompilerOptions(threads: 1, cache: .off))
        let kept = try compiled([
            "rng": .rng(seed: 5, step: 1),
            "x": TensorData([Float](repeating: 0, count: 20_000), shape: [20_000]),
        ])["kept"]!.floats
        #expect(kept.allSatisfy { $0 == 0 || abs($0 - 1 / 0.7) < 1e-6 })
        #expect(abs(kept.reduce(0, +) / Float(kept.count) - 1) < 0.02)
    }

    @Test func stochasticDepthGrowsAndIsTheSameEveryTime() throws {
        let output = try TemporaryDirectory()
        var config = try config(output, #", "stochastic_depth": 0.5"#)
        let model = try EncoderConfig(contentsOf: URL(fileURLWithPath: config.resolve(config.model.path)))
        let graph = try EncoderGraph(config: model, head: .classification(labels: 2), isTraining: true)
            .build().graph
        let rates = graph.nodes.compactMap { node -> Double? in
            guard case .dropout(let dropout) = node.op, node.types[0].shape == ["sequences"] else {
                return nil
            }
            return dropout.rate
        }
        #expect(rates == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5])
        let first = try losses(config)
        #expect(try losses(config) == first)
        config.machine.recompute = .layer
        #expect(try losses(config) == first)
        config.model.stochasticDepth = 0
        #expect(try losses(config) != first)
        #expect(
            message { try config.set("stochasticDepth", .double(1)) }?.contains(
                "'stochasticDepth' is 1.0, expected a number of at least 0 and less than 1, or null") == true)
    }

    // MARK: Errors

    @Test(arguments: [
        ("recompute", "\"some\"", #"expected "none", "layer", "every(k)" with k of at least 1, or "auto""#),
        ("recompute", "\"every(0)\"", #"is "every(0)", expected "none""#),
        ("shareLayers", "\"layers\"", #"expected "none", "all", "groups(n)", "attention" or "ffn" or null"#),
        ("embeddingSize", "0", "expected an integer of at least 1 or null"),
        ("labelSmoothing", "1", "expected a number of at least 0 and less than 1"),
    ])
    func refuses(_ field: String, _ value: String, _ problem: String) {
        let text = #"{"model": "m", "\#(field)": \#(value)}"#
        let message = message { _ = try TrainingConfig(json: Data(text.utf8)) }
        #expect(
            message?.contains("'\(field)'") == true && message?.contains(problem) == true, "\(message ?? "")")
    }
}
