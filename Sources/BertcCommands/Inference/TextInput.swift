import ArgumentParser
import Text
import Training

/// Where the texts to process come from: the command line, a file, or standard input.
struct TextInput: ParsableArguments {
    @Option(help: "A text; may be given several times.")
    var text: [String] = []

    @Option(help: "The second text of a pair; as many as --text.")
    var pair: [String] = []

    @Option(help: "A file of texts: .txt (one a line), .tsv or .jsonl. Standard input when neither is given.")
    var file: String?

    @Option(help: "The layout of the file or of standard input: lines, tsv or jsonl.")
    var format: TextDataset.Format?

    func validate() throws {
        guard text.isEmpty || file == nil else { throw ValidationError("give --text or --file, not both") }
        guard pair.isEmpty || pair.count == text.count else {
            throw ValidationError("there are \(pair.count) --pair for \(text.count) --text; expected one for each")
        }
    }

    /// The texts, in order.
    func read(_ global: GlobalOptions) throws -> [TextPair] {
        if !text.isEmpty {
            return text.indices.map { TextPair(text[$0], pair: pair.isEmpty ? nil : pair[$0]) }
        }
        if file == nil, Console.inputIsTerminal {
            global.note("reading texts from standard input, one a line; end with Ctrl-D")
        }
        let dataset = try TextDataset.load(
            path: file ?? "/dev/stdin", format: format ?? (file == nil ? .lines : .auto))
        return dataset.examples.map { TextPair($0.text, pair: $0.pair) }
    }
}

extension TextDataset.Format: ExpressibleByArgument {}
