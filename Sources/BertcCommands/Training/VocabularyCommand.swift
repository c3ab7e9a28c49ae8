import ArgumentParser
import Encoders
import Foundation
import GraphCompiler
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
            with them tokenises as the text was for training. The other kinds write tokenizer.json in
            place of vocab.txt.

            EXAMPLE:
              bertc vocab data/corpus/austen.txt data/corpus/anarchism.txt --size 8192 --output vocabulary
            """)

    @Argument(help: "Text files.")
    var texts: [String]

    @Option(
        help:
            "wordpiece, as BERT has it; bpe of bytes, as RoBERTa has it; or unigram, as SentencePiece has it."
    )
    var kind = VocabularyTrainer.Kind.wordPiece

    @Option(help: "Tokens in all at most, special ones included.")
    var size = 30_522

    @Option(parsing: .unconditional, help: "A directory, or a vocab.txt to write alone.")
    var output: String

    @Flag(help: "Keep upper case and accents, as the kinds other than wordpiece always do.")
    var cased = false

    @Option(help: "Threads for --kind unigram; one per usable core by default.")
    var threads: Int?

    @Flag(help: "Print results only.")
    var quiet = false

    func validate() throws {
        guard (10...Int(Int32.max)).contains(size) else {
            throw ValidationError("--size is \(size); expected at least 10")
        }
        if kind != .wordPiece, output.hasSuffix(".txt") {
            throw ValidationError(
                "--output is '\(output)'; expected a directory, since vocab.txt cannot hold all of --kind \(kind.rawValue)"
            )
        }
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads is \(threads); expected 1 to 1024")
        }
        if threads != nil, kind != .unigram {
            throw ValidationError(
                "--threads is for --kind unigram; --kind \(kind.rawValue) is trained on one thread")
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
            trainedOn: texts, kind: kind, size: size, lowercase: !cased,
            runner: kind == .unigram ? Compiler.tasks(threads: threads) : CallingThread())
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
