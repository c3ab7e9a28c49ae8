import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing
import Text

@testable import Training

/// Models that learn from another one.
@Suite struct DistillationTests {
    /// Fifty steps next to PyTorch's (`Fixtures/make_distillation.py`).
    @Test(arguments: [Distillation.StateLoss?.none, .cosine, .mse])
    func followsPyTorch(_ kind: Distillation.StateLoss?) throws {
        let fixtures = Repository.fixtures
        let checkpoint = try EncoderCheckpoint(directory: fixtures.appendingPathComponent("tiny"))
        let head = EncoderHead.classification(labels: 3)
        var graph = EncoderGraph(config: checkpoint.config, head: head, isTraining: false)
        graph.stateOutputs = [1]
        let built = try graph.build()
        let teacher = try compile(built.graph)
        for spec in built.parameters {
            try teacher.store.set(spec.name, TensorData(checkpoint.floats(of: spec.name), shape: spec.shape))
        }
        var distillation = Distillation()
        (distillation.temperature, distillation.weight, distillation.stateLoss) = (3, 0.7, kind)
        distillation.stateWeight = kind == .mse ? 0.5 : 1
        distillation.layers = kind == nil ? [] : [.init(student: 0, teacher: 1)]
        var config = checkpoint.config
        config.layers = 1
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (0, 0, 0)
        let graphs = try ModelGraphs(config: config, head: head, distillation: distillation)
        let treatments = graphs.specs.map { ($0.name, ParameterTreatment(decays: $0.decays)) }
        let options = OptimizerOptions(
            maxGradientNorm: 1, treatments: Dictionary(uniqueKeysWithValues: treatments))
        let student = try TrainableModel(graphs, TrainingOptions(options), compiler: Compiler())
        for spec in student.specs {
            let name = spec.name.replacing("encoder.layer.0.", with: "encoder.layer.1.")
            try student.parameters.set(spec.name, TensorData(checkpoint.floats(of: name), shape: spec.shape))
        }
        let file = try SafetensorsFile(fixtures.appendingPathComponent("tiny_curve.safetensors"))
        let batches = try Self.batches(file)
        let expected = try SafetensorsFile(fixtures.appendingPathComponent("distillation.safetensors"))
            .withBytes(named: kind?.rawValue ?? "none") { bytes in
                (0..<50).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
            }
        let schedule = LearningRateSchedule(shape: .linear, peak: 1e-3, warmupSteps: 5, steps: 50)
        var worst = 0.0
        for (step, loss) in expected.enumerated() {
            var inputs = batches[step]
            let known = Set(teacher.inputs.map(\.name))
            let outputs = try teacher.executor.run(
                inputs.tensors.filter { known.contains($0.key) }, symbols: inputs.symbols)
            inputs.tensors[Distillation.logits] = outputs["logits"]
            if kind != nil { inputs.tensors[Distillation.states(ofStudent: 0)] = outputs["states.1"] }
            let result = try student.training.step([inputs], rate: schedule.rate(at: step))
            worst = max(worst, abs(result.loss - loss) / loss)
        }
        print(
            "distillation, \(kind?.rawValue ?? "logits"): largest relative difference of 50 losses \(worst)")
        #expect(worst < 1e-5)
    }

    private static func batches(_ file: SafetensorsFile) throws -> [StepInputs] {
        let (ids, types) = (try file.integers(named: "ids"), try file.integers(named: "types"))
        let labels = try file.integers(named: "labels").map(Int32.init)
        var start = 0
        let encodings = try file.integers(named: "lengths").map { length in
            defer { start += length }
            let range = start..<start + length
            return Encoding(ids: ids[range].map(Int32.init), typeIDs: types[range].map(Int32.init))
        }
        let batcher = try Batcher(
            encodings, options: BatchingOptions(mode: .packed, batchSize: 8, maxLength: 512))
        return (0..<50).map { step in
            let indices = Array(step * 8..<step * 8 + 8)
            return StepInputs(batcher.layOut(indices), targets: TensorData(indices.map { labels[$0] }))
        }
    }

    /// A teacher in `base`, and a fresh student of one of its layers.
    static func config(_ output: TemporaryDirectory) throws -> TrainingConfig {
        var base = ResumeTests.config(output)
        (base.optimizer.maxSteps, base.output.directory, base.output.saveEvery) = (1, "base", 0)
        _ = try trainModel(base)
        var student = try EncoderConfig(contentsOf: URL(fileURLWithPath: output.path + "/base"))
        student.layers = 1
        try output.write("student/model.json", [UInt8](student.json()))
        var config = ResumeTests.config(output)
        config.model.path = output.path + "/student/model.json"
        config.model.tokenizer = output.path + "/base"
        config.distillation.teacher = output.path + "/base"
        config.distillation.initialLayers = [1]
        config.distillation.stateLoss = .cosine
        config.optimizer.maxSteps = 9
        return config
    }

    /// A run that was stopped ends with the same bits, in micro-batches too, and it starts as the teacher's layer.
    @Test(arguments: [1, 2])
    func runsAndResumes(pieces: Int) throws {
        let output = try ResumeTests.output()
        var config = try Self.config(output)
        (config.batches.gradientAccumulation, config.optimizer.epochs) = (pieces, 3)
        _ = try trainModel(config)
        let whole = try tensors(output.path + "/run/model.safetensors")
        config.output.directory = "parts"
        try ResumeTests.crash(config, after: 6)
        config.output.resume = "latest"
        config.machine.threads = 1
        _ = try trainModel(config)
        #expect(try tensors(output.path + "/parts/model.safetensors") == whole)
        (config.output.resume, config.output.directory) = (nil, "start")
        (config.optimizer.learningRate, config.optimizer.maxSteps) = (0, 1)
        _ = try trainModel(config)
        let (start, base) = (
            try tensors(output.path + "/start/model.safetensors"),
            try tensors(output.path + "/base/model.safetensors")
        )
        #expect(
            start["bert.encoder.layer.0.output.dense.weight"]
                == base["bert.encoder.layer.1.output.dense.weight"])
        #expect(start["classifier.weight"] == base["classifier.weight"])
    }

    @Test func refusesTeachersOfOtherModels() throws {
        let output = try ResumeTests.output()
        let config = try Self.config(output)
        func refuses(_ problem: String, _ change: (inout TrainingConfig) throws -> Void) rethrows {
            var other = config
            try change(&other)
            let text = message { _ = try trainModel(other) }
            #expect(text?.contains(problem) == true, "\(text ?? "")")
        }
        refuses("expected one for each of the model's 1") { $0.distillation.initialLayers = [0, 1] }
        refuses("the teacher's are 0 to 1") { $0.distillation.initialLayers = [2] }
        refuses("expected one for each") { $0.distillation.stateLayers = [0, 1] }
        refuses("has no effect without 'teacher'") { $0.distillation.teacher = nil }
        refuses("has weights; name a model.json") {
            $0.model.path = output.path + "/base"
            $0.distillation.initialLayers = [0, 1]
        }
        refuses("no such model") { $0.distillation.teacher = "nowhere" }
    }
}
