import Encoders
import Foundation
import Pipelines
import Support

/// Scalars for TensorBoard: one event file a run, a new one after each resume.
struct TensorBoardLog: TrainingLog {
    private let file: AppendedFile

    /// Starts `directory/events.out.tfevents.SECONDS.HOST.PID`, whose first events say that it goes on after `step`.
    init(directory: String, after step: Int) throws {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw ModelError(.unwritable, "cannot make the directory; check its parent", at: directory)
        }
        let now = Date().timeIntervalSince1970
        let process = ProcessInfo.processInfo
        // TensorBoard reads the files of a directory in the order of their names.
        let existing = (try? FileManager.default.contentsOfDirectory(atPath: directory))?.count ?? 0
        let name =
            "events.out.tfevents.\(Int(now)).\(process.hostName).\(process.processIdentifier).\(existing)"
        let path = (directory as NSString).appendingPathComponent(name)
        let start = EventEncoder.version(wallTime: now) + EventEncoder.start(step: step + 1, wallTime: now)
        try AtomicFile.write(Data(start), to: URL(file: path))
        file = try AppendedFile(path: path)
    }

    func add(_ row: TrainingLogRow) throws {
        var values: [(tag: String, value: Double)] = [
            ("train/loss", row.loss), ("train/learning_rate", row.learningRate),
            ("train/gradient_norm", row.gradientNorm), ("train/tokens_per_second", row.tokensPerSecond),
            ("train/epoch", row.epoch),
        ]
        values += StepExtra.allCases.compactMap { extra in
            row.extras[extra].map { ("train/\(extra.rawValue)", $0) }
        }
        try write(values, step: row.step)
    }

    func add(_ evaluation: EvaluationReport) throws {
        let values = Metric.allCases.compactMap { metric in
            evaluation.metrics.value(metric).map { ("validation/\(metric.rawValue)", $0) }
        }
        try write(values, step: evaluation.step)
    }

    private func write(_ values: [(tag: String, value: Double)], step: Int) throws {
        let now = Date().timeIntervalSince1970
        try file.append(Data(EventEncoder.scalars(values, step: step, wallTime: now)))
    }
}
