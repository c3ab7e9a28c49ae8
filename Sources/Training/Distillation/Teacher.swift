import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support
import Text

/// A model that another one learns from: it runs each micro-batch first, without dropout, and its logits and states become inputs
/// of the step.
final class Teacher {
    let distillation: Distillation
    private let executor: Executor
    private let parameters = ParameterStore()
    /// The inputs that its graph has.
    private let inputs: Set<String>
    /// Its layers whose states are outputs.
    private let layers: [Int]

    /// The teacher that a configuration names; nil without one.
    ///
    /// - Throws: `ModelError` for one that is not for the same task, labels, tokens or width.
    init?(_ training: TrainingConfig, _ source: ModelSource, _ task: any LearningTask, compiler: Compiler)
        throws
    {
        // Vectors of texts are asked for once, before training (`VectorTeacher`).
        guard task.sentences == nil, let path = training.distillation.teacher.map(training.resolve) else {
            return nil
        }
        let files = try ModelDirectory(path)
        let checkpoint = try files.checkpoint()
        let config = files.config
        try Self.check(files, checkpoint, source, task, at: path)
        distillation = try Self.distillation(training, config, task.config, at: path)
        layers = Set(distillation.layers.map(\.teacher)).sorted()
        var graph = EncoderGraph(config: config, head: task.head, isTraining: false)
        graph.stateOutputs = layers
        let built = try graph.build()
        let report = try checkpoint.report(for: built.parameters)
        guard report.missing.isEmpty else {
            throw ModelError(
                .invalidModel,
                "its weights lack \(Formatted.list(report.missing.map(\.name))); train it for the task first",
                at: path)
        }
        for spec in built.parameters {
            try parameters.set(spec.name, shape: spec.shape) {
                try checkpoint.copyFloats(of: spec.name, into: $0)
            }
        }
        let compiled = try CompiledGraph(built.graph, compiler: compiler, parameters: parameters)
        (inputs, executor) = (Set(compiled.inputs.map(\.name)), compiled.executor)
    }

    /// Takes the memory of the largest batches now, so that a plan counts it.
    func reserve(_ shapes: [[String: Int]]) throws {
        let symbols = Set(["sequences", "tokens", "length"])
        try executor.reserve(shapes.map { shape in shape.filter { symbols.contains($0.key) } })
    }

    /// The step with what the teacher says of it.
    func add(to step: TaskStep) throws -> TaskStep {
        TaskStep(
            inputs: try step.inputs.indices.map { try inputs(of: step, microBatch: $0) },
            sequences: step.sequences, realTokens: step.realTokens, paddedTokens: step.paddedTokens)
    }

    /// A micro-batch of the step with what the teacher says of it.
    func inputs(of step: TaskStep, microBatch: Int) throws -> StepInputs {
        var inputs = step.inputs[microBatch]
        let outputs = try executor.run(
            inputs.tensors.filter { self.inputs.contains($0.key) }, symbols: inputs.symbols,
            guarding: ["logits"])
        inputs.tensors[Distillation.logits] = outputs["logits"]
        for pair in distillation.layers {
            inputs.tensors[Distillation.states(ofStudent: pair.student)] =
                outputs["states.\(pair.teacher)"]
        }
        guard distillation.stateLoss != nil else { return inputs }
        // States count by tokens.
        let all = try step.inputs.reduce(0) { $0 + (try realTokens($1)) }
        inputs.lossWeights.append(Float(try realTokens(inputs)) / Float(all))
        return inputs
    }

    private func realTokens(_ inputs: StepInputs) throws -> Int {
        try inputs.tensors["lengths"]?.integers.reduce(0) { $0 + Int($1) } ?? 0
    }

    // MARK: Checks

    /// Refuses a teacher of other labels or tokens.
    private static func check(
        _ files: ModelDirectory, _ checkpoint: EncoderCheckpoint, _ source: ModelSource,
        _ task: any LearningTask, at path: String
    ) throws {
        let config = files.config
        guard try EncoderHead(of: config, checkpoint: checkpoint) == task.head else {
            throw ModelError(
                .wrongTask,
                "is not a model for the task and its \(task.labels.count) labels; train it for them first",
                at: path)
        }
        guard task.labels.isEmpty || config.labels.isEmpty || config.labels == task.labels else {
            throw ModelError(
                .wrongTask,
                "has the labels \(Formatted.list(config.labels)), but the run has \(Formatted.list(task.labels)); they must "
                    + "be the same, in the same order", at: path)
        }
        let probe = "The naïve quick brown fox, 3.14 & 東京: unaffordable Überraschungen!"
        let own = try source.tokenizer.encode(probe, pair: nil)
        let tokenizer = try files.tokenizer()
        let count = source.tokenizer.tokenCount
        guard try tokenizer.encode(probe, pair: nil) == own, tokenizer.tokenCount >= count,
            (0..<Int32(count)).allSatisfy({ tokenizer.token(of: $0) == source.tokenizer.token(of: $0) }),
            config.vocabularySize >= source.config.vocabularySize,
            config.uncountedToken == source.config.uncountedToken
        else {
            throw ModelError(
                .invalidModel,
                "does not have the tokeniser of \(source.path), whose tokens it would have to read; choose a "
                    + "teacher with the same vocabulary", at: path)
        }
    }

    private static func distillation(
        _ training: TrainingConfig, _ teacher: EncoderConfig, _ student: EncoderConfig, at path: String
    ) throws -> Distillation {
        let settings = training.distillation
        var distillation = Distillation()
        (distillation.temperature, distillation.weight) = (settings.temperature, settings.weight)
        (distillation.stateLoss, distillation.stateWeight) = (settings.stateLoss, settings.stateWeight)
        guard settings.stateLoss != nil else { return distillation }
        guard teacher.hiddenSize == student.hiddenSize else {
            throw training.error(
                "hiddenStateLoss",
                "needs states of the same width, but the teacher's have \(teacher.hiddenSize) elements and the model's "
                    + "\(student.hiddenSize)")
        }
        let layers = settings.stateLayers
        try training.check(layers, "hiddenStateLayers", student, teacher)
        distillation.layers =
            layers.isEmpty
            ? [.init(student: student.layerCount - 1, teacher: teacher.layerCount - 1)]
            : layers.enumerated().map { .init(student: $0, teacher: $1) }
        return distillation
    }
}

extension TrainingConfig {
    /// Refuses a list that has not one of the teacher's layers for each of the student's.
    func check(_ layers: [Int], _ field: String, _ student: EncoderConfig, _ teacher: EncoderConfig) throws {
        guard !layers.isEmpty else { return }
        guard layers.count == student.layerCount else {
            throw error(
                field,
                "has \(Formatted.count(layers.count, "layer")), expected one for each of the model's \(student.layerCount)"
            )
        }
        if let far = layers.first(where: { $0 >= teacher.layerCount }) {
            throw error(field, "has layer \(far), but the teacher's are 0 to \(teacher.layerCount - 1)")
        }
    }
}
