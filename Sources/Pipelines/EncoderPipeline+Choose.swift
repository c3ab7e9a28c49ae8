import Encoders
import Support
import Text

/// A text with several others of which one belongs to it, such as the endings of a story or the answers to a question.
public struct MultipleChoice: Hashable, Sendable {
    /// What all choices are judged with.
    public var text: String
    /// What each choice starts with; `nil` for nothing.
    public var start: String?
    /// The choices.
    public var choices: [String]

    /// A text with its choices.
    public init(_ text: String, start: String? = nil, choices: [String]) {
        (self.text, self.start, self.choices) = (text, start, choices)
    }
}

extension EncoderPipeline {
    /// Which of its choices the model takes for each text; `label` is the choice itself, and there is a probability for each.
    ///
    /// - Throws: `ModelError` when the model is not one for multiple choice, a text has fewer than two choices, or an input is
    ///   too long.
    public func choose(_ questions: [MultipleChoice]) throws -> [Classification] {
        try choose(
            ChoiceDataset(questions.map { ChoiceExample($0.text, start: $0.start, choices: $0.choices) }))
    }

    /// The same for the examples of a data set.
    package func choose(_ dataset: ChoiceDataset) throws -> [Classification] {
        zip(dataset.examples, try choiceLogits(dataset)).map {
            Classification(logits: $1, labels: $0.choices)
        }
    }

    /// Metrics on examples with labels.
    package func evaluate(_ dataset: ChoiceDataset) throws -> EvaluationMetrics {
        let guesses = zip(try choiceLogits(dataset), dataset.labels).map {
            Guess(logits: $0[...], target: $1)
        }
        return EvaluationMetrics(choices: guesses, targets: dataset.labels)
    }

    /// A logit for each choice of each example.
    private func choiceLogits(_ dataset: ChoiceDataset) throws -> [[Float]] {
        guard head == .multipleChoice else { throw wrongTask("choose between texts") }
        func place(_ example: Int) -> String { "\(dataset.file):\(dataset.lines[example])" }
        if let few = dataset.examples.firstIndex(where: { $0.choices.count < 2 }) {
            throw ModelError(.invalidInput, "has fewer than two choices; give at least two", at: place(few))
        }
        let places = dataset.examples.indices.flatMap { example in
            dataset.examples[example].choices.indices.map { (example, $0) }
        }
        let inputs = places.map { example, choice in
            TextPair(dataset.examples[example].text, pair: dataset.examples[example].second(choice))
        }
        let encodings = try encode(inputs) { place(places[$0].0) }
        let logits = try runner(for: .head).rows(of: "logits", on: encodings) { $1.first ?? 0 }
        let groups = ExampleGroups(sizes: dataset.examples.map(\.choices.count))
        return (0..<groups.count).map { Array(logits[groups[$0]]) }
    }
}
