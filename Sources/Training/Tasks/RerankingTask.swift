import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// A cross-encoder: one score for a query with a document, by a loss of sentence-transformers' `CrossEncoder`.
struct RerankingTask: LabelledTask {
    let config: EncoderConfig
    let keepsHead: Bool
    let metric: Metric
    let fingerprint: String
    let warnings: [String]
    let data: DataParts<RankedData>
    let sequences: SequenceBatches
    let maxLength: Int
    private let loss: RankingLoss
    private let batchSize: Int

    /// Loads and tokenises the data.
    ///
    /// - Throws: `TextError` with file and line, `ModelError` or `ConfigError` for settings that do not fit.
    init(_ training: TrainingConfig, _ source: ModelSource) throws {
        let maxLength = try training.maxLength(of: source)
        let name = training.loss.name ?? .binaryCrossEntropy
        var options = GroupedDataset.Options()
        options.format = training.data.format
        options.header = training.data.header
        options.textColumns = training.data.textColumns.map { ColumnSelector($0) }
        options.labelColumn = training.data.labelColumn.map { ColumnSelector($0) }
        options.allowsLists = true
        func load(_ path: String) throws -> (notes: [String], data: RankedData) {
            let dataset = try GroupedDataset(contentsOf: path, options: options)
            return (
                dataset.notes,
                try RankedData(dataset, for: name, training, source, maxLength: maxLength)
            )
        }
        let parts = (
            train: try load(training.dataPath(training.data.trainFile)),
            validation: try training.path(of: .validation).map(load),
            test: try training.path(of: .test).map(load)
        )
        data = DataParts(
            train: parts.train.data, validation: parts.validation?.data, test: parts.test?.data)
        loss = try RankingLoss(name, training, data.train)
        self.maxLength = maxLength
        batchSize = training.batches.size
        warnings = [parts.train, parts.validation, parts.test].flatMap { $0?.notes ?? [] }
        keepsHead = source.config.labels.count == 1 && source.config.architecture != .tokenClassification
        config = Self.config(source.config, name)
        let hasLists = data.validation.map {
            $0.lists.retrieval(Array(repeating: 0, count: $0.encodings.count)) != nil
        }
        metric = hasLists == true ? .ndcgAt10 : .loss
        fingerprint = data.train.fingerprint
        sequences = try SequenceBatches(
            training, data.train.encodings, groups: data.train.groups, maxLength: maxLength, source)
    }

    /// One label, and what sentence-transformers makes of its logit.
    private static func config(_ source: EncoderConfig, _ loss: LossName) -> EncoderConfig {
        var config = source
        (config.labels, config.problemType) = (["LABEL_0"], nil)
        let key = "sentence_transformers"
        if config.unknownKeys[key]?["activation_fn"] == nil {
            let activation =
                loss == .marginMSE
                ? "torch.nn.modules.linear.Identity" : "torch.nn.modules.activation.Sigmoid"
            var own = config.unknownKeys[key]?.object ?? [:]
            own["activation_fn"] = .string(activation)
            config.unknownKeys[key] = .object(own)
        }
        return config
    }

    var head: EncoderHead { .regression }
    var ranking: RankingLoss? { loss }
    var architecture: EncoderArchitecture { .sequenceClassification }
    var labels: [String] { [] }
    var exampleCount: Int { data.train.count }

    func exampleCount(of part: EvaluatedPart) -> Int? { data[part]?.count }

    // MARK: Training

    func inputs(_ batches: [Batch]) -> [StepInputs] {
        let isOfDocuments = loss == .binaryCrossEntropy
        func size(_ batch: Batch) -> Int { isOfDocuments ? batch.sequences : batch.examples }
        let all = batches.reduce(0) { $0 + size($1) }
        return batches.map { batch in
            let inputs = EncoderInputs(batch)
            return StepInputs(
                inputs.tensors.merging(
                    loss.inputs(of: batch.exampleIndices, in: data.train, offsets: batch.exampleOffsets)
                ) { $1 }, symbols: inputs.symbols, lossWeights: [Float(size(batch)) / Float(all)])
        }
    }

    func largestTrainingShapes(batchSize: Int) -> [[String: Int]] {
        let documents = (0..<data.train.count).reduce(1) { max($0, data.train.groups[$1].count) }
        return sequences.largestShapes(batchSize: batchSize).map { shape in
            var symbols = shape.symbols
            if loss != .binaryCrossEntropy { symbols["examples"] = shape.examples }
            if loss == .listNet { symbols["documents"] = documents }
            return symbols
        }
    }

    // MARK: Evaluation

    func metrics(on examples: RankedData, _ runner: SequenceRunner) throws -> EvaluationMetrics {
        examples.lists.metrics(of: try scores(examples, runner), loss: .nan)
    }

    func evaluate(_ part: EvaluatedPart, with model: TrainableModel) throws -> EvaluationMetrics? {
        guard let examples = data[part] else { return nil }
        let runner = model.runner(maxLength: maxLength, batchTokens: TaskStep.evaluationTokens)
        let scores = try scores(examples, runner)
        return examples.lists.metrics(of: scores, loss: try mean(of: scores, examples, model))
    }

    private func scores(_ examples: RankedData, _ runner: SequenceRunner) throws -> [Float] {
        try runner.rows(of: "logits", on: examples.encodings) { $1.first ?? 0 }
    }

    /// The mean loss; NaN where examples have another number of documents than the loss is for.
    private func mean(
        of scores: [Float], _ examples: RankedData, _ model: TrainableModel
    ) throws -> Double {
        if case .marginMSE(let documents) = loss,
            (0..<examples.count).contains(where: { examples.groups[$0].count != documents })
        {
            return .nan
        }
        let isOfDocuments = loss == .binaryCrossEntropy
        var sum = 0.0
        for batch in Array(0..<examples.count).pieces(of: batchSize) {
            let rows = batch.flatMap { examples.groups[$0] }
            let offsets = batch.reduce(into: [Int32(0)]) {
                $0.append($0[$0.count - 1] + Int32(examples.groups[$1].count))
            }
            var inputs = loss.inputs(of: batch, in: examples, offsets: offsets)
            inputs["scores"] = TensorData(rows.map { scores[$0] })
            let share =
                isOfDocuments
                ? Double(rows.count) / Double(examples.encodings.count)
                : Double(batch.count) / Double(examples.count)
            sum += try model.loss(of: inputs) * share
        }
        return sum
    }
}

extension RankingLoss {
    /// - Throws: `ConfigError` when the data are not what the loss needs.
    init(_ name: LossName, _ training: TrainingConfig, _ data: RankedData) throws {
        switch name {
        case .listNet: self = .listNet
        case .marginMSE:
            let documents = data.groups[0].count
            guard documents > 1, (0..<data.count).allSatisfy({ data.groups[$0].count == documents }) else {
                throw training.error(
                    "loss",
                    "is \"\(name.rawValue)\", which needs as many documents for each query, at least two, but in \(data.path) "
                        + "there are others; use \"ListNetLoss\"")
            }
            self = .marginMSE(documents: documents)
        default: self = .binaryCrossEntropy
        }
    }

    /// What the loss of some examples reads beside the scores.
    ///
    /// - Parameter offsets: the first row of each, and the number of rows.
    func inputs(of examples: [Int], in data: RankedData, offsets: [Int32]) -> [String: TensorData] {
        func rows(_ width: Int) -> TensorData? {
            // Rows beyond an example's own are its first one again, and are not looked at.
            let all = zip(offsets, offsets.dropFirst()).flatMap { first, end in
                (0..<Int32(width)).map { first + $0 < end ? first + $0 : first }
            }
            return try? TensorData(all, shape: [examples.count, width])
        }
        switch self {
        case .binaryCrossEntropy: return [Input.labels: TensorData(examples.flatMap { data.labels[$0] })]
        case .listNet:
            let counts = examples.map { data.groups[$0].count }
            return [
                Input.rows: rows(counts.max() ?? 1), Input.counts: TensorData(counts.map(Int32.init)),
                Input.offsets: TensorData(offsets),
                Input.labels: TensorData(
                    examples.flatMap { softmax(data.labels[$0]).map { Float($0) } }),
            ].compactMapValues { $0 }
        case .marginMSE(let documents):
            let margins = examples.flatMap { data.margins?[$0] ?? [] }
            return [
                Input.rows: rows(documents),
                Input.labels: try? TensorData(margins, shape: [examples.count, documents - 1]),
            ].compactMapValues { $0 }
        }
    }
}
