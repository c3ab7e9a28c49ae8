import Encoders
import Foundation
import GraphCompiler
import Pipelines
import TestSupport
import Testing
import Training

/// Runs that learn an attention mask.
@Suite struct MaskSearchTests {
    /// The small model, with texts of at most 18 tokens.
    private static func config(
        _ output: TemporaryDirectory, _ form: AttentionGates.Form = .structured, steps: Int = 4
    ) -> TrainingConfig {
        var config = smallConfig(output, steps: steps)
        config.data.maxLength = 24
        config.mask.form = form
        return config
    }

    private static func sparsities(_ config: TrainingConfig) throws -> [Double] {
        var sparsities: [Double] = []
        _ = try trainModel(config) {
            if case .step(let step) = $0 { sparsities.append(step.extras[.maskSparsity] ?? -1) }
        }
        return sparsities
    }

    // MARK: Noise and masks

    @Test func noiseIsAFunctionOfSeedAndStep() {
        func noise(seed: Int = 7, step: Int = 3, firstRow: Int = 0) -> [Float] {
            GateNoise.values(rows: 2, gates: 9, firstRow: firstRow, seed: seed, step: step)
        }
        #expect(noise() == noise())
        #expect(noise() != noise(seed: 8) && noise() != noise(step: 4) && noise() != noise(firstRow: 2))
        #expect(Array(noise()[9...]) == Array(noise(firstRow: 1)[..<9]))
    }

    /// Mean 0, variance π²/3, and P(ε ≥ x) = 1 / (1 + eˣ), within four standard errors.
    @Test func noiseIsLogistic() {
        let values = GateNoise.values(rows: 10, gates: 10_000, firstRow: 0, seed: 1, step: 0).map(Double.init)
        let n = Double(values.count)
        let mean = values.reduce(0, +) / n
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
        #expect(values.allSatisfy { $0.isFinite })
        #expect(abs(mean) < 4 * (Double.pi * Double.pi / 3 / n).squareRoot())
        #expect(abs(variance - Double.pi * Double.pi / 3) < 0.1)
        for x in [-2.0, 0, 1] {
            let p = 1 / (1 + exp(x))
            let share = Double(values.count { $0 >= x }) / n
            #expect(abs(share - p) < 4 * (p * (1 - p) / n).squareRoot())
        }
    }

    /// Two heads, n = 3: head 0 keeps distances 0 and 2, head 1 nothing; 5 of 18 pairs.
    @Test func masksAndSparsityByHand() throws {
        var model = EncoderConfig()
        model.heads = 2
        let search = MaskSearch(AttentionGates(.structured, length: 3), of: model)
        let parameters = ParameterStore()
        let logits: [Float] = [2, 1, 0, 0, -1, -2, 0, 1, 3, 4, 0, 0]
        try parameters.set("attention_gates", TensorData(logits, shape: [2, 3, 2]))
        #expect(abs(search.sparsity(in: parameters) - 13.0 / 18) < 1e-12)
        let mask = try #require(search.masks(in: parameters).first)
        #expect(mask.fileText == "# head 0\na0\n40\na0\n# head 1\n00\n00\n00\n")
        #expect(try AttentionMask(parsingFile: try #require(mask.fileText), file: "mask") == mask)
    }

    @Test(arguments: AttentionGates.Form.allCases) func masksComeBack(_ form: AttentionGates.Form) throws {
        var model = EncoderConfig()
        (model.heads, model.layers) = (3, 2)
        let gates = AttentionGates(form, length: 6, isPerLayer: true)
        let search = MaskSearch(gates, of: model)
        let parameters = ParameterStore()
        for (layer, name) in gates.names(layers: 2).enumerated() {
            let logits = GateNoise.values(
                rows: 3, gates: 2 * gates.count, firstRow: 3 * layer, seed: 5, step: 0)
            try parameters.set(name, TensorData(logits, shape: [3, gates.count, 2]))
        }
        let (masks, sparsity) = (search.masks(in: parameters), search.sparsity(in: parameters))
        #expect(masks.count == 2 && masks[0] != masks[1])
        search.set(masks, in: parameters)
        #expect(search.masks(in: parameters) == masks && search.sparsity(in: parameters) == sparsity)
        // Pair by pair.
        let kept = masks.flatMap { mask in
            (0..<3).flatMap { head in
                (0..<6).flatMap { i in (0..<6).map { mask.keeps(query: i, key: $0, head: head) } }
            }
        }
        #expect(abs(Double(kept.count { !$0 }) / Double(kept.count) - sparsity) < 1e-12)
    }

    // MARK: Runs

    @Test(arguments: AttentionGates.Form.allCases)
    func threadsDoNotChangeTheResult(_ form: AttentionGates.Form) throws {
        let results = try [1, 2, 3].map { threads in
            let output = try TemporaryDirectory()
            var config = Self.config(output, form)
            config.machine.threads = threads
            config.output.saveEvery = 4
            _ = try trainModel(config)
            return try ["model.safetensors", "optimizer.safetensors"].map {
                try output.data("run/checkpoints/step-4/\($0)")
            } + [output.data("run/attention_mask.txt")]
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    @Test func theSeedDecidesTheMasks() throws {
        let output = try TemporaryDirectory()
        var config = Self.config(output)
        let first = try losses(config)
        #expect(try losses(config) == first)
        config.seed += 1
        #expect(try losses(config) != first)
    }

    /// With nothing to learn but λ all gates shut; with λ = 0 they need not.
    @Test func sparsityRisesWithLambda() throws {
        let output = try TemporaryDirectory()
        var config = Self.config(output, steps: 12)
        config.mask.learningRate = 1e-2
        let last = try [0, 5e-5, 1000].map { lambda in
            config.mask.lambda = lambda
            let sparsities = try Self.sparsities(config)
            #expect(sparsities.count == 12 && sparsities.allSatisfy { (0...1).contains($0) })
            return sparsities[11]
        }
        #expect(last[0] <= last[1] && last[1] <= last[2] && last[0] < last[2])
        #expect(last[2] == 1)
    }

    /// A small rate leaves the gates as they started, whatever that of the weights is.
    @Test func gatesHaveTheirOwnLearningRate() throws {
        let output = try TemporaryDirectory()
        var config = Self.config(output)
        config.mask.learningRate = 0
        config.output.saveEvery = 1
        config.output.keepCheckpoints = 4
        _ = try trainModel(config)
        func gates(_ step: Int) throws -> [Float]? {
            try tensors(output.path + "/run/checkpoints/step-\(step)/model.safetensors")["attention_gates"]
        }
        #expect(try gates(1) == gates(4) && gates(1)?.count == 4 * 24 * 2)
        let spread = try #require(try gates(1)).map(abs).max() ?? 0
        #expect(spread > 1e-3 && spread < 1e-2)
        config.mask.learningRate = 1
        _ = try trainModel(config)
        // AdamW moves a number by about its learning rate, and decay has no part in it.
        #expect(try #require(try gates(4)).map(abs).max() ?? 0 > 0.3)
    }

    @Test(arguments: [false, true]) func resumingGivesTheSameBits(_ isPerLayer: Bool) throws {
        let (whole, parts) = (try TemporaryDirectory(), try TemporaryDirectory())
        var config = Self.config(whole, steps: 6)
        config.mask.isPerLayer = isPerLayer
        config.mask.learningRate = 0.1
        config.output.saveEvery = 2
        config.output.logEvery = 1
        _ = try trainModel(config)
        config.directory = parts.path
        try ResumeTests.crash(config, after: 5)
        config.output.resume = "latest"
        config.machine.threads = 1
        _ = try trainModel(config)
        let masks = isPerLayer ? ["attention_mask.0.txt", "attention_mask.1.txt"] : ["attention_mask.txt"]
        let files = ["model.safetensors", "optimizer.safetensors"].map { "checkpoints/step-6/\($0)" }
        for file in files + masks + ["model.safetensors", "config.json"] {
            #expect(try whole.data("run/\(file)") == parts.data("run/\(file)"), "\(file)")
        }
        let columns = try String(decoding: parts.data("run/log.csv"), as: UTF8.self).split(separator: "\n")
            .map {
                $0.split(separator: ",", omittingEmptySubsequences: false).last.map(String.init) ?? ""
            }
        #expect(columns[0] == "mask_sparsity" && columns.dropFirst().allSatisfy { Double($0) != nil })
    }

    // MARK: The saved model

    /// Evaluation draws nothing, and the saved model with its fixed mask says the same as the gates did.
    @Test(arguments: AttentionGates.Form.allCases, [false, true])
    func theSavedModelHasTheMask(_ form: AttentionGates.Form, isPerLayer: Bool) throws {
        let output = try TemporaryDirectory()
        var config = Self.config(output, form, steps: 8)
        config.mask.isPerLayer = isPerLayer
        config.mask.learningRate = 0.05
        config.data.testFile = Repository.small + "/test.txt"
        let report = try trainModel(config)
        let test = try #require(report.test)
        let saved = try EncoderConfig(contentsOf: URL(fileURLWithPath: report.modelDirectory))
        #expect(saved.attentionMasks.count == (isPerLayer ? 2 : 1) && saved.longestSequence == 24)
        for (layer, mask) in saved.attentionMasks.enumerated() {
            let file = isPerLayer ? "attention_mask.\(layer).txt" : "attention_mask.txt"
            #expect(try output.data("run/\(file)") == Data(try #require(mask.fileText).utf8))
        }
        let names = try tensors(report.modelDirectory + "/model.safetensors").keys
        #expect(!names.contains { $0.contains("gates") })
        let pipeline = try EncoderPipeline(contentsOf: report.modelDirectory)
        #expect(pipeline.maxLength == 24)
        let again = try pipeline.evaluate(contentsOf: config.data.testFile ?? "")
        #expect(abs(again.loss - test.loss) < 1e-5 && again.accuracy == test.accuracy)
    }

    /// With `saveBest` the model in memory ends as the one that was saved, its mask included.
    @Test func theBestModelKeepsItsOwnMask() throws {
        let output = try TemporaryDirectory()
        var config = Self.config(output, steps: 12)
        config.data.validationFile = Repository.small + "/valid.txt"
        config.data.testFile = config.data.validationFile
        config.evaluation.every = 2
        config.mask.learningRate = 0.3
        config.mask.lambda = 1000
        let report = try trainModel(config)
        let test = try #require(report.test)
        #expect(report.evaluations.first { $0.step == report.bestStep }?.metrics == test)
    }

    @Test func mistakesAreRefusedBeforeTheRun() throws {
        let output = try TemporaryDirectory()
        var config = Self.config(output, steps: 2)
        config.mask.length = 16
        #expect(
            message { _ = try trainModel(config) }?.contains(
                "'maxLength' is 24, but the attention mask is learned at 16") == true
        )
        config.data.maxLength = nil
        #expect(
            message { _ = try trainModel(config) }?.hasSuffix(
                "'maxLength' is null, for the model's 64 positions, but the attention mask is learned at 16 tokens and not "
                    + "defined beyond; set maxLength to at most 16") == true)
        config.data.maxLength = 16
        _ = try trainModel(config)

        var second = smallConfig(output, steps: 2)
        second.model.path = output.path + "/run"
        second.output.directory = "second"
        second.data.maxLength = 20
        #expect(
            message { _ = try trainModel(second) }?.hasSuffix(
                "'maxLength' is 20, but the model's attention mask was made or learned at 16 tokens and not defined beyond; "
                    + "set maxLength to at most 16") == true)
        #expect(!output.exists("second"))
        second.data.maxLength = 16
        second.mask.form = .structured
        #expect(message { _ = try trainModel(second) }?.contains("has an attention mask already") == true)
        second.mask.form = nil
        second.mask.lambda = 1
        #expect(
            message { _ = try trainModel(second) }?.contains("'damLambda' has no effect without 'dam'")
                == true)
        second.mask.lambda = 5e-5
        _ = try trainModel(second)
    }

    @Test(arguments: ["distilbert", "electra"]) func familiesWithoutMasksLearnNone(family: String) throws {
        let output = try TemporaryDirectory()
        var config = Self.config(output, steps: 2)
        config.model.path = try output.write("model.json", #"{"model_type": "\#(family)"}"#)
        config.model.tokenizer = Repository.small
        #expect(
            message { _ = try trainModel(config) }?.contains(
                "'dam' is \"structured\", but \(config.model.path) is of the family '\(family)'") == true)
        #expect(!output.exists("run"))
    }
}
