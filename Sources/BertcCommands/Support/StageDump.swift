import BERT
import Foundation
import Synchronization

/// Writes each stage of a compilation into a numbered file: `01-graph.ir`, `02-simplify.ir`, ...
final class StageDump: Sendable {
    private let directory: URL
    private let count = Mutex(0)

    /// Makes the directory when it does not exist.
    init(_ path: String) throws {
        directory = URL(fileURLWithPath: path, isDirectory: true)
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw CommandError(
                .cannotCreate,
                "\(path): cannot be made a directory: \(error.localizedDescription); choose another")
        }
    }

    /// Writes one stage beside its place and renames it.
    func write(_ stage: String, _ text: String) throws {
        let number = count.withLock { count in
            count += 1
            return count
        }
        let ending =
            switch stage {
            case "kernels": "txt"
            case "llvm": "ll"
            default: "ir"
            }
        let padded = (number < 10 ? "0" : "") + "\(number)"
        try AtomicFile.write(
            Data(text.utf8), to: directory.appendingPathComponent("\(padded)-\(stage).\(ending)"))
    }
}
