import ArgumentParser
import Foundation
import Support
import Text
import Training

/// Where the texts to process come from: the command line, a file, or standard input.
struct TextInput: ParsableArguments {
    @Option(parsing: .unconditionalSingleValue, help: "A text; may be given several times.")
    var text: [String] = []

    @Option(parsing: .unconditionalSingleValue, help: "The second text of a pair; as many as --text.")
    var pair: [String] = []

    @Option(
        parsing: .unconditional,
        help: "A file of texts: .txt (one a line), .tsv or .jsonl. Standard input when neither is given.")
    var file: String?

    @Option(help: "The layout of the file; by its name by default.")
    var format: TextDataset.Format = .auto

    /// A command line in which a text `--` does not end the options.
    static func completed(_ arguments: [String]) -> [String] {
        var completed: [String] = []
        for argument in arguments {
            if argument == "--", let option = completed.last,
                ["--text", "--pair", "--prompt"].contains(option)
            {
                completed[completed.count - 1] = "\(option)=--"
            } else {
                completed.append(argument)
            }
        }
        return completed
    }

    func validate() throws {
        guard file != nil || format == .auto else {
            throw ValidationError("--format is for --file only; standard input has one text a line")
        }
        guard text.isEmpty || file == nil else { throw ValidationError("give --text or --file, not both") }
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
        guard let file else { return try readStandardInput(global) }
        return try TextDataset.load(path: file, format: format).examples.map {
            TextPair($0.text, pair: $0.pair)
        }
    }

    /// One text a line.
    private func readStandardInput(_ global: GlobalOptions) throws -> [TextPair] {
        if Console.inputIsTerminal {
            global.note("reading texts from standard input, one a line; end with Ctrl-D")
        }
        let name = "standard input"
        let data = try Support.readStandardInput()
        var lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // What follows the last line feed is a line only if it is not empty.
        if lines.last?.isEmpty ?? false { lines.removeLast() }
        guard !lines.isEmpty else {
            throw CommandError(.badData, "\(name): holds no texts; expected at least one line")
        }
        return try lines.enumerated().map { index, line in
            guard let text = String(validating: line, as: UTF8.self) else {
                throw CommandError(.badData, "\(name):\(index + 1): invalid UTF-8; convert the text to UTF-8")
            }
            return TextPair(text.hasSuffix("\r") ? String(text.dropLast()) : text)
        }
    }
}

extension TextDataset.Format: ExpressibleByArgument {}
