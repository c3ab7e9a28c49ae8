import Foundation
import Support

/// A directory with a low-rank adapter in PEFT's layout, opened for reading: `adapter_config.json` and
/// `adapter_model.safetensors`.
package struct AdapterCheckpoint: Sendable {
    package static let configFile = "adapter_config.json"
    /// The adapted model's configuration, with its labels. Transformers would take a directory with a `config.json` for a whole
    /// model.
    private static let modelFile = "adapted_model.json"
    package static let weightsFile = "adapter_model.safetensors"
    private static let prefix = "base_model.model."

    package let directory: URL
    /// The adapted model's: the directory's own `adapted_model.json` or `config.json`, else the base's with the kind of model and the number of labels that
    /// the adapter is for.
    package let config: EncoderConfig
    /// How its matrices are meant, with the layers that have some.
    package let lora: LoRAConfig
    /// Whether matrices are added to the weights, rather than read by their own names to be trained further.
    private let isMerged: Bool
    private let plan: AdapterPlan
    /// A and B by the names of files, without PEFT's prefix.
    private let matrices: [TextKey: CheckpointTensor.Part]
    /// Parameters that the adapter has in the place of the base's.
    let savedTensors: [TextKey: CheckpointTensor]

    /// Whether a directory holds an adapter.
    package static func exists(in directory: URL) -> Bool {
        FileManager.default.fileExists(atPath: directory.appendingPathComponent(configFile).path)
    }

    /// Opens the adapter of a directory.
    ///
    /// - Parameters:
    ///   - base: the configuration of the model that it is for.
    ///   - isMerged: whether its matrices are to be added to the weights.
    /// - Throws: `ConfigError` or `SafetensorsError`.
    package init(directory: URL, base: EncoderConfig, isMerged: Bool = true) throws {
        self.directory = directory
        self.isMerged = isMerged
        let file = try SafetensorsFile(directory.appendingPathComponent(Self.weightsFile))
        var lora = try LoRAConfig(contentsOf: directory.appendingPathComponent(Self.configFile))
        let map = base.family.modules(of: base)
        var matrices: [TextKey: CheckpointTensor.Part] = [:]
        var ranks: [String: Int] = [:]
        var saved: [SafetensorsEntry] = []
        for entry in file.entries {
            guard let match = entry.name.wholeMatch(of: /(.+)\.lora_([AB])\.weight/) else {
                if entry.name.contains(".lora_") {
                    throw ConfigError(
                        file: file.path,
                        problem: "holds '\(entry.name)', which is not a matrix of a linear layer's LoRA; "
                            + "only those are supported")
                }
                saved.append(entry)
                continue
            }
            let module = map.plain(String(match.1))
            matrices[TextKey("\(module).lora_\(match.2).weight")] = CheckpointTensor.Part(
                file: file, entry: entry, slice: CheckpointMap.Slice())
            if match.2 == "A" { ranks[module] = entry.shape.first ?? 0 }
        }
        for (module, rank) in ranks.sorted(by: { $0.key < $1.key }) {
            let shape = matrices[TextKey("\(module).lora_B.weight")]?.entry.shape
            guard rank > 0, shape?.count == 2, shape?.last == rank else {
                throw ConfigError(
                    file: file.path,
                    problem: "has no matrices 'lora_A' [r, inputs] and 'lora_B' [outputs, r] for '\(module)'")
            }
        }
        if let strange = ranks.keys.sorted().first(where: { !lora.names($0, map) }) {
            throw ConfigError(
                file: directory.appendingPathComponent(Self.configFile).path, field: "target_modules",
                problem:
                    "leaves out '\(strange)', for which \(Self.weightsFile) has matrices, and PEFT would not use them; name "
                    + "it there, or take the matrices out of the file")
        }
        lora.ranks = ranks
        self.lora = lora
        self.matrices = matrices
        let names = Set(saved.map(\.name))
        savedTensors = try CheckpointTensor.all(in: [file], directory: directory) {
            names.contains($0) ? map.canonical($0.replacing(".modules_to_save.", with: ".")) : []
        }
        config = try Self.config(in: directory, base: base, lora, savedTensors)
        plan = AdapterPlan(lora, map: map, architecture: config.architecture ?? .encoder)
    }

    /// The adapted model's configuration.
    private static func config(
        in directory: URL, base: EncoderConfig, _ lora: LoRAConfig, _ saved: [TextKey: CheckpointTensor]
    ) throws -> EncoderConfig {
        let files = [modelFile, "config.json"].map { directory.appendingPathComponent($0) }
        if let own = files.first(where: { FileManager.default.fileExists(atPath: $0.path) }) {
            let config = try EncoderConfig(contentsOf: own)
            guard config.family.modelType == base.family.modelType else {
                throw ConfigError(
                    file: own.path, field: "model_type",
                    problem: "is '\(config.family.modelType)', but the adapter's base is of the family "
                        + "'\(base.family.modelType)'; choose the base that it was trained on")
            }
            guard config.layerCount == base.layerCount, config.hiddenSize == base.hiddenSize,
                config.vocabularySize == base.vocabularySize, config.normPosition == base.normPosition,
                config.activation == base.activation, config.positionCount == base.positionCount
            else {
                throw ConfigError(
                    file: own.path,
                    problem:
                        "is of a model with other sizes, activation or place of its norms than the adapter's base; "
                        + "choose the base that it was trained on")
            }
            return config
        }
        var config = base
        if let architecture = lora.architecture, let name = base.family.classes[architecture] {
            config.architectures = [name]
        }
        if let count = saved[TextKey("classifier.weight")]?.shape.first, count != base.labelCount {
            config.labels = (0..<count).map { "LABEL_\($0)" }
        }
        return config
    }

    // MARK: Reading

    private func part(_ stored: String) -> CheckpointTensor.Part? {
        matrices[TextKey(plan.map.plain(stored))]
    }

    /// The tensor of a parameter of an adapter that is trained further; nil for other parameters.
    func tensor(of parameter: String) -> CheckpointTensor? {
        guard !isMerged, let places = plan.places(of: parameter) else { return nil }
        var tensor = CheckpointTensor(count: places[0].source.count)
        for place in places {
            guard let part = part(place.name) else { return nil }
            _ = tensor.add(
                CheckpointTensor.Part(file: part.file, entry: part.entry, slice: place.slice),
                at: place.source.index)
        }
        return tensor
    }

    /// Adds scale · B A to the weights of a linear layer.
    func add(to weights: UnsafeMutableBufferPointer<Float>, of parameter: String) throws {
        guard isMerged, parameter.hasSuffix(".weight") else { return }
        for adapter in plan.parts(of: String(parameter.dropLast(".weight".count))).compactMap(\.self) {
            guard let input = part("\(adapter.module).lora_A.weight") else { continue }
            let a = try input.file.finiteFloats(named: input.entry.name)
            let columns = input.entry.shape[1]
            let b = try outputs(adapter)
            guard columns > 0, b.count / adapter.rank * columns * adapter.outputs.count == weights.count
            else {
                throw CheckpointError.mismatchedShapes(
                    directory: directory.path,
                    [
                        .init(
                            stored: input.entry.name,
                            expected: [adapter.rank, weights.count * adapter.rank / max(1, b.count)],
                            actual: input.entry.shape)
                    ])
            }
            let rows = adapter.outputs.rows(of: [weights.count / columns])
            for row in 0..<rows.count {
                let target = (rows.lowerBound + row) * columns
                for column in 0..<columns {
                    var sum = 0.0
                    for index in 0..<adapter.rank {
                        sum += Double(b[row * adapter.rank + index]) * Double(a[index * columns + column])
                    }
                    weights[target + column] += Float(sum * adapter.scale)
                }
            }
        }
    }

    /// The matrices of an adapter of a layer, or of some of its outputs.
    struct Block {
        let rank: Int
        let scale: Double
        /// A, row-major.
        let input: [Float]
        /// B, row-major.
        let output: [Float]
        /// The outputs that it is for.
        let outputs: CheckpointMap.Slice
    }

    /// The matrices of a layer, in the order of its outputs.
    func blocks(of layer: String) throws -> [Block] {
        try plan.parts(of: layer).compactMap(\.self).map { adapter in
            guard let input = part("\(adapter.module).lora_A.weight") else {
                throw ConfigError(file: directory.path, problem: "has no matrix A for '\(adapter.module)'")
            }
            return Block(
                rank: adapter.rank, scale: adapter.scale,
                input: try input.file.finiteFloats(named: input.entry.name), output: try outputs(adapter),
                outputs: adapter.outputs)
        }
    }

    /// Columns of a layer's matrices A.
    func rank(of layer: String) -> Int { plan.parts(of: layer).reduce(0) { $0 + ($1?.rank ?? 0) } }

    /// B of an adapter, row-major.
    private func outputs(_ adapter: AdapterPlan.Part) throws -> [Float] {
        var tensor = CheckpointTensor(count: adapter.places[0].source.count)
        for place in adapter.places {
            guard let part = part(place.name) else { continue }
            _ = tensor.add(
                CheckpointTensor.Part(file: part.file, entry: part.entry, slice: place.slice),
                at: place.source.index)
        }
        return try tensor.floats()
    }

    /// Names, as in the file, of matrices that belong to none of the parameters' layers.
    /// - Throws: `ConfigError` when none belongs to any.
    func unused(by parameters: [String]) throws -> [String] {
        var used: Set<TextKey> = []
        for name in parameters where name.hasSuffix(".weight") {
            for module in plan.modules(of: String(name.dropLast(".weight".count))) {
                let name = plan.map.plain(module.name)
                used.formUnion(["\(name).lora_A.weight", "\(name).lora_B.weight"].map { TextKey($0) })
            }
        }
        let unused = matrices.filter { !used.contains($0.key) }.map(\.value.entry.name).sorted()
        guard unused.isEmpty || unused.count < matrices.count else {
            throw ConfigError(
                file: directory.path,
                problem:
                    "holds \(Formatted.list(unused)), which are for other layers than those of the model; choose the "
                    + "base that the adapter was trained on")
        }
        return unused
    }

    // MARK: Writing

    /// Saves an adapter so that PEFT loads it unchanged, with the adapted model's configuration beside it, which PEFT does not
    /// ask for.
    ///
    /// - Parameters:
    ///   - parameters: those of the adapter and of the modules to save.
    ///   - base: the path of the model that it is for.
    ///   - provide: called once per parameter; hands its values to the sink, in one piece or several.
    package static func save(
        to directory: URL, _ plan: AdapterPlan, config: EncoderConfig, base: String,
        parameters: [ParameterSpec],
        provide: (ParameterSpec, @escaping (UnsafeBufferPointer<Float>) throws -> Void) throws -> Void
    ) throws {
        let saved = try config.saved(as: plan.architecture)
        try makeDirectory(directory.path)
        let tensors = SavedTensor.list(parameters) { name in
            plan.places(of: name) ?? plan.map.stored(name, in: plan.architecture)
        }
        let byName = Dictionary(
            tensors.map { (prefix + $0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let entries = tensors.map {
            SafetensorsEntry(name: prefix + $0.name, dataType: .f32, shape: $0.shape)
        }
        let weights = directory.appendingPathComponent(weightsFile)
        try SafetensorsWriter.write(entries, to: weights) { entry, sink in
            try byName[entry.name]?.write(provide: provide, to: sink)
        }
        let modules = entries.compactMap { entry in
            entry.name.wholeMatch(of: /base_model\.model\.(.+)\.lora_A\.weight/).map { String($0.1) }
        }
        let json = plan.config.json(of: plan.architecture, modules: modules, base: base)
        try AtomicFile.write(
            Data(json.text(.indented).utf8), to: directory.appendingPathComponent(configFile))
        try AtomicFile.write(try saved.json(), to: directory.appendingPathComponent(modelFile))
    }
}
