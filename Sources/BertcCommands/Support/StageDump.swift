import Encoders
import Foundation
import GraphCompiler
import Support
import Synchronization

/// Writes each stage of a compilation into a numbered file, `01-graph.ir`, `02-simplify.ir`, ..., and lists them in
/// `index.md`.
final class StageDump: Sendable {
    private let directory: URL
    /// The index's lines, one per stage.
    private let lines = Mutex<[String]>([])

    /// Makes the directory when it does not exist.
    init(_ path: String) throws {
        directory = URL(file: path, isDirectory: true)
        try createDirectory(path)
    }

    /// Writes one stage beside its place and renames it; then the index, which is complete after every stage.
    func write(_ stage: CompilationStage) throws {
        try lines.withLock { lines in
            let number = lines.count + 1
            let name = "\(number < 10 ? "0" : "")\(number)-\(stage.name).\(stage.form.fileEnding)"
            try write(stage.text, to: name)
            let seconds = stage.seconds.map { Formatted.number($0, digits: 4) } ?? ""
            lines.append(
                "| \(number) | [\(name)](\(name)) | \(stage.name) | \(stage.count) \(stage.form.unit) | \(seconds) |"
            )
            let heading = """
                # Stages of the compilation

                | number | file | stage | holds | seconds |
                | --- | --- | --- | --- | --- |
                """
            try write(([heading] + lines).joined(separator: "\n") + "\n", to: "index.md")
        }
    }

    private func write(_ text: String, to name: String) throws {
        try AtomicFile.write(Data(text.utf8), to: directory.appendingPathComponent(name))
    }
}

extension CompilationStage.Form {
    fileprivate var fileEnding: String {
        switch self {
        case .graph: "ir"
        case .kernels: "txt"
        case .llvm: "ll"
        }
    }

    /// What a stage's count counts.
    fileprivate var unit: String {
        switch self {
        case .graph: "nodes"
        case .kernels: "kernels"
        case .llvm: "functions"
        }
    }
}
