import ArgumentParser
import Foundation
import Pipelines
import Support
import Text

/// Where the texts to process come from: the command line, a file, or standard input.
struct TextInput: ParsableArguments {
    @Option(parsing: .unconditionalSingleValue, help: "A text; may be given several times.")
    var text: [String] = []

    @Option(parsing: .unconditionalSingleValue, help: "The second text of a pair; as many as --text.")
    var pair: [String] = []

    @Option(
        parsing: .unconditional,
        help:
            "A file of texts: .txt (one per line), .tsv, .csv or .jsonl, also with .gz; - is standard input, which is read when neither is given."
    )
    var file: String?

    @OptionGroup(title: "Columns") var columns: ColumnOptions

    /// A command line in which a text `--` does not end the options.
    static func completed(_ arguments: [String]) -> [String] {
        var completed: [String] = []
        for argument in arguments {
            if argument == "--", let option = completed.last,
                ["--text", "--pair", "--prompt", "--question", "--context", "--choice", "--candidate-labels"]
                    .contains(option)
            {
                completed[completed.count - 1] = "\(option)=--"
            } else {
                completed.append(argument)
            }
        }
        return completed
    }

    func validate() throws {
        guard text.isEmpty || file == nil else { throw ValidationError("give --text or --file, not both") }
        guard text.isEmpty || columns.areUsual else {
            throw ValidationError("--format, --header and the columns are for files; --text is a text itself")
        }
        guard pair.isEmpty || pair.count == text.count else {
            throw ValidationError(
                "there are \(pair.count) --pair for \(text.count) --text; expected one for each")
        }
    }

    /// The texts, in order.
    func read(_ global: GlobalOptions) throws -> [TextPair] {
        if !text.isEmpty {
            return text.indices.map { TextPair(text[$0], pair: pair.isEmpty ? nil : pair[$0]) }
        }
        return pairs(try TextDataset.load(path: path(global), format: format, options: options), global)
    }

    /// Texts with their words: those that a file gives as such, else what spaces separate.
    func readWords(_ global: GlobalOptions) throws -> [(text: TextPair, words: [String])] {
        if text.isEmpty {
            let source = try TextsOrWords(
                contentsOf: path(global), format: columns.format, unnamed: format, options: options)
            switch source {
            case .words(let dataset):
                dataset.notes.forEach(global.note)
                return dataset.sentences.map { (TextPair($0.words.joined(separator: " ")), $0.words) }
            case .texts(let dataset): return split(pairs(dataset, global))
            }
        }
        return split(try read(global))
    }

    private func split(_ texts: [TextPair]) -> [(text: TextPair, words: [String])] {
        texts.map { ($0, $0.text.split(whereSeparator: \.isWhitespace).map(String.init)) }
    }

    private func pairs(_ dataset: TextDataset, _ global: GlobalOptions) -> [TextPair] {
        dataset.notes.forEach(global.note)
        return dataset.examples.map { TextPair($0.text, pair: $0.pair) }
    }

    private var options: TextDataset.Options { columns.options(TextDataset.Options(labels: .unused)) }

    /// What is piped in without a word about it has one text per line.
    private var format: TextDataset.Format { file == nil && columns.areUsual ? .lines : columns.format }

    private func path(_ global: GlobalOptions) -> String {
        let path = file ?? DataPath.standardInput
        if path == DataPath.standardInput, Console.inputIsTerminal {
            global.note("reading texts from standard input, one per line; end with Ctrl-D")
        }
        return path
    }
}
