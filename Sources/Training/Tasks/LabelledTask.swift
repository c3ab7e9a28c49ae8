import GraphCompiler
import Pipelines
import Text

/// Tokenised examples of a part of the data, each with what it should come out as.
protocol LabelledExamples: Sendable {
    /// The file.
    var path: String { get }
    var encodings: [Encoding] { get }
    /// Changes when any token, label or target does.
    var fingerprint: String { get }
}

/// The parts of a run's data.
struct DataParts<Examples: LabelledExamples>: Sendable {
    let train: Examples
    let validation: Examples?
    let test: Examples?

    subscript(part: EvaluatedPart) -> Examples? {
        switch part {
        case .validation: validation
        case .test: test
        }
    }
}

/// A task on examples with labels: batches are made of the training part, and the other parts are measured.
protocol LabelledTask: LearningTask {
    associatedtype Examples: LabelledExamples
    var data: DataParts<Examples> { get }
    var sequences: SequenceBatches { get }
    /// The greatest number of tokens of a sequence.
    var maxLength: Int { get }

    /// The inputs of a step's batches.
    func inputs(_ batches: [Batch]) throws -> [StepInputs]
    /// What the model says about the examples of a part, beside their labels.
    func metrics(on examples: Examples, _ runner: SequenceRunner) throws -> EvaluationMetrics
}

extension LabelledTask {
    var plan: TrainingPlan { sequences.plan }
    var validationFingerprint: String? { data.validation?.fingerprint }
    var exampleCount: Int { data.train.encodings.count }

    func exampleCount(of part: EvaluatedPart) -> Int? { data[part]?.encodings.count }

    func path(of part: EvaluatedPart) -> String { data[part]?.path ?? "" }

    // MARK: Training

    func batches(epoch: Int) -> [[Int]] { sequences.indices(epoch: epoch) }

    func step(_ batches: [[[Int]]], epoch: Int) throws -> TaskStep {
        let batches = batches.joined().map(sequences.layOut)
        return TaskStep(try inputs(batches), of: batches)
    }

    func gradientAccumulation(epoch: Int) -> Int { sequences.batchesPerStep }

    var accumulates: Bool { sequences.batchesPerStep > 1 }

    var largestBatchSize: Int { sequences.largestBatchSize }

    // MARK: Evaluation

    func evaluationShapes() -> [[String: Int]] {
        [data.validation, data.test].compactMap { $0?.encodings }.flatMap { encodings in
            SequenceRunner.shapes(of: encodings, batchTokens: TaskStep.evaluationTokens).map(\.symbols)
        }
    }

    func probe(_ model: TrainableModel) throws {
        let runner = model.runner(maxLength: maxLength, batchTokens: 1)
        _ = try runner.rows(of: "logits", on: Array(data.train.encodings.prefix(1)))
    }

    func evaluate(_ part: EvaluatedPart, with model: TrainableModel) throws -> EvaluationMetrics? {
        try data[part].map {
            try metrics(on: $0, model.runner(maxLength: maxLength, batchTokens: TaskStep.evaluationTokens))
        }
    }
}
