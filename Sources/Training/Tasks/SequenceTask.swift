import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Classification and regression: one label or number for each text or pair of texts.
struct SequenceTask: LearningTask {
    let config: EncoderConfig
    let head: EncoderHead
    let keepsHead: Bool
    let metric: Metric
    let fingerprint: String
    private let data: TrainingData
    private let sequences: SequenceBatches

    /// Loads and tokenises the data.
    init(_ training: TrainingConfig, _ source: ModelSource) throws {
        data = try TrainingData(training, source)
        var config = source.config
        if training.task.isRegression {
            keepsHead = config.labels.count == 1
            head = .regression
            config.labels = ["LABEL_0"]
            config.problemType = .regression
        } else {
            keepsHead =
                data.areModelsLabels && config.problemType != .regression
                && config.architecture != .tokenClassification
            head = .classification(labels: data.labels.count)
            config.labels = data.labels
            config.problemType = .singleLabel
        }
        self.config = config
        metric = training.task.metric
        fingerprint = data.train.fingerprint
        sequences = try SequenceBatches(
            training, data.train.encodings, maxLength: data.maxLength, padID: source.tokenizer.special.padding
        )
    }

    var plan: TrainingPlan { sequences.plan }
    var validationFingerprint: String? { data.validation?.fingerprint }
    var architecture: EncoderArchitecture { .sequenceClassification }
    var labels: [String] { data.labels }
    var warnings: [String] { data.warnings }
    var exampleCount: Int { data.train.encodings.count }

    func exampleCount(of part: EvaluatedPart) -> Int? { examples(of: part)?.encodings.count }

    func path(of part: EvaluatedPart) -> String { examples(of: part)?.path ?? "" }

    private func examples(of part: EvaluatedPart) -> LabelledData? {
        switch part {
        case .validation: data.validation
        case .test: data.test
        }
    }

    // MARK: Training

    func batches(epoch: Int) -> [[Int]] { sequences.indices(epoch: epoch) }

    func step(_ microBatches: [[Int]], epoch: Int) -> TaskStep {
        let batches = microBatches.map(sequences.layOut)
        let stepSequences = batches.reduce(0) { $0 + $1.sequences }
        let inputs = zip(microBatches, batches).map { indices, batch in
            StepInputs(
                batch, targets: data.train.targets.tensor(indices), stepSequences: stepSequences)
        }
        return TaskStep(inputs, of: batches)
    }

    func gradientAccumulation(epoch: Int) -> Int { sequences.batchesPerStep }

    var accumulates: Bool { sequences.batchesPerStep > 1 }

    var largestBatchSize: Int { sequences.largestBatchSize }

    func largestTrainingShapes(batchSize: Int) -> [[String: Int]] {
        sequences.largestShapes(batchSize: batchSize).map(\.symbols)
    }

    // MARK: Evaluation

    func evaluationShapes() -> [[String: Int]] {
        [data.validation, data.test].compactMap { $0?.encodings }.flatMap { encodings in
            SequenceRunner.shapes(of: encodings, batchTokens: TaskStep.evaluationTokens).map(\.symbols)
        }
    }

    func probe(_ model: TrainableModel) throws {
        let runner = model.runner(maxLength: data.maxLength, batchTokens: 1)
        _ = try runner.rows(of: "logits", on: Array(data.train.encodings.prefix(1)))
    }

    func evaluate(_ part: EvaluatedPart, with model: TrainableModel) throws -> EvaluationMetrics {
        guard let examples = examples(of: part) else {
            return EvaluationMetrics(predictions: [], targets: [])
        }
        let runner = model.runner(maxLength: data.maxLength, batchTokens: TaskStep.evaluationTokens)
        switch examples.targets {
        case .classes(let ids):
            let guesses = try runner.rows(of: "logits", on: examples.encodings) {
                Guess(logits: $1, target: Int(ids[$0]))
            }
            return EvaluationMetrics(
                guesses: guesses, targets: ids.map(Int.init), labelCount: config.labelCount)
        case .numbers(let numbers):
            let rows = try runner.rows(of: "logits", on: examples.encodings)
            return EvaluationMetrics(predictions: rows.map { $0[0] }, targets: numbers)
        }
    }
}
