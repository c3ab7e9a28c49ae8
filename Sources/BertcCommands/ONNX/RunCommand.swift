import ArgumentParser
import Foundation
import GraphCompiler
import ONNX
import Support

/// `bertc run`: an ONNX model on arrays.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs an ONNX model on NumPy arrays.",
        discussion: """
            Each output becomes a file NAME.npy in the output directory. Inputs that shapes or axes are computed
            from become numbers of the graph. docs/onnx.md lists the operators.

            EXAMPLE:
              bertc run model.onnx --input input_ids=ids.npy --input attention_mask=mask.npy --output out
            """)

    @Argument(help: "A model file that ends in .onnx.")
    var model: String

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("An input and its array; may be given several times.", valueName: "name=file.npy"))
    var input: [String] = []

    @Option(parsing: .unconditional, help: "The directory that outputs are written to; it is made.")
    var output: String

    @OptionGroup(title: "Passes") var passes: PassOptions
    @OptionGroup(title: "Common options") var global: GlobalOptions

    func validate() throws { _ = try files() }

    private func files() throws -> [String: String] {
        var files: [String: String] = [:]
        for item in input {
            // Names may hold '='; paths that do are rarer than names.
            guard let place = item.lastIndex(of: "="), place != item.startIndex,
                item.index(after: place) != item.endIndex
            else {
                throw ValidationError("--input is '\(item)'; expected name=file.npy")
            }
            guard
                files.updateValue(String(item[item.index(after: place)...]), forKey: String(item[..<place]))
                    == nil
            else {
                throw ValidationError("--input names '\(item[..<place])' twice")
            }
        }
        return files
    }

    func run() throws {
        let files = try files()
        guard FileManager.default.fileExists(atPath: model) else {
            throw CommandError(.missingInput, "\(model): no such file; expected an ONNX model")
        }
        let run = try ONNXRun(model, try files.mapValues { try NumpyArray(contentsOf: $0) })
        for line in run.model.notes { global.note("\(model): \(line)") }
        if !run.constants.isEmpty {
            global.note("\(model): compiled for these values of \(run.constants.joined(separator: ", "))")
        }
        let known = run.model.inputs.map(\.name) + run.constants
        if let unknown = files.keys.sorted().first(where: { !known.contains($0) }) {
            throw CommandError(
                .usage, "\(model): has no input \(unknown)\(suggestion(for: unknown, in: known))")
        }
        var options = global.compilerOptions
        try passes.apply(to: &options)
        let compiled = try run.compiled(try global.makeCompiler(options))
        let results = try compiled(try run.inputs { files[$0] ?? $0 })
        try makeDirectory(output)
        for signature in run.model.outputs {
            guard let tensor = results[signature.name] else { continue }
            let path = "\(output)/\(Self.fileName(signature.name)).npy"
            try AtomicFile.write(NumpyArray(tensor, as: signature.element).file, to: URL(file: path))
            Console.print("\(path): \(signature.element.name)\(tensor.shape)")
        }
    }

    /// The name of an output as a file's: what a path can't hold becomes '_'.
    static func fileName(_ name: String) -> String {
        let text = String(name.map { $0 == "/" || $0 == "\0" ? "_" : $0 })
        return text.hasPrefix(".") ? "_" + text.dropFirst() : text
    }
}
