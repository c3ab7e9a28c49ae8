import Foundation
import GraphIR
import Support

/// The weights of a model directory, opened for reading: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` lists. The files are mapped; nothing is copied before it is asked for.
///
/// ```swift
/// let checkpoint = try EncoderCheckpoint(directory: url)
/// let report = try checkpoint.report(for: specs)
/// for name in report.loaded { try checkpoint.copyFloats(of: name, into: arena[name]) }
/// ```
public struct EncoderCheckpoint: Sendable {
    /// The model directory.
    public let directory: URL
    /// Its `model.json` or `config.json`.
    public let config: EncoderConfig
    private let map: CheckpointMap

    private let tensors: [TextKey: CheckpointTensor]
    /// Weights that the files hold as i8.
    private let quantized: [TextKey: QuantizedTensor]
    /// What changes the weights.
    private let adapter: AdapterCheckpoint?

    /// Opens the configuration and the weights of a directory and checks the headers.
    /// - Throws: `ConfigError`, `CheckpointError` or `SafetensorsError`.
    public init(directory: URL) throws {
        let config = try EncoderConfig(contentsOf: directory)
        try self.init(directory: directory, config: config, map: config.family.checkpoint(of: config))
    }

    /// The weights of a directory with an adapter: what it trained itself is in the place of the directory's, and weights of
    /// linear layers are those of the merged model, unless it is to be trained further.
    ///
    /// - Throws: as without.
    package init(directory: URL, adapter: AdapterCheckpoint?) throws {
        let config = try adapter?.config ?? EncoderConfig(contentsOf: directory)
        try self.init(
            directory: directory, config: config, map: config.family.checkpoint(of: config), adapter: adapter)
    }

    /// The same with tensors that are named as `map` says.
    init(
        directory: URL, config: EncoderConfig, map: CheckpointMap, adapter: AdapterCheckpoint? = nil
    ) throws {
        self.directory = directory
        self.config = config
        self.map = map
        self.adapter = adapter
        let files = try CheckpointFiles.open(in: directory)
        quantized = config.isQuantized ? try QuantizedTensor.all(in: files) : [:]
        let own = try CheckpointTensor.all(in: files, directory: directory) { stored in
            config.isQuantized && QuantizedTensor.Part.of(stored) != nil ? [] : map.canonical(stored)
        }
        if let name = quantized.keys.filter({ own[$0] != nil }).min()?.text {
            throw CheckpointError.ambiguous(
                directory: directory.path, name: name,
                stored: [name, name + QuantizedTensor.Part.numbers.rawValue])
        }
        tensors = own.merging(adapter?.savedTensors ?? [:]) { $1 }
    }

    /// Every tensor of the checkpoint under its canonical name, sorted by it. Their roles are not known.
    public var parameters: [ParameterSpec] {
        let all = tensors.mapValues(\.shape).merging(quantized.mapValues(\.shape)) { $1 }
        return all.sorted { $0.key < $1.key }.map { ParameterSpec($0.key.text, $0.value) }
    }

    /// Every parameter that the files have values of, for a copy of the whole model: buffers that are constant are left out.
    package var weights: [ParameterSpec] {
        parameters.filter { spec in
            !CheckpointMap.isConstantBuffer(spec.name)
                && (quantized[TextKey(spec.name)] != nil
                    || tensors[TextKey(spec.name)]?.entries.allSatisfy(\.dataType.isWeight) == true)
        }
    }

    /// The canonical names of the parameters that a tensor of the files holds.
    package func canonicalNames(of stored: String) -> [String] { map.canonical(stored).map(\.name) }

    /// The tensors of the family's files that hold a parameter.
    package func storedNames(of canonical: String) -> [String] {
        map.stored(canonical, in: config.architecture ?? .encoder).map(\.name)
    }

    /// Compares the checkpoint with the parameters that a model has.
    /// - Throws: `CheckpointError.mismatchedShapes` listing every tensor whose shape differs,
    ///   `CheckpointError.notShared` listing those of layers that the configuration takes for shared, and
    ///   `CheckpointError.notFloating`.
    public func report(for expected: [ParameterSpec]) throws -> LoadReport {
        var report = LoadReport()
        var mismatches: [CheckpointError.ShapeMismatch] = []
        var used: Set<TextKey> = []
        for spec in expected {
            if let tensor = quantized(spec.name) {
                if tensor.shape != spec.shape {
                    mismatches.append(
                        .init(stored: spec.name, expected: spec.shape, actual: tensor.shape))
                } else {
                    report.loaded.append(spec.name)
                }
                continue
            }
            guard let source = source(of: spec.name) else {
                report.missing.append(spec)
                continue
            }
            used.insert(TextKey(source.name))
            let tensor = source.tensor
            guard tensor.shape == spec.shape else {
                mismatches.append(
                    .init(stored: tensor.storedName, expected: spec.shape, actual: tensor.shape))
                continue
            }
            if let entry = tensor.entries.first(where: { !$0.dataType.isWeight }) {
                throw CheckpointError.notFloating(
                    directory: directory.path, tensor: entry.name, found: entry.dataType)
            }
            report.loaded.append(spec.name)
        }
        report.unexpected += try adapter?.unused(by: expected.map(\.name)) ?? []
        guard mismatches.isEmpty else {
            throw CheckpointError.mismatchedShapes(directory: directory.path, mismatches)
        }
        for (key, tensor) in tensors.sorted(by: { $0.key < $1.key }) where !used.contains(key) {
            if try isRedundant(key.text, tensor) || key.text == unread(used) {
                report.redundant += tensor.entries.map(\.name)
            } else {
                report.unexpected += tensor.entries.map(\.name)
            }
        }
        let own = report.unexpected.filter { stored in
            canonicalNames(of: stored).contains { $0.hasPrefix("encoder.layer.") }
        }
        guard config.shareLayers == .none || own.isEmpty else {
            throw CheckpointError.notShared(
                directory: directory.path, sharing: config.shareLayers, tensors: own)
        }
        return report
    }

    /// The head's bias, which no one reads where the decoder has one of its own.
    private func unread(_ used: Set<TextKey>) -> String? {
        used.contains(TextKey(EncoderSpec.MaskedLM.ownBias)) ? EncoderSpec.MaskedLM.sharedBias : nil
    }

    /// The values of every expected parameter that the checkpoint has, by canonical name, and the report.
    /// - Throws: as `report(for:)`.
    public func load(
        _ expected: [ParameterSpec]
    ) throws -> (values: [String: [Float]], report: LoadReport) {
        let report = try report(for: expected)
        var values: [String: [Float]] = [:]
        for name in report.loaded { values[name] = try floats(of: name) }
        return (values, report)
    }

    /// The values of one parameter, row-major.
    /// - Throws: `SafetensorsError.noSuchTensor`, or `notFinite` when one is NaN or infinite.
    public func floats(of canonical: String) throws -> [Float] {
        var floats: [Float]
        if let tensor = quantized[TextKey(canonical)] {
            floats = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
            try floats.withUnsafeMutableBufferPointer { try tensor.copyFloats(into: $0) }
        } else {
            floats = try self.tensor(of: canonical).floats()
        }
        try floats.withUnsafeMutableBufferPointer { try adapter?.add(to: $0, of: canonical) }
        return floats
    }

    /// Writes the values of one parameter into `target`, which must hold exactly as many.
    /// - Throws: as `floats(of:)`.
    public func copyFloats(of canonical: String, into target: UnsafeMutableBufferPointer<Float>) throws {
        if let tensor = quantized[TextKey(canonical)] {
            try tensor.copyFloats(into: target)
        } else {
            try tensor(of: canonical).copyFloats(into: target)
        }
        try adapter?.add(to: target, of: canonical)
    }

    /// A weight that the files hold as i8, and that no adapter changes.
    package func quantized(_ canonical: String) -> QuantizedTensor? {
        adapter == nil ? quantized[TextKey(canonical)] : nil
    }

    private func tensor(of canonical: String) throws -> CheckpointTensor {
        guard let source = source(of: canonical) else {
            throw SafetensorsError.noSuchTensor(
                file: directory.path, tensor: canonical,
                nearest: nearestName(to: canonical, among: tensors.keys.map(\.text)))
        }
        return source.tensor
    }

    /// The tensor that holds a parameter: its own, or the stored copy of a tied one when that alone was saved.
    private func source(of canonical: String) -> (name: String, tensor: CheckpointTensor)? {
        if let tensor = adapter?.tensor(of: canonical) { return (canonical, tensor) }
        let copies = CheckpointMap.tied.filter { $0.value == canonical }.keys
        // Where a decoder has no bias of its own, it shared the head's.
        let shared = canonical == EncoderSpec.MaskedLM.ownBias ? [EncoderSpec.MaskedLM.sharedBias] : []
        for name in [canonical] + copies + shared {
            if let tensor = tensors[TextKey(name)], tensor.isWhole { return (name, tensor) }
        }
        return nil
    }

    /// Whether an unused tensor says nothing new: a constant buffer, or a copy of a tied weight with equal bytes.
    private func isRedundant(_ name: String, _ tensor: CheckpointTensor) throws -> Bool {
        if CheckpointMap.isConstantBuffer(name) { return true }
        guard let original = CheckpointMap.tied[name].flatMap({ tensors[TextKey($0)] }) else { return false }
        return try original.hasSameBytes(as: tensor)
    }
}
