import Encoders
import Foundation
import Pipelines
import Support

/// `log.csv`: a row for every `logEvery` steps and one for every evaluation, empty cells where a row has nothing to
/// say.
struct CSVLog: TrainingLog {
    static let header =
        (["step", "epoch", "loss", "learning_rate", "gradient_norm", "tokens_per_second"]
        + Metric.allCases.map { "validation_\($0.rawValue)" }
        + StepExtra.allCases.map(\.rawValue)).joined(separator: ",")
    private let file: AppendedFile

    /// Starts the file, or goes on with it: rows after `step` are dropped, since a resumed run writes them again, and so
    /// are those that are not complete or of a file with other columns.
    init(path: String, after step: Int) throws {
        let old =
            step > 0
            ? FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } : nil
        let columns = Self.header.utf8.count { $0 == UInt8(ascii: ",") }
        let rows = (old ?? "").split(separator: "\n").dropFirst().filter { row in
            row.utf8.count { $0 == UInt8(ascii: ",") } == columns
                && row.split(separator: ",").first.flatMap { Int($0) }.map { $0 <= step } ?? false
        }
        let text = ([Self.header] + rows.map(String.init)).joined(separator: "\n") + "\n"
        try AtomicFile.write(Data(text.utf8), to: URL(file: path))
        file = try AppendedFile(path: path)
    }

    func add(_ row: TrainingLogRow) throws {
        let steps = [row.epoch, row.loss, row.learningRate, row.gradientNorm, row.tokensPerSecond.rounded()]
        try write(
            row.step,
            steps + Metric.allCases.map { _ in nil } + StepExtra.allCases.map { row.extras[$0] })
    }

    func add(_ evaluation: EvaluationReport) throws {
        let metrics = Metric.allCases.map(evaluation.metrics.value)
        try write(
            evaluation.step,
            [Double(evaluation.epoch), nil, nil, nil, nil] + metrics + StepExtra.allCases.map { _ in nil })
    }

    /// Numbers in the shortest form that reads back as the same.
    private func write(_ step: Int, _ cells: [Double?]) throws {
        let row = ["\(step)"] + cells.map { $0.map { "\($0)" } ?? "" }
        try file.append(Data((row.joined(separator: ",") + "\n").utf8))
    }
}
