import ArgumentParser
import BERT
import Foundation
import Support
import Training

/// `bertc embed`: one vector a text.
struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Turns texts into vectors.",
        discussion: """
            Writes one JSON object with the text and its vector a line, or a NumPy array
            [texts, hidden] of float32 when the output's name ends in .npy.
            Files appear when they are complete.

            EXAMPLE:
              bertc embed data/minilm --text "A fine film." --normalize
              bertc embed data/minilm --file reviews.txt --output reviews.npy
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var input: TextInput

    @Option(help: "Where to write: a .npy or .jsonl file; standard output (JSONL) by default.")
    var output: String?

    @Option(help: "How token states become one vector; the model's own setting by default.")
    var pooling: BertPooling?

    @Flag(help: "Scale vectors to unit length.")
    var normalize = false

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        if let output, !output.hasSuffix(".npy"), !output.hasSuffix(".jsonl") {
            throw ValidationError("--output is '\(output)'; expected a name that ends in .npy or .jsonl")
        }
    }

    func run() throws {
        let pipeline = try model.open(global, passes)
        let texts = try input.read(global)
        // Opened before the work, so that a place that takes no file is not found out after it.
        let file = try output.map { try AtomicFile(replacing: URL(fileURLWithPath: $0)) }
        let isArray = output?.hasSuffix(".npy") ?? false
        if let file, isArray {
            try file.write(NumpyHeader(rows: texts.count, columns: pipeline.config.hiddenSize).bytes)
        }
        for start in stride(from: 0, to: texts.count, by: 1024) {
            let chunk = Array(texts[start..<min(start + 1024, texts.count)])
            let vectors = try pipeline.embed(chunk, pooling: pooling, normalize: normalize)
            for (text, vector) in zip(chunk, vectors) {
                if let file, isArray {
                    try vector.withUnsafeBytes { try file.write($0) }
                } else {
                    let members = text.members + [("embedding", .array(vector.map(JSONValue.float)))]
                    let line = "\(JSONValue.object(members))"
                    if let file { try file.write(Array("\(line)\n".utf8)) } else { Console.print(line) }
                }
            }
        }
        try file?.commit()
        model.reportTruncation(pipeline, global)
        if let output {
            global.note(
                "\(texts.count) vectors of \(pipeline.config.hiddenSize) elements written to \(output)")
        }
    }
}

extension BertPooling: ExpressibleByArgument {}

extension AtomicFile {
    /// Appends `bytes`.
    fileprivate func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }
}
