import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Windows of questions' contexts, with the tokens that answers start and end with.
struct QuestionData: LabelledExamples {
    let questions: WindowedQuestions
    private let tokens: [(start: Int, end: Int)]

    init(_ questions: WindowedQuestions) {
        self.questions = questions
        tokens = questions.answerTokens()
    }

    var path: String { questions.dataset.file }
    var encodings: [Encoding] { questions.encodings }

    var fingerprint: String {
        var fingerprint = Fingerprint(of: encodings)
        fingerprint.add(tokens.flatMap { [Int32($0.start), Int32($0.end)] })
        return fingerprint.text
    }

    /// Those of a batch's windows, as inputs of the model.
    func ends(_ indices: [Int]) -> [String: TensorData] {
        [
            "start_positions": TensorData(indices.map { Int32(tokens[$0].start) }),
            "end_positions": TensorData(indices.map { Int32(tokens[$0].end) }),
        ]
    }
}

/// Extractive question answering: the part of a context that answers a question (Rajpurkar et al., arXiv:1606.05250), or none
/// (arXiv:1806.03822).
struct QuestionTask: LabelledTask {
    let config: EncoderConfig
    let keepsHead: Bool
    let fingerprint: String
    let warnings: [String]
    let data: DataParts<QuestionData>
    let sequences: SequenceBatches
    let maxLength: Int
    private let options: AnswerOptions

    /// Loads and tokenises the data.
    ///
    /// - Throws: `TextError` naming file and question, `ModelError` for a setting that does not fit the model.
    init(_ training: TrainingConfig, _ source: ModelSource) throws {
        let settings = training.questions
        try settings.check(against: source, training)
        var maxLength = try training.maxLength(of: source)
        if training.data.maxLength == nil { maxLength = min(maxLength, WindowOptions.usualLength) }
        self.maxLength = maxLength
        let windows = WindowOptions(maxLength: maxLength, stride: settings.stride)
        func load(_ path: String) throws -> QuestionData {
            QuestionData(
                try WindowedQuestions(
                    QuestionDataset(contentsOf: path), windows, source.tokenizer,
                    runner: Compiler.tasks(threads: training.machine.threads)))
        }
        let data = DataParts(
            train: try load(training.dataPath(training.data.trainFile)),
            validation: try training.path(of: .validation).map(load),
            test: try training.path(of: .test).map(load))
        self.data = data
        warnings = [data.train, data.validation, data.test].flatMap { $0?.questions.dataset.notes ?? [] }
        options = AnswerOptions(
            stride: settings.stride, nBest: settings.nBest, maxAnswerLength: settings.maxAnswerLength,
            nullScoreDiffThreshold: settings.nullScoreDiffThreshold)
        keepsHead = source.config.architecture == .questionAnswering
        var config = source.config
        (config.labels, config.problemType) = ([], nil)
        self.config = config
        fingerprint = data.train.fingerprint
        sequences = try SequenceBatches(training, data.train.encodings, maxLength: maxLength, source)
    }

    var head: EncoderHead { .questionAnswering }
    var architecture: EncoderArchitecture { .questionAnswering }
    var labels: [String] { [] }
    var metric: Metric { .f1 }

    func inputs(_ batches: [Batch]) -> [StepInputs] {
        let stepSequences = batches.reduce(0) { $0 + $1.sequences }
        return batches.map { batch in
            let inputs = EncoderInputs(batch)
            return StepInputs(
                inputs.tensors.merging(data.train.ends(batch.exampleIndices)) { $1 },
                symbols: inputs.symbols, lossWeights: [Float(batch.sequences) / Float(stepSequences)])
        }
    }

    func largestTrainingShapes(batchSize: Int) -> [[String: Int]] {
        sequences.largestShapes(batchSize: batchSize).map(\.symbols)
    }

    func metrics(on examples: QuestionData, _ runner: SequenceRunner) throws -> EvaluationMetrics {
        try examples.questions.metrics(runner, options)
    }
}
