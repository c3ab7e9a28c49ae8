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

    /// Where a tensor of the checkpoint is.
    private struct Location {
        let file: SafetensorsFile
        let entry: SafetensorsEntry
    }

    private let tensors: [TextKey: Location]

    /// Opens the configuration and the weights of a directory and checks the headers.
    /// - Throws: `EncoderConfigError`, `CheckpointError` or `SafetensorsError`.
    public init(directory: URL) throws {
        self.directory = directory
        config = try EncoderConfig(contentsOf: directory)
        var tensors: [TextKey: Location] = [:]
        for file in try CheckpointFiles.open(in: directory) {
            for entry in file.entries {
                let name = CheckpointNames.canonical(entry.name)
                if let other = tensors.updateValue(Location(file: file, entry: entry), forKey: TextKey(name))
                {
                    throw CheckpointError.ambiguous(
                        directory: directory.path, name: name,
                        stored: [other.entry.name, entry.name].sorted())
                }
            }
        }
        self.tensors = tensors
    }

    /// Every tensor of the checkpoint under its canonical name, sorted by it.
    public var parameters: [ParameterSpec] {
        tensors.sorted { $0.key < $1.key }.map { ParameterSpec($0.key.text, $0.value.entry.shape) }
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
            guard let source = source(of: spec.name) else {
                report.missing.append(spec)
                continue
            }
            used.insert(TextKey(source.name))
            let entry = source.location.entry
            guard entry.shape == spec.shape else {
                mismatches.append(.init(stored: entry.name, expected: spec.shape, actual: entry.shape))
                continue
            }
            guard entry.dataType.isWeight else {
                throw CheckpointError.notFloating(
                    directory: directory.path, tensor: entry.name, found: entry.dataType)
            }
            report.loaded.append(spec.name)
        }
        guard mismatches.isEmpty else {
            throw CheckpointError.mismatchedShapes(directory: directory.path, mismatches)
        }
        for (key, location) in tensors.sorted(by: { $0.key < $1.key }) where !used.contains(key) {
            let name = key.text
            if try isRedundant(name, location) {
                report.redundant.append(location.entry.name)
            } else {
                report.unexpected.append(location.entry.name)
            }
        }
        let own = report.unexpected.filter { CheckpointNames.canonical($0).hasPrefix("encoder.layer.") }
        guard config.shareLayers == .none || own.isEmpty else {
            throw CheckpointError.notShared(
                directory: directory.path, sharing: config.shareLayers, tensors: own)
        }
        return report
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
        let location = try location(of: canonical)
        return try location.file.finiteFloats(named: location.entry.name)
    }

    /// Writes the values of one parameter into `target`, which must hold exactly as many.
    /// - Throws: as `floats(of:)`.
    public func copyFloats(of canonical: String, into target: UnsafeMutableBufferPointer<Float>) throws {
        let location = try location(of: canonical)
        try location.file.copyFiniteFloats(named: location.entry.name, into: target)
    }

    private func location(of canonical: String) throws -> Location {
        guard let source = source(of: canonical) else {
            throw SafetensorsError.noSuchTensor(
                file: directory.path, tensor: canonical,
                nearest: nearestName(to: canonical, among: tensors.keys.map(\.text)))
        }
        return source.location
    }

    /// The tensor that holds a parameter: its own, or the stored copy of a tied one when that alone was saved.
    private func source(of canonical: String) -> (name: String, location: Location)? {
        if let own = tensors[TextKey(canonical)] { return (canonical, own) }
        for (copy, original) in CheckpointNames.tied where original == canonical {
            if let location = tensors[TextKey(copy)] { return (copy, location) }
        }
        return nil
    }

    /// Whether an unused tensor says nothing new: a constant buffer, or a copy of a tied weight with equal bytes.
    private func isRedundant(_ name: String, _ location: Location) throws -> Bool {
        if CheckpointNames.isConstantBuffer(name) { return true }
        guard let original = CheckpointNames.tied[name].flatMap({ tensors[TextKey($0)] }),
            original.entry.dataType == location.entry.dataType, original.entry.shape == location.entry.shape
        else { return false }
        return try location.file.withBytes(named: location.entry.name) { copy in
            try original.file.withBytes(named: original.entry.name) { $0.elementsEqual(copy) }
        }
    }
}
