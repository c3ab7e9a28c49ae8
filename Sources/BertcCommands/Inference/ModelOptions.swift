import ArgumentParser
import Pipelines
import Support

/// Which saved model to use, and what it does with long texts.
struct ModelOptions: ParsableArguments {
    @Argument(
        help:
            "A model directory (Hugging Face's layout or saved by bertc), its config.json, or an adapter's directory."
    )
    var model: String

    @Option(
        parsing: .unconditional,
        help: "The directory of a low-rank adapter for the model (PEFT's layout, or saved by bertc).")
    var adapter: String?

    @Option(
        name: .customLong("max-length"),
        help: "Tokens of the longest sequence; what the model takes and its files allow by default.")
    var maxLength: Int?

    @Flag(name: .customLong("no-truncate"), help: "Refuse longer sequences instead of cutting them.")
    var noTruncate = false

    /// Loads the model and says which of its tensors were not used.
    func open(_ global: GlobalOptions, _ passes: PassOptions, chunks: Bool = false) throws -> EncoderPipeline
    {
        var compilerOptions = global.compilerOptions
        try passes.apply(to: &compilerOptions)
        let pipeline = try EncoderPipeline(
            contentsOf: model, compiler: try global.makeCompiler(compilerOptions),
            options: EncoderPipeline.Options(
                maxLength: maxLength, truncates: !noTruncate, chunks: chunks, adapter: adapter))
        for warning in pipeline.config.warnings + pipeline.notes { global.note("\(model): \(warning)") }
        let unused = pipeline.report.unexpected
        if !unused.isEmpty {
            global.note(
                "\(model): \(Formatted.count(unused.count, "tensor is", "tensors are")) not used: \(unused.joined(separator: ", "))"
            )
        }
        return pipeline
    }

    /// Says what there is to say about the work that was done: whether kernels could be kept, how labels of data were
    /// read, how many sequences were cut.
    func reportNotes(_ pipeline: EncoderPipeline, _ global: GlobalOptions) {
        if let warning = pipeline.cacheWarning { global.note(warning) }
        for note in pipeline.dataNotes { global.note("\(model): \(note)") }
        let count = pipeline.truncatedCount
        guard count > 0 else { return }
        global.note(
            "\(Formatted.count(count, "sequence was", "sequences were")) cut to \(pipeline.maxLength) tokens")
    }
}
