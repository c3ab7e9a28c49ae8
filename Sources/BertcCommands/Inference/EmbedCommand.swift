import ArgumentParser
import Encoders
import Foundation
import Pipelines
import Support

/// `bertc embed`: one vector a text.
struct EmbedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Turns texts into vectors.",
        discussion: """
            Writes one JSON object with the text and its vector a line, or a NumPy array
            [texts, elements] of float32 when the output's name ends in .npy.
            Files appear when they are complete.
            A sentence-transformers directory gives the vectors that its own encode gives: its modules
            (Pooling, Dense, LayerNorm, WeightedLayerPooling, Normalize) are run, and its default prompt is
            put before each text.

            EXAMPLE:
              bertc embed data/minilm --text "A fine film." --normalize
              bertc embed data/minilm --file reviews.txt --output reviews.npy
              bertc embed e5 --prompt-name query --text "how to fold a map"
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var input: TextInput

    @Option(
        parsing: .unconditional,
        help: "Where to write: a .npy or .jsonl file; standard output (JSONL) by default.")
    var output: String?

    @Option(help: "How token states become one vector; the model's own setting by default.")
    var pooling: EncoderPooling?

    @Option(
        name: .customLong("prompt-name"), parsing: .unconditional,
        help: "The prompt of the model that is put before each text; its default prompt, if any, otherwise.")
    var promptName: String?

    @Option(
        parsing: .unconditional,
        help: "A text to put before each text, instead of the model's prompts.")
    var prompt: String?

    @Flag(help: "Scale vectors to unit length.")
    var normalize = false

    @Flag(help: "Make vectors of longer texts of the vectors of their chunks instead of cutting them.")
    var chunk = false

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws {
        if let output, !output.hasSuffix(".npy"), !output.hasSuffix(".jsonl") {
            throw ValidationError("--output is '\(output)'; expected a name that ends in .npy or .jsonl")
        }
    }

    func run() throws {
        let pipeline = try model.open(global, passes, chunks: chunk)
        let width = try pipeline.vectorWidth(pooling: pooling)
        noteChoices(pipeline)
        let texts = try input.read(global)
        // Opened before the work, so that a place that takes no file is not found out after it.
        let file = try output.map { try AtomicFile(replacing: URL(file: $0)) }
        let isArray = output?.hasSuffix(".npy") ?? false
        if let file, isArray {
            try file.write(NumpyHeader(rows: texts.count, columns: width).bytes)
        }
        for start in stride(from: 0, to: texts.count, by: 1024) {
            let chunk = Array(texts[start..<min(start + 1024, texts.count)])
            let vectors = try pipeline.embed(
                chunk, pooling: pooling, normalize: normalize, prompt: chosenPrompt)
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
        model.reportNotes(pipeline, global)
        if let output {
            global.note("\(Formatted.count(texts.count, "vector")) of \(width) elements written to \(output)")
        }
    }

    private var chosenPrompt: EmbeddingPrompt {
        prompt.map(EmbeddingPrompt.text) ?? promptName.map(EmbeddingPrompt.named) ?? .usual
    }

    /// Says where options stand above what the model's directory says.
    private func noteChoices(_ pipeline: EncoderPipeline) {
        if prompt != nil, promptName != nil { global.note("--prompt is used, not --prompt-name") }
        guard let sentence = pipeline.sentence else { return }
        if let pooling, sentence.pooling(by: pooling) != sentence.modules {
            global.note("\(model.model): --pooling \(pooling.rawValue) replaces the Pooling of its modules")
        }
        if case .usual = chosenPrompt, let name = sentence.defaultPromptName {
            global.note("\(model.model): its default prompt '\(name)' is put before each text")
        }
    }
}

extension EncoderPooling: ExpressibleByArgument {}

extension AtomicFile {
    /// Appends `bytes`.
    fileprivate func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }
}
