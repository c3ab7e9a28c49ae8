import BERT
import Foundation
import GraphCompiler
import Support

/// A directory from which a run goes on as if it had never stopped:
/// - `model.safetensors`: the parameters under their canonical names, F32;
/// - `optimizer.safetensors`: moments `NAME.exp_avg` and `NAME.exp_avg_sq`, averages `NAME.ema`, and in the middle of
///   a step the sums of gradients `NAME.grad`, F32;
/// - `state.json`: the position, the best evaluation, the settings and the data's fingerprint.
struct TrainingCheckpoint {
    static let modelFile = "model.safetensors"
    static let optimizerFile = "optimizer.safetensors"
    static let stateFile = "state.json"

    let directory: URL
    let state: CheckpointState

    /// Reads and checks `state.json`.
    init(directory: URL) throws {
        self.directory = directory
        state = try CheckpointState(contentsOf: directory.appendingPathComponent(Self.stateFile))
    }

    /// Puts the checkpoint's parameters and optimiser states into the model.
    ///
    /// - Throws: `TrainingError` when a tensor is missing or has another shape; nothing is changed then.
    func restore(_ model: TrainableModel) throws {
        let files = [
            (Self.modelFile, model.specs.map(\.name)),
            (Self.optimizerFile, model.stateNames(withSums: state.progress.microBatch > 0)),
        ]
        var tensors: [(name: String, file: SafetensorsFile)] = []
        for (name, parameters) in files {
            let file = try SafetensorsFile(directory.appendingPathComponent(name))
            for parameter in parameters {
                let shape = model.parameters.type(of: parameter)?.extents([:]) ?? []
                guard let entry = file.entry(named: parameter), entry.shape == shape, entry.dataType == .f32
                else {
                    throw TrainingError(
                        .invalidCheckpoint,
                        "holds no F32 tensor '\(parameter)' of shape \(shape); it belongs to another model",
                        at: file.path)
                }
                tensors.append((parameter, file))
            }
        }
        for (name, file) in tensors {
            try model.parameters.set(name) { try file.copyFloats(named: name, into: $0) }
        }
    }

    /// Writes `parent/step-N`: everything into a directory beside it, then one rename.
    static func save(_ model: TrainableModel, state: CheckpointState, in parent: URL) throws {
        let name = "step-\(state.progress.step)"
        let final = parent.appendingPathComponent(name)
        let partial = parent.appendingPathComponent(".\(name).partial")
        let manager = FileManager.default
        do {
            try? manager.removeItem(at: partial)
            try manager.createDirectory(at: partial, withIntermediateDirectories: true)
        } catch {
            throw TrainingError(.unwritable, "cannot make the directory; check its parent", at: partial.path)
        }
        try write(model.specs.map(\.name), of: model, to: partial.appendingPathComponent(modelFile))
        try write(
            model.stateNames(withSums: state.progress.microBatch > 0), of: model,
            to: partial.appendingPathComponent(optimizerFile))
        try AtomicFile.write(
            Data(state.json.text(.indented).utf8), to: partial.appendingPathComponent(stateFile))
        do {
            // The same step again, after a resume from an earlier one: the bits are the same.
            try? manager.removeItem(at: final)
            try manager.moveItem(at: partial, to: final)
        } catch {
            throw TrainingError(
                .unwritable, "cannot be put in place: \(error.localizedDescription)", at: final.path)
        }
    }

    private static func write(_ names: [String], of model: TrainableModel, to url: URL) throws {
        let entries = names.map { name in
            SafetensorsEntry(
                name: name, dataType: .f32, shape: model.parameters.type(of: name)?.extents([:]) ?? [])
        }
        try SafetensorsWriter.write(entries, to: url) { entry, sink in
            try model.parameters.withBytes(entry.name) { try sink($0) }
        }
    }

    /// The checkpoints in a directory with their steps, newest first.
    static func all(in parent: URL) -> [(step: Int, directory: URL)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        let found = names.compactMap { name -> (step: Int, directory: URL)? in
            guard name.hasPrefix("step-"), let step = Int(name.dropFirst("step-".count)) else { return nil }
            return (step, parent.appendingPathComponent(name))
        }
        return found.sorted { $0.step > $1.step }
    }

    /// Removes all checkpoints but `kept`, and what interrupted writes left.
    static func prune(in parent: URL, keeping kept: Set<String>) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
        for name in names where !kept.contains(name) {
            let isCheckpoint = name.hasPrefix("step-") && Int(name.dropFirst("step-".count)) != nil
            let isLeftover = name.hasPrefix(".step-") && name.hasSuffix(".partial")
            // A directory that cannot be removed takes room but does no harm.
            if isCheckpoint || isLeftover {
                try? FileManager.default.removeItem(at: parent.appendingPathComponent(name))
            }
        }
    }
}
