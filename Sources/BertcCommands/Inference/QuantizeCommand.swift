import ArgumentParser
import Foundation
import GraphCompiler
import Pipelines
import Support
import Text

/// `bertc quantize`: writes a model with weights of 8 bits.
struct QuantizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize",
        abstract: "Writes a model with weights of 8 bits.",
        discussion: """
            The weights of products become i8 with a scale for each output, and are smoothed: columns of
            activations with large numbers hand a part of them on to the weights. What activations are is
            found out on texts of --data, 4,096 tokens at most, or on random tokens. quantization.json in the
            new directory tells the error of each product.
            Commands use the directory like any other; with --precision int8 they multiply the i8 numbers as
            they are, else weights are widened to f32. Hugging Face's classes do not know such weights.

            EXAMPLE:
              bertc quantize data/minilm --data reviews.txt --output data/minilm-int8
              bertc embed data/minilm-int8 --precision int8 --text "A fine film."
            """)

    @Argument(help: "A model directory (Hugging Face's layout or saved by bertc).")
    var model: String

    @Option(parsing: .unconditional, help: "The directory to write.")
    var output: String

    @Option(
        parsing: .unconditional,
        help: "A file of texts like those that the model is for: .txt (one per line), .tsv, .csv or .jsonl.")
    var data: String?

    @OptionGroup(title: "Columns") var columns: ColumnOptions

    @Option(
        parsing: .unconditionalSingleValue,
        help: "Weights that stay f32: names in which * and ? stand for others; may be given several times.")
    var keep: [String] = []

    @Option(
        help:
            "How much of the differences between columns goes into the weights, from 0 to 1 (SmoothQuant's alpha); 0.6 with --data, 0.5 without."
    )
    var smoothing: Double?

    @OptionGroup(title: "Common options") var global: GlobalOptions

    /// A product with a larger error is worth a note.
    private static let notedError = 0.05

    func validate() throws {
        guard !output.isEmpty else { throw ValidationError("--output is empty; expected a directory") }
        if let smoothing, !(0...1).contains(smoothing) {
            throw ValidationError("--smoothing is \(smoothing); expected 0 to 1")
        }
        if let precision = global.precision, precision != .fp32 {
            throw ValidationError(
                "--precision is \(precision.rawValue); what is quantised is compared with fp32")
        }
        guard data != nil || columns.areUsual else {
            throw ValidationError("--format, --header and the columns are for --data")
        }
    }

    func run() throws {
        var options = QuantizedModel.Options()
        (options.kept, options.smoothing) = (keep, smoothing)
        if let data {
            let dataset = try TextDataset.load(
                path: data, format: columns.format,
                options: columns.options(TextDataset.Options(labels: .unused)))
            dataset.notes.forEach(global.note)
            options.texts = dataset.examples.map(\.text)
        }
        let quantized = try QuantizedModel(
            model, options: options, compiler: global.makeCompiler(global.compilerOptions))
        try quantized.save(to: output)
        report(quantized.weights)
    }

    private func report(_ weights: [QuantizedModel.Weight]) {
        for weight in weights {
            if global.json {
                Console.print("\(weight.json)")
            } else if weight.isKept {
                Console.print("\(weight.name): kept")
            } else {
                Console.print("\(weight.name): error \(Formatted.number(weight.error, digits: 4))")
            }
        }
        let large = weights.filter { $0.error > Self.notedError }
        if !large.isEmpty {
            global.note(
                "\(Formatted.count(large.count, "product")) with an error above \(Self.notedError): "
                    + "\(Formatted.list(large.map(\.name))); --keep leaves weights as they are")
        }
        let kept = weights.count(where: \.isKept)
        global.note(
            "\(Formatted.count(weights.count - kept, "weight")) as i8\(kept > 0 ? ", \(kept) kept" : "") written to \(output)"
        )
    }
}
