import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Text
import Training

/// Files of the repository that tests read.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    static let small = root.appendingPathComponent("data/small").path
    static let fixtures = root.appendingPathComponent("Tests/EncodersTests/Fixtures")
    /// The fetched model; `nil` when it is not there.
    static var miniLM: URL? {
        let url = root.appendingPathComponent("data/minilm")
        let weights = url.appendingPathComponent("model.safetensors").path
        return FileManager.default.fileExists(atPath: weights) ? url : nil
    }
}

/// A short run of a fresh small model on the small data set.
func smallConfig(_ output: TemporaryDirectory, steps: Int = 4) -> TrainingConfig {
    var config = TrainingConfig()
    config.directory = output.path
    config.model.path = Repository.small + "/model.json"
    config.data.trainFile = Repository.small + "/train.txt"
    config.data.validationFile = ""
    config.data.testFile = ""
    config.output.directory = "run"
    config.batches.size = 8
    config.optimizer.maxSteps = steps
    config.optimizer.learningRate = 1e-3
    config.output.saveEvery = 0
    config.machine.threads = 2
    return config
}

/// The text of the error that `body` throws; `nil` when it throws none.
func message(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return "\(error)"
    }
}

/// Thrown by observers, to interrupt a run as a crash would.
struct Crash: Error {}

/// The parameters of a checkpoint or of a saved model by name.
func tensors(_ path: String) throws -> [String: [Float]] {
    let file = try SafetensorsFile(URL(fileURLWithPath: path))
    return try Dictionary(
        uniqueKeysWithValues: file.entries.map { ($0.name, try file.floats(named: $0.name)) })
}

/// The losses of every step of a run.
func losses(_ config: TrainingConfig) throws -> [Double] {
    var losses: [Double] = []
    _ = try trainModel(config) { if case .step(let step) = $0 { losses.append(step.loss) } }
    return losses
}
