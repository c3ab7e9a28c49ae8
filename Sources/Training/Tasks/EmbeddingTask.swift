import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Vectors of texts: an encoder with sentence-transformers' modules, trained by one of its losses.
struct EmbeddingTask: LabelledTask {
    let config: EncoderConfig
    let metric: Metric
    let fingerprint: String
    let warnings: [String]
    let data: DataParts<GroupedData>
    let sequences: SequenceBatches
    let maxLength: Int
    let sentences: SentenceTraining?
    private let loss: SentenceLoss
    private let batchSize: Int
    private let retrieval: RetrievalData?
    private let threads: Int?

    /// Loads and tokenises the data, and asks the teacher, if there is one.
    ///
    /// - Throws: `TextError` with file and line, `ModelError` or `ConfigError` for settings that do not fit model and data.
    init(_ training: TrainingConfig, _ source: ModelSource) throws {
        let reader = GroupReader(training, source, maxLength: try training.maxLength(of: source))
        maxLength = reader.maxLength
        let layout = try SentenceLayout(
            of: source.sentence, pooling: training.loss.pooling ?? source.config.pooling,
            config: source.config,
            maxLength: maxLength)
        let files = try reader.files()
        let name = try LossChoice(training, files.train).name
        let teacher = try training.distillation.teacher.map {
            try VectorTeacher(training.resolve($0), training, width: name == .mse ? layout.width : nil)
        }
        data = DataParts(
            train: try reader.data(files.train, teacher, for: name),
            validation: try files.validation.map { try reader.data($0, teacher, for: name) },
            test: try files.test.map { try reader.data($0, teacher, for: name) })
        if name == .mse, teacher == nil {
            for part in [data.train, data.validation, data.test] {
                try part?.checkVectors(width: layout.width)
            }
        }
        loss = try SentenceLoss(name, training, data.train, width: layout.width)
        sentences = SentenceTraining(layout: layout, loss: loss)
        batchSize = training.batches.size
        var config = source.config
        (config.labels, config.problemType) = ([], nil)
        self.config = config
        threads = training.machine.threads
        retrieval = try RetrievalData(training, source, columns: files.train.columns, maxLength: maxLength)
        metric = retrieval != nil ? .ndcgAt10 : Self.metric(of: data.validation)
        fingerprint = data.train.fingerprint
        warnings =
            files.notes + (retrieval?.notes ?? [])
            + Self.notes(on: layout, source, training)
        sequences = try SequenceBatches(
            training, data.train.encodings, groups: data.train.groups,
            keys: name == .multipleNegativesRanking ? data.train.keys : nil, maxLength: maxLength, source)
        if name == .multipleNegativesRanking, data.train.textCount == 2,
            sequences.indices(epoch: 0).allSatisfy({ $0.count == 1 })
        {
            throw ModelError(
                .invalidSetting,
                "all batches have a single pair, so that nothing is there to tell its positive from: raise batchSize, or "
                    + "see that examples do not share texts, which keeps them out of one batch",
                at: training.file)
        }
    }

    var head: EncoderHead { .encoder }
    var architecture: EncoderArchitecture { .encoder }
    var labels: [String] { [] }
    var keepsHead: Bool { true }
    var exampleCount: Int { data.train.count }

    func exampleCount(of part: EvaluatedPart) -> Int? {
        data[part]?.count ?? (part == .validation ? retrieval?.queries.count : nil)
    }

    func path(of part: EvaluatedPart) -> String {
        data[part]?.path ?? (part == .validation ? retrieval?.path : nil) ?? ""
    }

    var validationFingerprint: String? {
        let all = [data.validation?.fingerprint, retrieval?.fingerprint].compactMap(\.self)
        return all.isEmpty ? nil : all.joined(separator: "-")
    }

    /// Spearman's correlation of pairs with scores, the share of triplets that are told right, and what anchors find of the
    /// other texts.
    private static func metric(of data: GroupedData?) -> Metric {
        guard let data else { return .loss }
        if data.textCount == 2 { return data.isScored ? .spearman : .ndcgAt10 }
        return data.textCount > 2 ? .cosineAccuracy : .loss
    }

    private static func notes(
        on layout: SentenceLayout, _ source: ModelSource, _ training: TrainingConfig
    ) -> [String] {
        var notes: [String] = []
        if let name = source.sentence?.defaultPromptName, training.loss.prompts.isEmpty {
            notes.append(
                "\(source.path): its default prompt '\(name)' is not put before the texts of a training; 'prompts' says what is"
            )
        }
        let dims = training.loss.matryoshkaDims
        if !dims.isEmpty, !dims.contains(layout.width) {
            notes.append(
                "matryoshkaDims does not have \(layout.width), so whole vectors are not trained as such")
        }
        return notes
    }

    // MARK: Training

    func inputs(_ batches: [Batch]) -> [StepInputs] {
        let examples = batches.reduce(0) { $0 + $1.examples }
        return batches.map { batch in
            let inputs = EncoderInputs(batch)
            return StepInputs(
                inputs.tensors.merging(lossInputs(batch, of: data.train)) { $1 }, symbols: inputs.symbols,
                lossWeights: [Float(batch.examples) / Float(examples)])
        }
    }

    func step(_ batches: [[[Int]]], epoch: Int) throws -> TaskStep {
        let pieces = batches.map { $0.map(sequences.layOut) }
        var step = TaskStep(inputs(pieces.flatMap(\.self)), of: pieces.flatMap(\.self))
        guard comparesExamples else { return step }
        step.wholeBatches = batches.map { pieces in
            (lossInputs(sequences.layOut(pieces.flatMap(\.self)), of: data.train), pieces.count)
        }
        return step
    }

    func largestTrainingShapes(batchSize: Int) -> [[String: Int]] {
        sequences.largestShapes(batchSize: batchSize).map { shape in
            loss.kind == .mse ? shape.symbols : shape.symbols.merging(["examples": shape.examples]) { $1 }
        }
    }

    /// What the loss reads beside the vectors of a batch.
    private func lossInputs(_ batch: Batch, of data: GroupedData) -> [String: TensorData] {
        loss.inputs(
            rows: batch.exampleOffsets.dropLast(),
            numbers: batch.exampleIndices.map { data.numbers?[$0] ?? [] },
            teacherVectors: data.teacherVectors.map { vectors in batch.sequenceIndices.map { vectors[$0] } })
    }

    // MARK: Evaluation

    func probe(_ model: TrainableModel) throws {
        let runner = model.runner(maxLength: maxLength, batchTokens: 1)
        _ = try runner.rows(of: "pooled", on: Array(data.train.encodings.prefix(1)))
    }

    func metrics(on examples: GroupedData, _ runner: SequenceRunner) throws -> EvaluationMetrics {
        examples.metrics(vectors: try runner.rows(of: "pooled", on: examples.encodings), loss: .nan)
    }

    func evaluate(_ part: EvaluatedPart, with model: TrainableModel) throws -> EvaluationMetrics? {
        let runner = model.runner(maxLength: maxLength, batchTokens: TaskStep.evaluationTokens)
        let found = part == .validation ? try retrieval?.metrics(runner, threads: threads) : nil
        guard let examples = data[part] else {
            return found.map {
                EvaluationMetrics(
                    SimilarityMetrics(retrieval: $0), count: retrieval?.queries.count ?? 0, loss: .nan)
            }
        }
        let vectors = try runner.rows(of: "pooled", on: examples.encodings)
        return examples.metrics(vectors: vectors, loss: try mean(of: vectors, examples, model), found)
    }

    func evaluationShapes() -> [[String: Int]] {
        let all = [
            data.validation?.encodings, data.test?.encodings, retrieval?.queries, retrieval?.documents,
        ]
        return all.compactMap(\.self).flatMap { encodings in
            SequenceRunner.shapes(of: encodings, batchTokens: TaskStep.evaluationTokens).map(\.symbols)
        }
    }

    /// The mean loss of batches in the order of the file; NaN where the data do not have what the loss needs.
    private func mean(
        of vectors: [[Float]], _ examples: GroupedData, _ model: TrainableModel
    ) throws -> Double {
        guard examples.suits(loss, trainedOn: data.train) else { return .nan }
        let extents = (0..<examples.count).map { example in
            ExampleExtent(lengths: examples.encodings(of: example).lazy.map(\.count))
        }
        let plan = try BatchPlan(
            extents, options: BatchingOptions(batchSize: batchSize, maxLength: maxLength, shuffle: false),
            keys: data.train.keys.isEmpty || !sequences.keepsOutDuplicates ? nil : examples.keys)
        var sum = 0.0
        for batch in plan.batches(epoch: 0) {
            let rows = batch.flatMap { (($0 * examples.textCount)..<(($0 + 1) * examples.textCount)) }
            let inputs = loss.inputs(
                rows: batch.indices.map { Int32($0 * examples.textCount) }[...],
                numbers: batch.map { examples.numbers?[$0] ?? [] },
                teacherVectors: examples.teacherVectors.map { all in rows.map { all[$0] } })
            let width = vectors.first?.count ?? 0
            let all = try TensorData(rows.flatMap { vectors[$0] }, shape: [rows.count, width])
            let loss = try model.loss(of: inputs.merging([SentenceTraining.output: all]) { $1 })
            sum += loss * Double(batch.count) / Double(examples.count)
        }
        return sum
    }
}

extension GroupedData {
    /// Refuses vectors of other widths than the model's.
    fileprivate func checkVectors(width: Int) throws {
        guard let count = numbers?.first?.count, count != width else { return }
        throw ModelError(
            .invalidInput,
            "has \(count) numbers an example, but the model's vectors have \(width) elements; give as many",
            at: path)
    }

    /// Whether each pair has a score.
    var isScored: Bool { textCount == 2 && numbers?.first?.count == 1 }

    /// Whether the loss of other data can be computed on these.
    fileprivate func suits(_ loss: SentenceLoss, trainedOn data: GroupedData) -> Bool {
        let needsNumbers = loss.readsNumbers
        return textCount == data.textCount
            && (needsNumbers
                ? numbers?.first?.count == data.numbers?.first?.count : !isScored || loss.kind == .mse)
            && (teacherVectors == nil) == (data.teacherVectors == nil)
    }

    /// - Parameters:
    ///   - vectors: those of all texts.
    ///   - found: what other queries find, which is more telling than what anchors find among these texts.
    fileprivate func metrics(
        vectors: [[Float]], loss: Double, _ found: RetrievalMetrics? = nil
    ) -> EvaluationMetrics {
        func vector(_ example: Int, _ text: Int) -> [Float] { vectors[example * textCount + text] }
        if isScored {
            return EvaluationMetrics(
                SimilarityMetrics(retrieval: found), count: count, loss: loss,
                cosines: (0..<count).map { VectorSimilarity.cosine(vector($0, 0), vector($0, 1)) },
                scores: (numbers ?? []).map { $0[0] })
        }
        let groups = textCount > 2 ? (0..<count).map { e in (0..<textCount).map { vector(e, $0) } } : []
        return EvaluationMetrics(
            SimilarityMetrics(
                cosineAccuracy: VectorSimilarity.cosineAccuracy(groups),
                retrieval: found ?? (textCount > 1 ? retrieval(vectors) : nil)), count: count, loss: loss)
    }

    /// What each anchor finds among all other texts: its positives are relevant.
    private func retrieval(_ vectors: [[Float]]) -> RetrievalMetrics {
        var (queries, documents) = ([Int: Int](), [Int: Int]())
        var (queryVectors, documentVectors) = ([[Float]](), [[Float]]())
        var relevant: [Set<Int>] = []
        for (example, keys) in keys.enumerated() {
            for (text, key) in keys.enumerated().dropFirst() where documents[key] == nil {
                documents[key] = documentVectors.count
                documentVectors.append(vectors[example * textCount + text])
            }
            if queries[keys[0]] == nil {
                queries[keys[0]] = queryVectors.count
                queryVectors.append(vectors[example * textCount])
                relevant.append([])
            }
            if let query = queries[keys[0]], let document = documents[keys[1]] {
                relevant[query].insert(document)
            }
        }
        return RetrievalMetrics(
            queries: queryVectors, documents: documentVectors, relevant: relevant,
            order: Array(documentVectors.indices))
    }
}
