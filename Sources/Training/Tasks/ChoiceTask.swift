import Encoders
import GraphCompiler
import Pipelines
import Text

/// Multiple choice: which of several texts belongs to a text, as in SWAG (Zellers et al., arXiv:1808.05326).
struct ChoiceTask: LabelledTask {
    let config: EncoderConfig
    let keepsHead: Bool
    let fingerprint: String
    let warnings: [String]
    let data: DataParts<ChoiceData>
    let sequences: SequenceBatches
    let maxLength: Int

    /// Loads and tokenises the data.
    ///
    /// - Throws: `TextError` with file and line, `ModelError` for a setting that does not fit the model.
    init(_ training: TrainingConfig, _ source: ModelSource) throws {
        let maxLength = try training.maxLength(of: source)
        func load(_ path: String) throws -> ChoiceData {
            try ChoiceData(contentsOf: path, training, source, maxLength: maxLength)
        }
        data = DataParts(
            train: try load(training.dataPath(training.data.trainFile)),
            validation: try training.path(of: .validation).map(load),
            test: try training.path(of: .test).map(load))
        self.maxLength = maxLength
        warnings = [data.train, data.validation, data.test].flatMap { $0?.notes ?? [] }
        keepsHead = source.config.architecture == .multipleChoice
        var config = source.config
        (config.labels, config.problemType) = ([], nil)
        self.config = config
        fingerprint = data.train.fingerprint
        sequences = try SequenceBatches(
            training, data.train.encodings, groups: data.train.groups, maxLength: maxLength, source)
    }

    var head: EncoderHead { .multipleChoice }
    var architecture: EncoderArchitecture { .multipleChoice }
    var labels: [String] { [] }
    var metric: Metric { .accuracy }
    var exampleCount: Int { data.train.count }

    func exampleCount(of part: EvaluatedPart) -> Int? { data[part]?.count }

    func inputs(_ batches: [Batch]) -> [StepInputs] {
        let all = batches.reduce(0) { $0 + $1.examples }
        return batches.map { batch in
            let inputs = EncoderInputs(batch)
            let examples = [
                "example_offsets": TensorData(batch.exampleOffsets),
                "labels": TensorData(batch.exampleIndices.map { Int32(data.train.labels[$0]) }),
            ]
            let most = batch.exampleIndices.reduce(1) { max($0, data.train.groups[$1].count) }
            return StepInputs(
                inputs.tensors.merging(examples) { $1 },
                symbols: inputs.symbols.merging(["choices": most]) { $1 },
                lossWeights: [Float(batch.examples) / Float(all)])
        }
    }

    func largestTrainingShapes(batchSize: Int) -> [[String: Int]] {
        let most = data.train.mostChoices
        return sequences.largestShapes(batchSize: batchSize).map { shape in
            shape.symbols.merging(["examples": shape.examples, "choices": most]) { $1 }
        }
    }

    func metrics(on examples: ChoiceData, _ runner: SequenceRunner) throws -> EvaluationMetrics {
        let logits = try runner.rows(of: "logits", on: examples.encodings) { $1.first ?? 0 }
        let guesses = examples.labels.enumerated().map { example, label in
            Guess(logits: Array(logits[examples.groups[example]])[...], target: label)
        }
        return EvaluationMetrics(choices: guesses, targets: examples.labels)
    }
}
