import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support
import TestSupport
import Testing
import Training

/// Runs that train a low-rank adapter.
@Suite struct AdapterTrainingTests {
    /// A base with weights in `base`, and a run over it with dropout everywhere.
    private static func config(_ output: TemporaryDirectory) throws -> TrainingConfig {
        var base = ResumeTests.config(output)
        (base.optimizer.maxSteps, base.output.directory, base.output.saveEvery) = (1, "base", 0)
        _ = try trainModel(base)
        var config = ResumeTests.config(output)
        config.model.path = output.path + "/base"
        (config.adapter.rank, config.adapter.alpha, config.adapter.dropout) = (2, 4, 0.1)
        (config.optimizer.maxSteps, config.evaluation.saveBest) = (9, false)
        return config
    }

    /// The adapter is what changes, and a run that was stopped ends with the same bits; saved, it evaluates as the run said, by
    /// itself, over its base, and merged.
    @Test func trainsSavesAndResumes() throws {
        let output = try ResumeTests.output()
        var config = try Self.config(output)
        let base = try tensors(output.path + "/base/model.safetensors")
        let report = try trainModel(config)
        let saved = try tensors(output.path + "/run/adapter_model.safetensors")
        #expect(saved.count == 4 * 2 + 2)
        #expect(saved.filter { $0.key.contains("lora_B") }.allSatisfy { $0.value.contains { $0 != 0 } })

        config.output.directory = "parts"
        try ResumeTests.crash(config, after: 6)
        config.output.resume = "latest"
        config.machine.threads = 1
        _ = try trainModel(config)
        #expect(try tensors(output.path + "/parts/adapter_model.safetensors") == saved)

        try MergedModel(output.path + "/run").save(to: output.path + "/merged")
        let merged = try tensors(output.path + "/merged/model.safetensors")
        #expect(Set(merged.keys) == Set(base.keys))
        #expect(
            merged["bert.encoder.layer.0.output.dense.weight"]
                == base["bert.encoder.layer.0.output.dense.weight"])
        let query = "bert.encoder.layer.0.attention.self.query.weight"
        #expect(merged[query] != base[query])
        let loss = try #require(report.evaluations.last?.metrics.loss)
        for (path, adapter) in [("run", nil), ("base", "run"), ("merged", nil)] as [(String, String?)] {
            let pipeline = try EncoderPipeline(
                contentsOf: output.path + "/\(path)",
                options: EncoderPipeline.Options(adapter: adapter.map { output.path + "/\($0)" }))
            let metrics = try pipeline.evaluate(contentsOf: output.path + "/valid.txt")
            #expect(abs(metrics.loss - loss) < 1e-6 * loss)
        }
    }

    /// Vectors: the modules behind the encoder are trained and saved with the adapter, in pieces of a batch too, and a merged
    /// directory is one of sentence-transformers without an adapter.
    @Test func vectorsAreTrained() throws {
        let output = try TemporaryDirectory()
        var config = try EmbeddingLossTests.config([
            "loss": .string("MultipleNegativesRankingLoss"),
            "textColumns": .array([.string("anchor"), .string("positive")]),
        ])
        (config.adapter.rank, config.adapter.alpha, config.optimizer.maxSteps) = (2, 8, 5)
        (config.output.directory, config.output.saveEvery) = (output.path + "/run", 0)
        config.optimizer.learningRate = 1e-2
        let whole = try losses(config)
        func vectors(_ name: String) throws -> [Float] {
            try EncoderPipeline(contentsOf: output.path(name)).embed(["the old king"])[0]
        }
        let trained = try vectors("run")
        let base = try EncoderPipeline(contentsOf: config.resolve(config.model.path)).embed(["the old king"])[
            0]
        #expect(zip(trained, base).contains { abs($0 - $1) > 1e-2 })
        let dense = "2_Dense/model.safetensors"
        #expect(
            try tensors(output.path("run/\(dense)"))
                != tensors(config.resolve(config.model.path) + "/\(dense)"))
        try MergedModel(output.path("run")).save(to: output.path("merged"))
        for (a, b) in zip(try vectors("merged"), trained) { #expect(abs(a - b) < 1e-6) }
        #expect(!FileManager.default.fileExists(atPath: output.path("merged/adapter_config.json")))

        config.batches.miniBatchSize = 3
        config.output.directory = output.path("pieces")
        for (a, b) in zip(try losses(config), whole) { #expect(abs(a - b) < 1e-5 * b) }

        // A file whose matrices are more than its configuration names.
        let file = output.path("run/adapter_config.json")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let modules = try #require(try JSONValue(parsing: Data(text.utf8))["target_modules"]?.array)
        try output.write(
            "run/adapter_config.json",
            text.replacingOccurrences(of: "\(modules[0]),", with: "").replacingOccurrences(
                of: ",\n        \(modules[0])", with: ""))
        let error = message { _ = try EncoderPipeline(contentsOf: output.path("run")) }
        #expect(error?.contains("'target_modules' leaves out") == true, "\(error ?? "none")")
    }

    /// One that was saved is trained further, from where it was.
    @Test func trainsFurther() throws {
        let output = try ResumeTests.output()
        var config = try Self.config(output)
        _ = try trainModel(config)
        config.adapter = TrainingConfig().adapter
        config.adapter.path = output.path + "/run"
        (config.output.directory, config.optimizer.learningRate, config.optimizer.maxSteps) = ("more", 0, 1)
        _ = try trainModel(config)
        #expect(
            try tensors(output.path + "/more/adapter_model.safetensors")
                == tensors(output.path + "/run/adapter_model.safetensors"))
        config.adapter.path = nil
        config.model.path = output.path + "/run"
        config.output.directory = "own"
        _ = try trainModel(config)
        #expect(
            try tensors(output.path + "/own/adapter_model.safetensors")
                == tensors(output.path + "/run/adapter_model.safetensors"))
    }

    /// Frozen matrices and tables in bf16 are those of a base that was rounded, in half the memory.
    @Test(arguments: [Precision.fp32, .bf16]) func frozenWeightsAreRounded(_ precision: Precision) throws {
        let output = try ResumeTests.output()
        var config = try Self.config(output)
        (config.optimizer.maxSteps, config.output.saveEvery, config.machine.precision) = (4, 0, precision)
        func run() throws -> (losses: [Double], weights: Int) {
            var (losses, weights): ([Double], Int) = ([], 0)
            _ = try trainModel(config) { event in
                if case .started(let summary) = event {
                    weights = summary.memory.parts.first { $0.name == "weights" }?.byteCount ?? 0
                }
                if case .step(let step) = event { losses.append(step.loss) }
            }
            return (losses, weights)
        }
        config.adapter.frozenWeights = .bf16
        let stored = try run()
        let file = URL(fileURLWithPath: output.path + "/base/model.safetensors")
        try Self.roundMatrices(in: file)
        config.adapter.frozenWeights = .f32
        let rounded = try run()
        #expect(stored.losses.count == 4 && stored.weights < rounded.weights)
        let bound = precision == .fp32 ? 1e-5 : 1e-3
        for (a, b) in zip(stored.losses, rounded.losses) { #expect(abs(a - b) < bound * b) }
    }

    /// Rounds all matrices of a file but the classifier's to bf16.
    private static func roundMatrices(in file: URL) throws {
        var data = try Data(contentsOf: file)
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try JSONValue(parsing: data[8..<(8 + length)])
        for (name, entry) in header.object?.members ?? [] where !name.hasPrefix("classifier") {
            guard entry["shape"]?.array?.count == 2,
                let bounds = entry["data_offsets"]?.array?.compactMap(\.integer)
            else { continue }
            data.withUnsafeMutableBytes { bytes in
                for offset in stride(from: 8 + length + bounds[0], to: 8 + length + bounds[1], by: 4) {
                    let bits = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                    let rounded = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000
                    bytes.storeBytes(of: rounded, toByteOffset: offset, as: UInt32.self)
                }
            }
        }
        try data.write(to: file)
    }

    /// Weights that are not trained have no product for a gradient, no state, and no copy in the checkpoint.
    @Test func frozenWeightsCostNothing() throws {
        let output = try ResumeTests.output()
        let config = try Self.config(output)
        let encoder = try EncoderConfig(contentsOf: URL(fileURLWithPath: config.model.path))
        var lora = LoRAConfig()
        lora.rank = 2
        let model = EncoderGraph(
            config: encoder, head: .classification(labels: 2), isTraining: true, adapter: lora)
        let built = try model.build()
        let trained = Set(model.trainedParameters(of: built).map(\.name))
        let forward = try built.graph.freezingParameters { !trained.contains($0) }
        let step = try trainingStep(forward)
        #expect(step.parameters.count == built.parameters.count + 2 * trained.count)
        // A gradient of weights is a product whose left operand is transposed.
        let gradients = step.nodes.count {
            if case .contraction(.matmul(transposeLeft: true, _)) = $0.op { true } else { false }
        }
        #expect(gradients == trained.count(where: { $0.hasSuffix(".weight") }))
    }

    @Test(arguments: [
        (#""loraAlpha": 4"#, "has no effect without 'loraRank'"),
        (#""frozenWeights": "bf16""#, "is for the weights beside an adapter"),
        (#""loraRank": 2, "adapter": "x""#, "has no effect with 'adapter'"),
        (#""loraRank": 2, "dam": "structured""#, "an adapter leaves as they are"),
        (#""loraRank": 2, "outputDirectory": "m""#, "is the model's directory"),
        (#""loraRank": 2"#, "has no weights"),
        (
            #""loraRank": 2, "task": "regression", "labelSmoothing": 0.1"#,
            "'labelSmoothing' has no effect in the task \"regression\""
        ),
        (#""loraRank": 0"#, "expected an integer from 1 to 65536, or null"),
    ])
    func refuses(_ fields: String, _ problem: String) throws {
        let output = try ResumeTests.output()
        let text = #"{"model": "m", "trainFile": "train.txt", \#(fields)}"#
        let message = message {
            var config = try TrainingConfig(json: Data(text.utf8), directory: output.path)
            if problem == "has no weights" { config.model.path = Repository.small + "/model.json" }
            _ = try trainModel(config)
        }
        #expect(message?.contains(problem) == true, "\(message ?? "")")
    }
}
