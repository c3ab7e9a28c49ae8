import ArgumentParser
import Encoders
import Foundation
import Support
import Text
import Training

/// `bertc vocab`: trains a vocabulary.
struct VocabularyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vocab",
        abstract: "Trains a vocabulary on text files.",
        discussion: """
            Writes vocab.txt, one token per line, and beside it tokenizer_config.json; a model directory
            with them tokenises as the text was for training. --kind bpe writes tokenizer.json in place
            of vocab.txt.

            EXAMPLE:
              bertc vocab data/corpus/austen.txt data/corpus/anarchism.txt --size 8192 --output vocabulary
            """)

    @Argument(help: "Text files.")
    var texts: [String]

    @Option(help: "wordpiece, as BERT has it, or bpe of bytes, as RoBERTa has it.")
    var kind = VocabularyTrainer.Kind.wordPiece

    @Option(help: "Tokens in all at most, special ones included.")
    var size = 30_522

    @Option(parsing: .unconditional, help: "A directory, or a vocab.txt to write alone.")
    var output: String

    @Flag(help: "Keep upper case and accents.")
    var cased = false

    @Flag(help: "Print results only.")
    var quiet = false

    func validate() throws {
        guard (10...Int(Int32.max)).contains(size) else {
            throw ValidationError("--size is \(size); expected at least 10")
        }
        if kind != .wordPiece, output.hasSuffix(".txt") {
            throw ValidationError(
                "--output is '\(output)'; expected a directory, since vocab.txt cannot hold the merges of --kind \(kind.rawValue)"
            )
        }
        if cased, output.hasSuffix(".txt") {
            throw ValidationError(
                "--output is '\(output)'; expected a directory, since --cased is a setting that vocab.txt cannot hold"
            )
        }
    }

    func run() throws {
        let lock = output.hasSuffix(".txt") ? nil : try OutputLock(output)
        defer { withExtendedLifetime(lock) {} }
        let tokenizer = try PipelineTokenizer(
            trainedOn: texts, kind: kind, size: size, lowercase: !cased)
        if output.hasSuffix(".txt") {
            let text = tokenizer.vocabulary.tokens.joined(separator: "\n") + "\n"
            try AtomicFile.write(Data(text.utf8), to: URL(file: output))
        } else {
            Leftovers.remove(in: output) {
                ["vocab.txt", "tokenizer.json", "tokenizer_config.json"].contains($0)
            }
            try tokenizer.save(to: output)
        }
        if !quiet { Console.note("\(output): \(tokenizer.vocabularySize) tokens") }
    }
}

extension VocabularyTrainer.Kind: ExpressibleByArgument {}
