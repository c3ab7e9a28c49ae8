import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Classification of words, such as naming entities: one label for each word of a sentence, at its first piece.
struct TokenTask: LabelledTask {
    let config: EncoderConfig
    let labels: [String]
    let keepsHead: Bool
    let metric: Metric
    let fingerprint: String
    let warnings: [String]
    let data: DataParts<TaggedData>
    let maxLength: Int
    let sequences: SequenceBatches

    /// Loads and tokenises the data. The labels are the training data's, or the model's (`TrainedLabels`).
    ///
    /// - Throws: `TextError` with file and line, `ModelError` for a setting that does not fit the model.
    init(_ training: TrainingConfig, _ source: ModelSource) throws {
        let maxLength = try training.maxLength(of: source)
        func load(_ path: String) throws -> TaggedDataset {
            try TaggedDataset(
                contentsOf: path, format: training.data.format, options: training.textOptions)
        }
        let all = try load(training.dataPath(training.data.trainFile))
        let split = try training.split(all)
        let files = (
            train: split?.train ?? all,
            validation: try split?.heldOut ?? training.path(of: .validation).map(load),
            test: try training.path(of: .test).map(load)
        )
        let chosen = try TrainedLabels(
            LabelMap(labelsOf: files.train), model: source.config.labels, file: files.train.file)
        let map = chosen.map
        func encode(_ dataset: TaggedDataset) throws -> TaggedData {
            try TaggedData(dataset, tokenizer: source.tokenizer, labels: map, maxLength: maxLength)
        }
        var train = try encode(files.train)
        train.classWeights = try training.examples.classWeights?.values(
            map.names, of: train.labels.joined(), file: training.file)
        let data = DataParts(
            train: train, validation: try files.validation.map(encode), test: try files.test.map(encode))
        self.data = data
        self.maxLength = maxLength
        let notes =
            [all, split == nil ? files.validation : nil, files.test].flatMap { $0?.notes ?? [] }
            + [data.train, data.validation, data.test].compactMap { $0?.cutNote(maxLength: maxLength) }
        labels = map.names
        keepsHead = chosen.areModels && source.config.architecture == .tokenClassification
        var config = source.config
        config.labels = map.names
        config.problemType = nil
        self.config = config
        let tags = EntityTags(labels)
        let hasEntities = data.validation.map { tags.hasEntity($0.labels.joined()) } ?? true
        metric = hasEntities ? training.task.metric : .accuracy
        warnings =
            chosen.notes + notes + [tags.note].compactMap(\.self)
            + (hasEntities || training.evaluation.metric != nil
                ? []
                : [
                    "\(data.validation?.path ?? ""): has no entities; accuracy decides which evaluation is the best"
                ])
        fingerprint = data.train.fingerprint
        sequences = try SequenceBatches(
            training, data.train.encodings, maxLength: maxLength, source)
    }

    var head: EncoderHead { .tokenClassification(labels: labels.count) }
    var architecture: EncoderArchitecture { .tokenClassification }

    func inputs(_ batches: [Batch]) -> [StepInputs] {
        let tokens = data.train.labelledCount(batches.flatMap(\.exampleIndices))
        let weight = data.train.classWeights.map { _ in
            data.train.weight(of: batches.flatMap(\.exampleIndices))
        }
        return batches.map { batch in
            var inputs = StepInputs(batch, of: data.train, stepTokens: tokens)
            if let weight {
                inputs.weigh(by: batch.exampleIndices.flatMap(data.train.weights), ofStep: weight)
            }
            return inputs
        }
    }

    /// With every token labelled, which is more than there can be.
    func largestTrainingShapes(batchSize: Int) -> [[String: Int]] {
        sequences.largestShapes(batchSize: batchSize).map { shape in
            shape.symbols.merging(["labelled": shape.tokens]) { $1 }
        }
    }

    func metrics(on examples: TaggedData, _ runner: SequenceRunner) throws -> EvaluationMetrics {
        let guesses = try runner.tokenRows(of: "logits", on: examples.encodings, at: examples.positions) {
            Guess(logits: $2, target: Int(examples.labels[$0][$1]))
        }
        return EvaluationMetrics(guesses: guesses, targets: examples.labels, labels: labels)
    }
}
