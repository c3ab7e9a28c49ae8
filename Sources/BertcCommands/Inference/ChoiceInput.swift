import ArgumentParser
import Pipelines
import Support
import Text

/// The choices that `bertc predict` decides between.
struct ChoiceInput: ParsableArguments {
    @Option(
        parsing: .unconditionalSingleValue,
        help: "A choice for each --text, for a model for multiple choice; may be given several times.")
    var choice: [String] = []

    /// Those of the command line, else of a file with choices in its columns.
    func read(_ input: TextInput) throws -> ChoiceDataset {
        if input.text.isEmpty {
            guard let path = input.file, choice.isEmpty else {
                throw CommandError(
                    .usage,
                    "the model is for multiple choice; give --text with several --choice, or a --file with choices in its columns"
                )
            }
            var options = input.columns.choiceOptions
            options.needsLabels = false
            return try ChoiceDataset(contentsOf: path, options: options)
        }
        guard choice.count > 1 else {
            throw CommandError(
                .usage,
                "the model is for multiple choice, but there are \(choice.count) --choice; give at least two")
        }
        return ChoiceDataset(
            input.text.indices.map {
                ChoiceExample(
                    input.text[$0], start: input.pair.isEmpty ? nil : input.pair[$0], choices: choice)
            })
    }

    /// Refuses them for a model of another kind.
    func check(_ pipeline: EncoderPipeline) throws {
        guard pipeline.head != .multipleChoice, !choice.isEmpty else { return }
        throw CommandError(
            .usage,
            "\(pipeline.path): does not choose between texts; --choice is for models for multiple choice")
    }
}

extension ChoiceExample {
    /// The probability of each choice as a JSON object.
    ///
    /// - Parameter shown: the choices to list, the most probable first.
    func json(_ answer: Classification, shown: ArraySlice<Int>) -> JSONValue {
        let own: [(String, JSONValue)] =
            [("text", .string(text))] + (start.map { [("start", .string($0))] } ?? [])
        let list = shown.map {
            JSONValue.object([
                ("index", .integer($0)), ("choice", .string(choices[$0])),
                ("probability", .float(answer.probabilities[$0])),
            ])
        }
        return .object(
            own + [
                ("choice", .string(answer.label)), ("index", .integer(answer.index)),
                ("choices", .array(list)),
            ])
    }
}
