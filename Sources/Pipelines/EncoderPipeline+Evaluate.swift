import Encoders
import Support
import Text

extension EncoderPipeline {
    /// Metrics on a data file with labels: TSV, JSONL, or a text file with its `_labels` file beside it; for a token
    /// classifier a CoNLL file, for question answering SQuAD's JSON.
    ///
    /// - Throws: errors that name file and line, such as an unknown label.
    public func evaluate(contentsOf path: String) throws -> EvaluationMetrics {
        if case .tokenClassification = head { return try evaluate(TaggedDataset(contentsOf: path)) }
        if head == .questionAnswering {
            return try evaluate(QuestionDataset(contentsOf: path), options: AnswerOptions())
        }
        if head == .multipleChoice { return try evaluate(ChoiceDataset(contentsOf: path)) }
        return try evaluate(TextDataset.load(path: path, options: evaluationOptions))
    }

    /// Columns are found with the help of the model's labels.
    package var evaluationOptions: TextDataset.Options {
        var options = TextDataset.Options(labels: head == .regression ? .numbers : .classes)
        if case .multiLabelClassification = head { options.labels = .sets }
        options.knownLabels = Set(labels.map { TextKey($0) })
        if options.labels == .classes {
            options.knownLabels.formUnion(labels.indices.map { TextKey("\($0)") })
        }
        return options
    }

    /// Metrics of a token classifier on the words that are not cut off.
    package func evaluate(_ dataset: TaggedDataset) throws -> EvaluationMetrics {
        let map = try labelMap(for: dataset.sentences.lazy.flatMap(\.labels))
        let targets = try dataset.sentences.map { try map.ids(for: $0, in: dataset) }
        let encodings = try encode(
            dataset.sentences.map(\.words), place: { "\(dataset.file):\(dataset.sentences[$0].line)" })
        let kept = zip(targets, encodings).map { Array($1.kept(of: $0)) }
        let guesses = try runner(for: .head).tokenRows(
            of: "logits", on: encodings.map(\.encoding), at: encodings.map(\.firstPieces)
        ) { Guess(logits: $2, target: Int(kept[$0][$1])) }
        return EvaluationMetrics(
            guesses: guesses, targets: kept, labels: labels)
    }

    /// Metrics on a data set with labels.
    /// - Parameter threshold: the probability from which on a label of several is given.
    package func evaluate(_ dataset: TextDataset, threshold: Double = 0.5) throws -> EvaluationMetrics {
        let inputs = dataset.examples.map { TextPair($0.text, pair: $0.pair) }
        func rows<Result>(_ body: (Int, ArraySlice<Float>) -> Result) throws -> [Result] {
            let encodings = try encode(inputs, place: { "\(dataset.textFile):\(dataset.lines[$0])" })
            return try runner(for: .head).rows(of: "logits", on: encodings, body)
        }
        switch head {
        case .regression:
            let targets = try dataset.regressionTargets()
            return EvaluationMetrics(predictions: try rows { $1.first ?? 0 }, targets: targets)
        case .classification(let count):
            // Labels first: a mistake in the file is cheaper to find than to compute.
            let map = try labelMap(for: dataset.examples.lazy.compactMap(\.label))
            let targets = try map.ids(for: dataset).map(Int.init)
            let guesses = try rows { Guess(logits: $1, target: targets[$0]) }
            return EvaluationMetrics(guesses: guesses, targets: targets, labelCount: count)
        case .multiLabelClassification(let count):
            let map = try labelMap(for: dataset.examples.lazy.flatMap { $0.labels ?? [] })
            let sets = try map.sets(for: dataset)
            var metrics = MultiLabelMetrics(labelCount: count, threshold: threshold)
            for (row, set) in zip(try rows { Array($1) }, sets) { metrics.add(logits: row, actual: set) }
            return EvaluationMetrics(metrics)
        case .tokenClassification: throw wrongTask("be evaluated on texts")
        case .encoder, .multipleChoice, .questionAnswering, .maskedLM,
            .pretraining,
            .nextSentencePrediction, .discriminator:
            throw wrongTask("be evaluated on labels")
        }
    }

    /// The model's classes as these labels of data call them.
    private func labelMap(for data: some Sequence<String>) throws -> LabelMap {
        let meeting = LabelMeeting(of: data, names: labels)
        if let note = meeting.note { addNote(note) }
        return try LabelMap(names: labels, spelt: meeting.spellings ?? labels)
    }
}
