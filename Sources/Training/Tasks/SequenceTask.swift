import BERT
import GraphCompiler
import Text

/// Classification and regression: one label or number for each text or pair of texts.
struct SequenceTask: LearningTask {
    let config: BertConfig
    let head: BertHead
    let keepsHead: Bool
    let metric: TrainingMetric
    let fingerprint: String
    let plan: TrainingPlan
    private let data: TrainingData
    private let batcher: Batcher
    private let batchesPerStep: Int

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
            keepsHead = data.labels == config.labels && config.problemType != .regression
            head = .classification(labels: data.labels.count)
            config.labels = data.labels
            config.problemType = .singleLabel
        }
        self.config = config
        metric = training.task.metric
        fingerprint = data.train.fingerprint
        batcher = try Batcher(
            data.train.encodings,
            options: BatchingOptions(
                mode: training.batching.mode, batchSize: training.batchSize, maxTokens: training.maxTokens,
                maxLength: data.maxLength, padID: source.tokenizer.special.pad, shuffle: true,
                seed: UInt64(training.seed)))
        batchesPerStep = training.gradientAccumulation
        plan = TrainingPlan(training, batcher.plan)
    }

    var architecture: BertArchitecture { .sequenceClassification }
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

    func batches(epoch: Int) -> [[Int]] { batcher.plan.batches(epoch: epoch) }

    func step(_ microBatches: [[Int]], epoch: Int) -> TaskStep {
        let batches = microBatches.map(batcher.layOut)
        let sequences = batches.reduce(0) { $0 + $1.sequences }
        let inputs = zip(microBatches, batches).map { indices, batch in
            StepInputs(
                batch, targets: data.train.targets.tensor(indices), stepSequences: sequences)
        }
        return TaskStep(
            inputs: inputs, sequences: sequences, realTokens: batches.reduce(0) { $0 + $1.realTokens },
            paddedTokens: batches.reduce(0) { $0 + $1.paddedTokens })
    }

    func gradientAccumulation(epoch: Int) -> Int { batchesPerStep }

    /// Of the first epoch.
    var largestBatchSize: Int { batches(epoch: 0).map(\.count).max() ?? 1 }

    /// Of very many epochs only the first are looked at; a larger batch in a later one makes memory grow.
    func largestTrainingShapes(batchSize: Int) throws -> [[String: Int]] {
        let plan = batcher.plan
        let most = max(1, 20_000_000 / plan.lengths.count)
        let epochs = min(self.plan.epochs, plan.options.mode == .fixed ? 1 : most)
        return plan.largestShapes(epochs: 0..<epochs, pieces: batchSize).map(\.symbols)
    }

    // MARK: Evaluation

    func evaluationShapes() -> [[String: Int]] {
        [data.validation, data.test].compactMap { $0?.encodings }.flatMap { encodings in
            SequenceRunner.shapes(of: encodings, batchTokens: TaskStep.evaluationTokens).map(\.symbols)
        }
    }

    func evaluate(_ part: EvaluatedPart, with model: TrainableModel) throws -> EvaluationMetrics {
        guard let examples = examples(of: part) else {
            return EvaluationMetrics(predictions: [], targets: [])
        }
        let runner = model.runner(maxLength: data.maxLength, batchTokens: TaskStep.evaluationTokens)
        let rows = try runner.rows(of: "logits", on: examples.encodings)
        switch examples.targets {
        case .classes(let ids):
            return EvaluationMetrics(logits: rows, targets: ids.map(Int.init), labelCount: config.labelCount)
        case .numbers(let numbers):
            return EvaluationMetrics(predictions: rows.map { $0[0] }, targets: numbers)
        }
    }
}

extension TrainingBatching {
    var mode: BatchingMode {
        switch self {
        case .fixed: .fixed
        case .dynamic: .dynamic
        case .uniform: .uniform
        case .packed: .packed
        }
    }
}
