import Support

/// Which linear layers of a model have a low-rank adapter, and what its parameters are called here and in files.
///
/// An adapter belongs to a module of the model's files. A module may hold several layers, such as query, key and value, which
/// have A in common then and some rows of B each; or a part of one, which has an A and a B for each of its modules then.
package struct AdapterPlan: Sendable {
    package let config: LoRAConfig
    let map: CheckpointMap
    package let architecture: EncoderArchitecture
    private let savedModules: [String]

    package init(_ config: LoRAConfig, map: CheckpointMap, architecture: EncoderArchitecture) {
        self.config = config
        self.map = map
        self.architecture = architecture
        savedModules = config.savedModules(of: architecture)
    }

    /// An adapter of a linear layer, or of some of its outputs.
    struct Part {
        /// The module in files, whole.
        let module: String
        let rank: Int
        /// What the product with both matrices is multiplied by.
        let scale: Double
        /// The outputs that it is for.
        let outputs: CheckpointMap.Slice
        /// The parameter A.
        let input: String
        /// The parameter B.
        let output: String
        /// Where the rows of B are in files.
        var places: [CheckpointMap.Place]
    }

    /// The adapters of a linear layer, in the order of its outputs; nil for outputs that have none.
    func parts(of layer: String) -> [Part?] {
        let modules = modules(of: layer)
        return modules.enumerated().map { index, module in
            guard let rank = rank(of: module.name) else { return nil }
            let isOnly = modules.count == 1
            let number = isOnly ? "" : ".\(index)"
            let owner = map.canonical("\(module.name).weight")[0].name.dropLast(".weight".count)
            return Part(
                module: module.name, rank: rank, scale: config.scale(of: module.name, rank: rank),
                outputs: isOnly ? CheckpointMap.Slice() : module.places[0].source,
                input: "\(owner).lora_A\(number).weight", output: "\(layer).lora_B\(number).weight",
                places: module.places.map { place in
                    CheckpointMap.Place(
                        name: "\(module.name).lora_B.weight", slice: place.slice,
                        source: isOnly ? place.source : CheckpointMap.Slice())
                })
        }
    }

    /// The modules of files that hold a layer, with the places of its weights in each.
    func modules(of layer: String) -> [(name: String, places: [CheckpointMap.Place])] {
        var modules: [(name: String, places: [CheckpointMap.Place])] = []
        for place in map.stored("\(layer).weight", in: architecture) {
            let name = String(place.name.dropLast(".weight".count))
            if modules.last?.name == name {
                modules[modules.count - 1].places.append(place)
            } else {
                modules.append((name, [place]))
            }
        }
        return modules
    }

    /// Where the tensors of an adapter's parameter are in its files; nil for other parameters.
    func places(of parameter: String) -> [CheckpointMap.Place]? {
        guard let marker = parameter.firstMatch(of: /\.lora_([AB])(\.[0-9]+)?\.weight$/) else { return nil }
        let layer = String(parameter[..<marker.range.lowerBound])
        for part in parts(of: layer).compactMap(\.self) {
            if part.output == parameter { return part.places }
            if part.input == parameter {
                return [CheckpointMap.Place(name: "\(part.module).lora_A.weight")]
            }
        }
        return nil
    }

    /// Whether a parameter is trained and saved beside the adapters, because it belongs to one of the modules to save.
    package func saves(_ parameter: String) -> Bool {
        map.stored(parameter, in: architecture).contains { isSaved($0.name) }
    }

    /// Whether a parameter belongs to a module of files whose name ends so.
    package func isPart(_ parameter: String, of module: String) -> Bool {
        map.stored(parameter, in: architecture).contains { Self.isPart($0.name, of: module) }
    }

    // MARK: Which modules

    /// Whether a module has an adapter.
    func isAdapted(_ module: String) -> Bool { rank(of: module) != nil }

    private func rank(of module: String) -> Int? {
        if let ranks = config.ranks { return ranks[map.plain(module)] }
        return isTarget(module) ? config.rank : nil
    }

    private func isTarget(_ module: String) -> Bool {
        guard !isSaved(module) else { return false }
        guard !config.targetModules.isEmpty else {
            return map.canonical("\(module).weight").contains { layer in
                ["query", "value"].contains { layer.name.hasSuffix(".attention.self.\($0).weight") }
            }
        }
        return config.targetModules.contains { matches(module, $0) }
    }

    /// Whether a name is that of a module to save, or of something in one; it has no adapter then.
    private func isSaved(_ name: String) -> Bool { savedModules.contains { Self.isPart(name, of: $0) } }

    private static func isPart(_ name: String, of module: String) -> Bool {
        let parts = name.split(separator: ".")
        return parts.indices.contains { parts[...$0].joined(separator: ".").hasSuffix(module) }
    }

    /// Whether an entry of `targetModules` stands for a module.
    func matches(_ module: String, _ entry: String) -> Bool {
        if entry.lowercased() == LoRAConfig.allLinear { return true }
        if entry.contains(where: { "*?[".contains($0) }) { return Glob(entry).matches(module) }
        return module == entry || module.hasSuffix(".\(entry)")
    }
}
