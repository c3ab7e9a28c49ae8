import ArgumentParser
import Encoders
import Pipelines
import Support

/// `bertc predict`: labels with probabilities, or numbers from a regression model.
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Labels texts with a fine-tuned model.",
        discussion: """
            Prints one line for each text: labels and probabilities, the most probable first,
            separated by tabs.
            A regression model prints its number. With --query the texts are documents, which a
            cross-encoder sorts: the best first, each with its score before it. A token classifier prints each word with its
            label on a line, and a blank line after each text; words are what spaces separate, or
            the words of a CoNLL file or of JSON's lists.
            A model that gives several labels prints those whose probability is at least --threshold.
            A masked language model prints, for each mask of a text, the most probable tokens.
            With --candidate-labels a model of entailment (NLI) gives labels that it was not trained for.
            A model for multiple choice prints the choices of each text, the most probable first.
            A model for question answering prints, for each question, the part of the context that
            answers it, its score, and where it starts and ends in the context (code points), or with
            --n-best that many lines and a blank one.

            EXAMPLE:
              bertc predict runs/reviews --text "A fine film."
              bertc predict runs/mrpc --text "He left." --pair "He went away."
              bertc predict runs/reviews --top 1 < reviews.txt
              bertc predict runs/squad --question "Who wrote it?" --context "Ada wrote it in 1843."
              bertc predict runs/reranker --query "how to fold a map" --file passages.txt --top 10
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var input: TextInput
    @OptionGroup var threshold: ThresholdOption
    @OptionGroup(title: "Candidate labels") var candidates: CandidateArguments
    @OptionGroup var choices: ChoiceInput
    @OptionGroup(title: "Questions") var questions: QuestionInput
    @OptionGroup(title: "Questions") var answers: AnswerArguments

    @Option(parsing: .unconditional, help: "A query, by which the texts are ranked.")
    var query: String?

    @Option(help: "Labels to print for each text, or texts for a query; all by default.")
    var top: Int?

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        if let top, top < 1 { throw ValidationError("--top is \(top); expected at least 1") }
        if query != nil, candidates.candidates != nil {
            throw ValidationError("--query and --candidate-labels are two tasks; give one of them")
        }
    }

    func run() throws {
        let pipeline = try model.open(global, passes)
        try choices.check(pipeline)
        try questions.check(pipeline)
        try answers.check(pipeline)
        try threshold.check(pipeline, separator: input.columns.labelSeparator)
        if case .tokenClassification = pipeline.head { return try reportWords(pipeline) }
        if pipeline.head == .questionAnswering { return try reportAnswers(pipeline) }
        if pipeline.head == .multipleChoice { return try reportChoices(pipeline) }
        let texts = try input.read(global)
        if let query { return try reportRanking(of: texts, for: query, pipeline) }
        let isMasked = pipeline.head == .maskedLM || pipeline.head == .pretraining
        guard candidates.candidates == nil && !isMasked || texts.allSatisfy({ $0.pair == nil }) else {
            throw CommandError(
                .usage,
                "second texts are not for masked language models and candidate labels; give single texts")
        }
        for start in stride(from: 0, to: texts.count, by: 1024) {
            let chunk = Array(texts[start..<min(start + 1024, texts.count)])
            if let candidates = candidates.candidates {
                let scores = try pipeline.classify(chunk.map(\.text), candidates: candidates)
                for (text, scores) in zip(chunk, scores) { report(text, scores, of: candidates) }
            } else if isMasked {
                let answers = try pipeline.fillMask(chunk.map(\.text), top: top ?? 5)
                for (text, masks) in zip(chunk, answers) { report(text, masks) }
            } else if pipeline.head == .regression {
                for (text, score) in zip(chunk, try pipeline.score(chunk)) { report(text, score) }
            } else if case .multiLabelClassification = pipeline.head {
                let rows = try pipeline.labelProbabilities(chunk)
                for (text, row) in zip(chunk, rows) { report(text, row, pipeline.labels) }
            } else {
                let answers = try pipeline.classify(chunk)
                for (text, answer) in zip(chunk, answers) { report(text, answer, pipeline.labels) }
            }
        }
        model.reportNotes(pipeline, global)
    }

    private func reportRanking(
        of texts: [TextPair], for query: String, _ pipeline: EncoderPipeline
    ) throws {
        guard texts.allSatisfy({ $0.pair == nil }) else {
            throw CommandError(.usage, "--query is the first text of each pair; give single texts with it")
        }
        let ranked = try pipeline.rank(texts.map(\.text), for: query)
        for document in ranked.prefix(top ?? ranked.count) {
            let text = texts[document.index].text
            let members: [(String, JSONValue)] = [
                ("index", .integer(document.index)), ("score", .float(document.score)),
                ("text", .string(text)),
            ]
            Console.print(
                global.json
                    ? "\(JSONValue.object(members))"
                    : "\(Formatted.number(Double(document.score), digits: 4))\t\(text)")
        }
        model.reportNotes(pipeline, global)
    }

    private func report(_ text: TextPair, _ answer: Classification, _ labels: [String]) {
        let order = order(answer.probabilities)
        let shown = order.prefix(top ?? order.count)
        let label = [("label", JSONValue.string(answer.label))]
        report(text, label, shown, answer.probabilities, labels)
    }

    /// Any number of labels; in JSON the probabilities of all labels.
    private func report(_ text: TextPair, _ probabilities: [Float], _ labels: [String]) {
        let order = order(probabilities)
        let given = order.prefix(top ?? order.count).filter { Double(probabilities[$0]) >= threshold.value }
        let names = [("labels", JSONValue.array(given.map { .string(labels[$0]) }))]
        report(text, names, global.json ? order[...] : given[...], probabilities, labels)
    }

    /// The scores of candidate labels.
    private func report(_ text: TextPair, _ scores: [Float], of candidates: CandidateLabels) {
        let order = order(scores)
        let shown = order.prefix(top ?? order.count)
        guard global.json else { return report(text, [], shown, scores, candidates.labels) }
        let members: [(String, JSONValue)] = [
            ("labels", .array(shown.map { .string(candidates.labels[$0]) })),
            ("scores", .array(shown.map { .float(scores[$0]) })),
        ]
        Console.print("\(JSONValue.object(text.members + members))")
    }

    /// Tokens for each mask: a line for each, in JSON a list, of lists where there are several.
    private func report(_ text: TextPair, _ masks: [[MaskPrediction]]) {
        guard global.json else {
            for mask in masks {
                let columns = mask.flatMap { [$0.token, Formatted.number(Double($0.score), digits: 4)] }
                Console.print(columns.joined(separator: "\t"))
            }
            return
        }
        let lists = masks.map { mask in
            JSONValue.array(
                mask.map {
                    .object([
                        ("score", .float($0.score)), ("token", .integer(Int($0.id))),
                        ("token_str", .string($0.token)), ("sequence", .string($0.text)),
                    ])
                })
        }
        let predictions = lists.count == 1 ? lists[0] : .array(lists)
        Console.print("\(JSONValue.object(text.members + [("predictions", predictions)]))")
    }

    /// The labels from the most probable to the least.
    private func order(_ probabilities: [Float]) -> [Int] {
        probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
    }

    private func report(
        _ text: TextPair, _ members: [(String, JSONValue)], _ shown: ArraySlice<Int>,
        _ probabilities: [Float], _ labels: [String]
    ) {
        if global.json {
            let shares = shown.map { (labels[$0], JSONValue.float(probabilities[$0])) }
            let members = text.members + members + [("probabilities", .object(shares))]
            Console.print("\(JSONValue.object(members))")
        } else {
            let columns = shown.flatMap {
                [labels[$0], Formatted.number(Double(probabilities[$0]), digits: 4)]
            }
            Console.print(columns.joined(separator: "\t"))
        }
    }

    private func reportAnswers(_ pipeline: EncoderPipeline) throws {
        guard top == nil else {
            throw CommandError(
                .usage, "\(model.model): answers questions; use --n-best in the place of --top")
        }
        let dataset = try questions.read(input)
        dataset.notes.forEach(global.note)
        var options = answers.options
        options.nBest = max(options.nBest, questions.nBest ?? 1)
        options.allowsNone = questions.allowsNone
        for (example, answers) in zip(dataset.examples, try pipeline.answer(dataset, options: options)) {
            if global.json {
                Console.print("\(example.json(answers, nBest: questions.nBest))")
            } else {
                for answer in answers.prefix(questions.nBest ?? 1) { Console.print(answer.line) }
                if questions.nBest != nil { Console.print("") }
            }
        }
        model.reportNotes(pipeline, global)
    }

    private func reportChoices(_ pipeline: EncoderPipeline) throws {
        guard query == nil, candidates.candidates == nil else {
            throw CommandError(
                .usage,
                "\(model.model): is for multiple choice; --query and --candidate-labels are for other models")
        }
        let dataset = try choices.read(input)
        dataset.notes.forEach(global.note)
        for (example, answer) in zip(dataset.examples, try pipeline.choose(dataset)) {
            let order = order(answer.probabilities)
            let shown = order.prefix(top ?? order.count)
            if global.json {
                Console.print("\(example.json(answer, shown: shown))")
            } else {
                report(TextPair(example.text), [], shown, answer.probabilities, example.choices)
            }
        }
        model.reportNotes(pipeline, global)
    }

    private func reportWords(_ pipeline: EncoderPipeline) throws {
        let texts = try input.readWords(global)
        guard top == nil, texts.allSatisfy({ $0.text.pair == nil }) else {
            throw CommandError(
                .usage,
                "\(model.model): is a token classifier, which labels the words of single texts; --top and second texts "
                    + "are for classifiers of texts")
        }
        for start in stride(from: 0, to: texts.count, by: 1024) {
            let chunk = texts[start..<min(start + 1024, texts.count)]
            let answers = try pipeline.classify(words: chunk.map(\.words))
            for (text, answers) in zip(chunk, answers) { report(text.text, text.words, answers) }
        }
        let count = pipeline.truncatedCount
        if count > 0 {
            let texts = Formatted.count(count, "text was", "texts were")
            global.note("\(texts) longer than \(pipeline.maxLength) tokens and labelled in pieces")
        }
    }

    private func report(_ text: TextPair, _ words: [String], _ answers: [Classification]) {
        if global.json {
            let labelled = zip(words, answers).map { word, answer in
                JSONValue.object([
                    ("word", .string(word)), ("label", .string(answer.label)),
                    ("probability", .float(answer.probability)),
                ])
            }
            Console.print("\(JSONValue.object(text.members + [("words", .array(labelled))]))")
        } else {
            for (word, answer) in zip(words, answers) { Console.print("\(word)\t\(answer.label)") }
            Console.print("")
        }
    }

    private func report(_ text: TextPair, _ score: Float) {
        Console.print(
            global.json ? "\(JSONValue.object(text.members + [("score", .float(score))]))" : "\(score)")
    }
}

extension TextPair {
    /// The text, and the pair if there is one, as members of a JSON object.
    var members: [(String, JSONValue)] {
        [("text", .string(text))] + (pair.map { [("pair", .string($0))] } ?? [])
    }
}
