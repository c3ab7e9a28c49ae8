import BertcCommands
import Foundation
import GraphCompiler
import ONNX

// Runs every case that make_cases.py wrote, in this process, and says what became of it:
//
//   onnx-conformance DIRECTORY [NAME…] > results.tsv
//
// a line for each: name, pass, fail (other numbers), refused (by an ONNXError) or error, and why. docs/onnx.md says how to run it.

let arguments = Array(CommandLine.arguments.dropFirst())
guard let root = arguments.first else {
    print("usage: onnx-conformance DIRECTORY [NAME…]")
    exit(64)
}
let chosen = Set(arguments.dropFirst())
let names = try FileManager.default.contentsOfDirectory(atPath: root).sorted().filter {
    chosen.isEmpty || chosen.contains($0)
}
let compiler = try Compiler(
    CompilerOptions(threads: 1, cache: .directory(URL(fileURLWithPath: root + "-cache"))))
func say(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
var counts: [String: Int] = [:]
for name in names {
    // A crash leaves the name without an end.
    say("\(name)\t")
    let (verdict, reason) = verdict(of: "\(root)/\(name)", compiler)
    counts[verdict, default: 0] += 1
    say("\(verdict)\t\(reason.replacingOccurrences(of: "\n", with: " "))\n")
}
FileHandle.standardError.write(
    Data(
        "\(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))\n".utf8)
)

@MainActor func verdict(of folder: String, _ compiler: Compiler) -> (String, String) {
    do {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/case.json"))
        guard let description = try JSONSerialization.jsonObject(with: data) as? [String: Any],
            let inputs = description["inputs"] as? [String: Any],
            let outputs = description["outputs"] as? [String: Any]
        else { return ("error", "case.json is damaged") }
        var arrays: [String: NumpyArray] = [:]
        for (name, file) in inputs {
            if let file = file as? String { arrays[name] = try NumpyArray(contentsOf: "\(folder)/\(file)") }
        }
        let run = try ONNXRun(folder + "/model.onnx", arrays)
        let results = try run.compiled(compiler)(try run.inputs { $0 })
        for output in run.model.outputs {
            guard let file = outputs[output.name] as? String else { continue }
            let expected = try NumpyArray(contentsOf: "\(folder)/\(file)")
            guard let tensor = results[output.name] else { return ("fail", "\(output.name) is missing") }
            let computed = NumpyArray(tensor, as: output.element)
            if let problem = difference(
                computed, expected, relative: description["rtol"] as? Double ?? 1e-3,
                absolute: description["atol"] as? Double ?? 1e-7)
            {
                return ("fail", "\(output.name) \(problem)")
            }
        }
        return ("pass", run.constants.joined(separator: " "))
    } catch let error as ONNXError {
        return ("refused", "\(error.place.isEmpty ? "" : "\(error.place): ")\(error.message)")
    } catch {
        return ("error", "\(error)")
    }
}

func difference(_ computed: NumpyArray, _ expected: NumpyArray, relative: Double, absolute: Double) -> String?
{
    guard computed.type == expected.type else { return "is \(computed.type), expected \(expected.type)" }
    guard computed.shape == expected.shape else {
        return "has the shape \(computed.shape), expected \(expected.shape)"
    }
    if let own = computed.integers, let other = expected.integers {
        guard let index = own.indices.first(where: { own[$0] != other[$0] }) else { return nil }
        return "is \(own[index]) at \(index), expected \(other[index])"
    }
    let (own, other) = (computed.floats ?? [], expected.floats ?? [])
    // As numpy.testing.assert_allclose compares.
    let index = own.indices.first { index in
        let (x, y) = (own[index], other[index])
        if x.isNaN || y.isNaN { return x.isNaN != y.isNaN }
        if x == y { return false }
        return !(abs(x - y) <= absolute + relative * abs(y))
    }
    return index.map { "is \(own[$0]) at \($0), expected \(other[$0])" }
}
