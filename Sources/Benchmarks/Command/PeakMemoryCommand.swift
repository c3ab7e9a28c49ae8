import ArgumentParser
import Encoders
import Foundation
import GraphCompiler

/// Does `steps` runs of some work in a process that did nothing else, and prints the most bytes that were
/// resident.
struct PeakMemoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "peak-memory", shouldDisplay: false)

    static let steps = 3

    // No options: those of the command above would come first.
    @Argument var precision: String
    @Argument var batch: Int
    @Argument var length: Int
    @Argument var threads: Int
    /// The text of a `config.json`.
    @Argument var config: String

    /// The command line that does `work`.
    static func arguments(_ work: ModelWork, _ config: EncoderConfig, threads: Int) throws -> [String] {
        [
            "peak-memory", work.precision.rawValue, "\(work.batch)", "\(work.length)", "\(threads)",
            String(decoding: try config.json(), as: UTF8.self),
        ]
    }

    func run() throws {
        guard let precision = Precision(rawValue: precision) else {
            throw ValidationError("'\(precision)' is no precision")
        }
        let work = ModelWork(precision: precision, batch: batch, length: length)
        _ = try ModelSubject(
            work, EncoderConfig(json: Data(config.utf8)), threads: threads, warmup: Self.steps)
        print(ProcessMemory.peakByteCount)
    }
}
