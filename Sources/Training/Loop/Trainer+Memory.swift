import Foundation
import GraphCompiler

extension Trainer {
    /// Refuses a run that takes more memory than `maxMemory` and says what would fit.
    func checkMemory() throws {
        guard let limit = config.maxMemory?.byteCount, memory.total > limit else { return }
        let parts = memory.parts.map { "\($0.name) \(Self.text($0.byteCount))" }.joined(separator: ", ")
        throw TrainingConfigError(
            file: config.file, field: "maxMemory",
            problem:
                "is \(Self.text(limit)), but the run needs \(Self.text(memory.total)): \(parts); \(try advice(limit))"
        )
    }

    /// The largest batch that fits.
    private func advice(_ limit: Int) throws -> String {
        let fixed = memory.total - memory.arena - memory.scratch
        func total(_ batchSize: Int) throws -> Int {
            let training = try task.largestTrainingShapes(batchSize: batchSize)
            return fixed + model.runByteCounts(training: training, evaluation: shapes.evaluation).total
        }
        var (fits, tooLarge) = (0, config.batchSize)
        while tooLarge - fits > 1 {
            let middle = (fits + tooLarge) / 2
            if try total(middle) <= limit { fits = middle } else { tooLarge = middle }
        }
        guard fits > 0 else {
            return
                "batches of one sequence need \(Self.text(try total(1))), so choose a smaller model, a lower "
                + "maxLength, or more memory"
        }
        return "with a batchSize of \(fits) it fits"
    }

    private static func text(_ byteCount: Int) -> String {
        byteCount < 1_000_000_000
            ? String(format: "%.1f MB", Double(byteCount) / 1e6)
            : String(format: "%.2f GB", Double(byteCount) / 1e9)
    }
}
