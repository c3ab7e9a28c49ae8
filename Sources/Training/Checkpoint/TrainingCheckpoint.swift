import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support

/// A directory from which a run goes on as if it had never stopped:
/// - `model.safetensors`: the parameters under their canonical names, F32; of an adapter's model only what the base lacks;
/// - `optimizer.safetensors`: moments `NAME.exp_avg` and `NAME.exp_avg_sq`, F32 or BF16, averages `NAME.ema`, and in the
///   middle of a step the sums of gradients `NAME.grad`, F32; where processes share the optimiser's states, each writes
///   `optimizer-RANK-of-COUNT.safetensors`, counted from 1, with its own;
/// - `state.json`: the position, the best evaluation, the settings and the data's fingerprint. It is written last.
struct TrainingCheckpoint {
    static let modelFile = "model.safetensors"
    static let optimizerFile = "optimizer.safetensors"
    static let stateFile = "state.json"

    let directory: URL
    let state: CheckpointState

    /// Reads and checks `state.json`, and that the files of tensors are whole and finite.
    ///
    /// - Throws: `ModelError`, `SafetensorsError`.
    init(directory: URL) throws {
        do {
            try self.init(checking: directory)
        } catch let error as CheckpointDamage {
            throw ModelError(
                .invalidCheckpoint, "\(error.problem); choose another checkpoint or start over",
                at: error.place)
        }
    }

    /// - Throws: also `CheckpointDamage`.
    private init(checking directory: URL) throws {
        self.directory = directory
        state = try CheckpointState(contentsOf: directory.appendingPathComponent(Self.stateFile))
        for file in try [model(), states()].joined() {
            // Sums in the middle of a step may have overflowed in fp16, whose scale is lowered then.
            for entry in file.entries where !TrainingNames.isGradientSum(entry.name) {
                guard let element = entry.dataType.state else { continue }
                guard try !file.withBytes(named: entry.name, { hasNotFinite($0, element) }) else {
                    throw CheckpointDamage(
                        "is damaged: tensor '\(entry.name)' holds NaN or infinity", at: file.path)
                }
            }
        }
    }

    private func model() throws -> [SafetensorsFile] {
        [try SafetensorsFile(directory.appendingPathComponent(Self.modelFile))]
    }

    /// The files with the optimiser's states: one, or one of each process that shared them.
    private func states() throws -> [SafetensorsFile] {
        let names = Self.names(in: directory)
        let pattern = /optimizer-[0-9]{5}-of-([0-9]{5})\.safetensors/
        let shares = names.sorted().compactMap { $0.wholeMatch(of: pattern) }
        guard let any = shares.first, !names.contains(Self.optimizerFile) else {
            return [try SafetensorsFile(directory.appendingPathComponent(Self.optimizerFile))]
        }
        return try (0..<(Int(any.1) ?? 0)).map { rank in
            let url = directory.appendingPathComponent(Self.optimizerFile(of: rank, count: Int(any.1) ?? 0))
            guard names.contains(url.lastPathComponent) else {
                throw CheckpointDamage("is missing, a process's share of the states", at: url.path)
            }
            return try SafetensorsFile(url)
        }
    }

    /// The file of a process's share of the states.
    private static func optimizerFile(of rank: Int, count: Int) -> String {
        String(format: "optimizer-%05d-of-%05d.safetensors", rank + 1, count)
    }

    /// The newest checkpoint in a directory that is whole; `nil` where there is none at all.
    ///
    /// - Parameter note: told of each newer one that is left out, and why.
    /// - Throws: the newest one's error when none is whole.
    static func latest(in parent: URL, note: (String) -> Void) throws -> TrainingCheckpoint? {
        let all = all(in: parent)
        for (step, directory) in all {
            do {
                let checkpoint = try TrainingCheckpoint(checking: directory)
                if checkpoint.state.position.step == step { return checkpoint }
                note("\(directory.path): holds the state of another step; this checkpoint is skipped")
            } catch let error as CheckpointDamage {
                note("\(error.place): \(error.problem); this checkpoint is skipped")
            } catch {
                note("\(error); this checkpoint is skipped")
            }
        }
        guard let newest = all.first else { return nil }
        _ = try TrainingCheckpoint(directory: newest.directory)
        throw ModelError(
            .invalidCheckpoint, "is damaged: it holds the state of another step; start over",
            at: newest.directory.path)
    }

    /// Puts the checkpoint's parameters and optimiser states into the model.
    ///
    /// - Throws: `ModelError` when a tensor is missing or has another shape; nothing is changed then.
    func restore(_ model: TrainableModel) throws {
        let states = model.training.stateNames(withSums: state.position.microBatch > 0)
        var tensors: [(name: String, file: SafetensorsFile)] = []
        do {
            let parts = [(try self.model(), model.savedSpecs.map(\.name)), (try self.states(), states)]
            for (files, parameters) in parts {
                for parameter in parameters {
                    tensors.append((parameter, try file(of: parameter, among: files, for: model)))
                }
            }
        } catch let error as CheckpointDamage {
            throw ModelError(.invalidCheckpoint, error.problem, at: error.place)
        }
        for (name, file) in tensors {
            guard let type = model.parameters.type(of: name), type.element != .f32 else {
                try model.parameters.set(name) { try file.copyFloats(named: name, into: $0) }
                continue
            }
            let bytes = try file.withBytes(named: name) { [UInt8]($0) }
            try model.parameters.set(
                name, TensorData(element: type.element, shape: type.extents([:]) ?? [], bytes: bytes))
        }
    }

    /// The file that holds a parameter or state as the model has it.
    private func file(
        of parameter: String, among files: [SafetensorsFile], for model: TrainableModel
    ) throws -> SafetensorsFile {
        let type = model.parameters.type(of: parameter)
        let (shape, dataType) = (type?.extents([:]) ?? [], type.state)
        let file = files.first { file in
            file.entry(named: parameter).map { $0.shape == shape && $0.dataType == dataType } ?? false
        }
        guard let file else {
            throw ModelError(
                .invalidCheckpoint,
                "holds no \(dataType.rawValue) tensor '\(parameter)' of shape \(shape); it belongs to another model",
                at: files.count == 1 ? files[0].path : directory.path)
        }
        return file
    }

    // MARK: Writing

    private static func partial(_ name: String, in parent: URL) -> URL {
        parent.appendingPathComponent(".\(name).partial")
    }

    /// Writes `parent/step-N`: everything into a directory beside it, then one rename. What was written goes when that
    /// fails. Of several processes the first one does so; where they share the optimiser's states, each writes its own.
    static func save(
        _ model: TrainableModel, state: CheckpointState, in parent: URL, by group: ProcessGroup? = nil
    ) throws {
        let name = "step-\(state.position.step)"
        let (final, partial) = (parent.appendingPathComponent(name), partial(name, in: parent))
        let manager = FileManager.default
        let isFirst = group?.isFirst ?? true
        let sharers = model.training.sharesUpdate ? group : nil
        guard isFirst || sharers != nil else { return }
        let states = model.training.stateNames(withSums: state.position.microBatch > 0)
        do {
            try all(sharers) { if isFirst { try make(partial) } }
            try all(sharers) {
                if isFirst {
                    try write(
                        model.savedSpecs.map(\.name), of: model, to: partial.appendingPathComponent(modelFile)
                    )
                }
                let file = sharers.map { optimizerFile(of: $0.rank, count: $0.size) } ?? optimizerFile
                try write(states, of: model, to: partial.appendingPathComponent(file))
            }
            guard isFirst else { return }
            try AtomicFile.write(
                Data(state.json.text(.indented).utf8), to: partial.appendingPathComponent(stateFile))
        } catch {
            if isFirst { try? manager.removeItem(at: partial) }
            throw error
        }
        // The same step again, after a resume from an earlier one. Between the two calls `recover` finds it.
        try? manager.removeItem(at: final)
        guard rename(partial.path, final.path) == 0 else {
            throw ModelError(.unwritable, "cannot be put in place: \(systemReason())", at: final.path)
        }
    }

    /// Does something on all processes of a group, none of which goes on before all have done it.
    private static func all(_ group: ProcessGroup?, _ body: () throws -> Void) throws {
        guard let group else { return try body() }
        _ = try group.allGather(
            of: Result {
                try body()
                return [UInt8]()
            })
    }

    private static func make(_ directory: URL) throws {
        do {
            try? FileManager.default.removeItem(at: directory)
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw ModelError(.unwritable, "cannot make the directory; check its parent", at: directory.path)
        }
    }

    private static func write(_ names: [String], of model: TrainableModel, to url: URL) throws {
        let entries = names.map { name in
            let type = model.parameters.type(of: name)
            return SafetensorsEntry(name: name, dataType: type.state, shape: type?.extents([:]) ?? [])
        }
        try SafetensorsWriter.write(entries, to: url) { entry, sink in
            try model.parameters.withBytes(entry.name) { try sink($0) }
        }
    }

    // MARK: The directory of checkpoints

    private static func names(in parent: URL) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
    }

    /// The step of a checkpoint's directory; `nil` for other names.
    private static func step(_ name: Substring) -> Int? {
        guard let match = name.wholeMatch(of: /step-(0|[1-9][0-9]{0,17})/) else { return nil }
        return Int(match.1)
    }

    /// The checkpoints in a directory with their steps, newest first.
    static func all(in parent: URL) -> [(step: Int, directory: URL)] {
        let found = names(in: parent).compactMap { name in
            step(name[...]).map { (step: $0, directory: parent.appendingPathComponent(name)) }
        }
        return found.sorted { $0.step > $1.step }
    }

    /// Deals with what writes that were interrupted left: a checkpoint that only lacked its name gets it, and what is not
    /// complete goes. The caller has the output directory's lock.
    static func recover(in parent: URL) {
        let manager = FileManager.default
        for name in names(in: parent) {
            guard let match = name.wholeMatch(of: /\.(step-[0-9]+)\.partial/), step(match.1) != nil else {
                continue
            }
            let (partial, final) = (
                parent.appendingPathComponent(name), parent.appendingPathComponent(String(match.1))
            )
            if !manager.fileExists(atPath: final.path), (try? TrainingCheckpoint(directory: partial)) != nil {
                try? manager.moveItem(at: partial, to: final)
            }
            // A directory that cannot be removed takes room but does no harm.
            try? manager.removeItem(at: partial)
        }
    }

    /// Removes all checkpoints but `kept`.
    static func prune(in parent: URL, keeping kept: Set<String>) {
        for name in names(in: parent) where step(name[...]) != nil && !kept.contains(name) {
            try? FileManager.default.removeItem(at: parent.appendingPathComponent(name))
        }
    }
}

extension SafetensorsDataType {
    /// The element type of a parameter or state that is kept so.
    fileprivate var state: ElementType? {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        default: nil
        }
    }
}

extension TensorType? {
    /// How a parameter or state of the type is kept.
    fileprivate var state: SafetensorsDataType { self?.element == .bf16 ? .bf16 : .f32 }
}
