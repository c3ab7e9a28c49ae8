import Encoders
import Foundation
import Pipelines
import Support
import Text
import Training

/// The files that GLUE's leaderboard takes: `CoLA.tsv`, `MNLI-m.tsv` and so on, with a header and for each test
/// example its number and the predicted label, spelled as in the training data; for STS-B a number from 0 to 5.
struct GlueSubmission {
    let directory: String

    /// - Parameter config: the configuration of all tasks.
    init(_ config: TrainingConfig) {
        directory = config.resolve(config.output.directory) + "/submission"
    }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(directory)/\(name)") }

    /// Predicts the examples of a test file and writes the file `name`, whole or not at all.
    ///
    /// - Throws: the status of a signal that ended it.
    func write(_ file: GlueFile, predictedBy pipeline: EncoderPipeline, to name: String) throws {
        try createDirectory(directory)
        let inputs = file.dataset.examples.map { TextPair($0.text, pair: $0.pair) }
        var lines = ["index\tprediction"]
        for start in stride(from: 0, to: inputs.count, by: 1024) {
            guard !Interrupt.isRequested else { throw ExitStatus.interruption }
            let range = start..<min(start + 1024, inputs.count)
            let predictions = try Self.predictions(pipeline, Array(inputs[range]))
            lines += zip(file.indices[range], predictions).map { "\($0)\t\($1)" }
        }
        let text = lines.joined(separator: "\n") + "\n"
        try AtomicFile.write(Data(text.utf8), to: URL(file: "\(directory)/\(name)"))
    }

    private static func predictions(_ pipeline: EncoderPipeline, _ inputs: [TextPair]) throws -> [String] {
        guard pipeline.head == .regression else { return try pipeline.classify(inputs).map(\.label) }
        return try pipeline.score(inputs).map {
            Formatted.number(min(max(Double($0), 0), 5), digits: 3)
        }
    }
}
