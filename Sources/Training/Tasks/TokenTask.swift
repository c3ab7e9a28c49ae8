import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Classification of words, such as naming entities: one label for each word of a sentence, at its first piece.
struct TokenTask: LearningTask {
    let config: EncoderConfig
    let labels: [String]
    let keepsHead: Bool
    let metric: Metric
    let fingerprint: String
    let warnings: [String]
    private let train: TaggedData
    private let validation: TaggedData?
    private let test: TaggedData?
    private let maxLength: Int
    private let sequences: SequenceBatches

    /// Loads and tokenises the data. The labels are the training data's, or the model's (`TrainedLabels`).
    ///
    /// - Throws: `TextError` with file and line, `ModelError` for a setting that does not fit the model.
    init(_ training: TrainingConfig, _ source: ModelSource) throws {
        let maxLength = try training.maxLength(of: source)
        func load(_ path: String) throws -> TaggedDataset {
            try TaggedDataset(
                contentsOf: path, format: training.data.format, options: training.textOptions)
        }
        let files = (
            train: try load(training.dataPath(training.data.trainFile)),
            validation: try training.path(of: .validation).map(load),
            test: try training.path(of: .test).map(load)
        )
        let chosen = try TrainedLabels(
            LabelMap(labelsOf: files.train), model: source.config.labels, file: files.train.file)
        let map = chosen.map
        func encode(_ dataset: TaggedDataset) throws -> TaggedData {
            try TaggedData(dataset, tokenizer: source.tokenizer, labels: map, maxLength: maxLength)
        }
        train = try encode(files.train)
        validation = try files.validation.map(encode)
        test = try files.test.map(encode)
        self.maxLength = maxLength
        let notes =
            [files.train, files.validation, files.test].flatMap { $0?.notes ?? [] }
            + [train, validation, test].compactMap { $0?.cutNote(maxLength: maxLength) }
        labels = map.names
        keepsHead = chosen.areModels && source.config.architecture == .tokenClassification
        var config = source.config
        config.labels = map.names
        config.problemType = nil
        self.config = config
        let tags = EntityTags(labels)
        let hasEntities = validation.map { tags.hasEntity($0.labels.joined()) } ?? true
        metric = hasEntities ? training.task.metric : .accuracy
        warnings =
            chosen.notes + notes + [tags.note].compactMap(\.self)
            + (hasEntities || training.evaluation.metric != nil
                ? []
                : [
                    "\(validation?.path ?? ""): has no entities; accuracy decides which evaluation is the best"
                ])
        fingerprint = train.fingerprint
        sequences = try SequenceBatches(
            training, train.encodings, maxLength: maxLength, padID: source.tokenizer.special.padding)
    }

    var head: EncoderHead { .tokenClassification(labels: labels.count) }
    var architecture: EncoderArchitecture { .tokenClassification }
    var plan: TrainingPlan { sequences.plan }
    var validationFingerprint: String? { validation?.fingerprint }
    var exampleCount: Int { train.encodings.count }

    func exampleCount(of part: EvaluatedPart) -> Int? { data(of: part)?.encodings.count }

    func path(of part: EvaluatedPart) -> String { data(of: part)?.path ?? "" }

    private func data(of part: EvaluatedPart) -> TaggedData? {
        switch part {
        case .validation: validation
        case .test: test
        }
    }

    // MARK: Training

    func batches(epoch: Int) -> [[Int]] { sequences.indices(epoch: epoch) }

    func step(_ microBatches: [[Int]], epoch: Int) -> TaskStep {
        let batches = microBatches.map(sequences.layOut)
        let tokens = train.labelledCount(microBatches.flatMap { $0 })
        return TaskStep(batches.map { StepInputs($0, of: train, stepTokens: tokens) }, of: batches)
    }

    func gradientAccumulation(epoch: Int) -> Int { sequences.batchesPerStep }

    var accumulates: Bool { sequences.batchesPerStep > 1 }

    var largestBatchSize: Int { sequences.largestBatchSize }

    /// With every token labelled, which is more than there can be.
    func largestTrainingShapes(batchSize: Int) -> [[String: Int]] {
        sequences.largestShapes(batchSize: batchSize).map { shape in
            shape.symbols.merging(["labelled": shape.tokens]) { $1 }
        }
    }

    // MARK: Evaluation

    func evaluationShapes() -> [[String: Int]] {
        [validation, test].compactMap { $0?.encodings }.flatMap { encodings in
            SequenceRunner.shapes(of: encodings, batchTokens: TaskStep.evaluationTokens).map(\.symbols)
        }
    }

    func probe(_ model: TrainableModel) throws {
        let runner = model.runner(maxLength: maxLength, batchTokens: 1)
        _ = try runner.rows(of: "logits", on: Array(train.encodings.prefix(1)))
    }

    func evaluate(_ part: EvaluatedPart, with model: TrainableModel) throws -> EvaluationMetrics {
        guard let data = data(of: part) else {
            return EvaluationMetrics(predictions: [], targets: [])
        }
        let runner = model.runner(maxLength: maxLength, batchTokens: TaskStep.evaluationTokens)
        let guesses = try runner.tokenRows(of: "logits", on: data.encodings, at: data.positions) {
            Guess(logits: $2, target: Int(data.labels[$0][$1]))
        }
        return EvaluationMetrics(guesses: guesses, targets: data.labels, labels: labels)
    }
}
