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
            A regression model prints its number. A token classifier prints each word with its
            label on a line, and a blank line after each text; words are what spaces separate, or
            the words of a CoNLL file or of JSON's lists.

            EXAMPLE:
              bertc predict runs/reviews --text "A fine film."
              bertc predict runs/mrpc --text "He left." --pair "He went away."
              bertc predict runs/reviews --top 1 < reviews.txt
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var input: TextInput

    @Option(help: "Labels to print for each text; all by default.")
    var top: Int?

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        if let top, top < 1 { throw ValidationError("--top is \(top); expected at least 1") }
    }

    func run() throws {
        let pipeline = try model.open(global, passes)
        if case .tokenClassification = pipeline.head { return try reportWords(pipeline) }
        let texts = try input.read(global)
        for start in stride(from: 0, to: texts.count, by: 1024) {
            let chunk = Array(texts[start..<min(start + 1024, texts.count)])
            if pipeline.head == .regression {
                for (text, score) in zip(chunk, try pipeline.score(chunk)) { report(text, score) }
            } else {
                let answers = try pipeline.classify(chunk)
                for (text, answer) in zip(chunk, answers) { report(text, answer, pipeline.labels) }
            }
        }
        model.reportNotes(pipeline, global)
    }

    private func report(_ text: TextPair, _ answer: Classification, _ labels: [String]) {
        let order = answer.probabilities.indices.sorted {
            (answer.probabilities[$1], $0) < (answer.probabilities[$0], $1)
        }
        let shown = order.prefix(top ?? order.count)
        if global.json {
            let probabilities = shown.map { (labels[$0], JSONValue.float(answer.probabilities[$0])) }
            let members = [
                ("label", JSONValue.string(answer.label)), ("probabilities", .object(probabilities)),
            ]
            Console.print("\(JSONValue.object(text.members + members))")
        } else {
            let columns = shown.flatMap {
                [labels[$0], Formatted.number(Double(answer.probabilities[$0]), digits: 4)]
            }
            Console.print(columns.joined(separator: "\t"))
        }
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
