import Encoders
import GraphCompiler
import Pipelines
import Text

/// Classification and regression: one label or number for each text or pair of texts.
struct SequenceTask: LabelledTask {
    let config: EncoderConfig
    let head: EncoderHead
    let labels: [String]
    let keepsHead: Bool
    let metric: Metric
    let fingerprint: String
    let warnings: [String]
    let data: DataParts<LabelledData>
    let sequences: SequenceBatches
    let maxLength: Int
    /// The probability from which on a label of several is given.
    private let threshold: Double

    /// Loads and tokenises the data.
    ///
    /// - Throws: `TextError` with file and line, `ModelError` for a setting that does not fit the model.
    init(_ training: TrainingConfig, _ source: ModelSource) throws {
        let loaded = try TrainingData(training, source)
        (data, labels, warnings) = (loaded.parts, loaded.labels, loaded.warnings)
        maxLength = loaded.maxLength
        var config = source.config
        threshold = training.evaluation.threshold
        if training.task == .multiLabelClassification {
            keepsHead = loaded.areModelsLabels && config.problemType == .multiLabel
            head = .multiLabelClassification(labels: labels.count)
            config.labels = labels
            config.problemType = .multiLabel
        } else if training.task.isRegression {
            keepsHead = config.labels.count == 1
            head = .regression
            config.labels = ["LABEL_0"]
            config.problemType = .regression
        } else {
            keepsHead =
                loaded.areModelsLabels && config.problemType != .regression
                && config.problemType != .multiLabel
                && config.architecture != .tokenClassification
            head = .classification(labels: labels.count)
            config.labels = labels
            config.problemType = .singleLabel
        }
        self.config = config
        metric = training.task.metric
        fingerprint = data.train.fingerprint
        sequences = try SequenceBatches(
            training, data.train.encodings, maxLength: maxLength, source)
    }

    var architecture: EncoderArchitecture { .sequenceClassification }

    func inputs(_ batches: [Batch]) throws -> [StepInputs] {
        let stepSequences = batches.reduce(0) { $0 + $1.sequences }
        let stepWeight = data.train.weight(of: batches.flatMap(\.exampleIndices))
        return try batches.map { batch in
            let indices = batch.exampleIndices
            var inputs = StepInputs(
                batch, targets: try data.train.targets.tensor(indices), stepSequences: stepSequences)
            if let weights = data.train.weights {
                inputs.weigh(by: indices.map { weights[$0] }, ofStep: stepWeight)
            }
            return inputs
        }
    }

    func largestTrainingShapes(batchSize: Int) -> [[String: Int]] {
        sequences.largestShapes(batchSize: batchSize).map(\.symbols)
    }

    func metrics(on examples: LabelledData, _ runner: SequenceRunner) throws -> EvaluationMetrics {
        switch examples.targets {
        case .classes(let ids):
            let guesses = try runner.rows(of: "logits", on: examples.encodings) {
                Guess(logits: $1, target: Int(ids[$0]))
            }
            return EvaluationMetrics(
                guesses: guesses, targets: ids.map(Int.init), labelCount: config.labelCount)
        case .sets(let sets, let count):
            var metrics = MultiLabelMetrics(labelCount: count, threshold: threshold)
            for (row, set) in zip(try runner.rows(of: "logits", on: examples.encodings), sets) {
                metrics.add(logits: row, actual: set)
            }
            return EvaluationMetrics(metrics)
        case .numbers(let numbers):
            let rows = try runner.rows(of: "logits", on: examples.encodings)
            return EvaluationMetrics(predictions: rows.map { $0[0] }, targets: numbers)
        }
    }
}
