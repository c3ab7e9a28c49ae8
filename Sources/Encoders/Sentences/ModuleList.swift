import Foundation
import Support

/// A `modules.json`: the encoder's folder, and the modules after it.
struct ModuleList {
    let encoderFolder: URL
    let modules: [ModuleEntry]

    /// - Returns: nil when the directory has no `modules.json`.
    /// - Throws: `ConfigError` for a list that does not begin with a Transformer.
    init?(directory: URL) throws {
        let file = directory.appendingPathComponent("modules.json")
        guard let value = try ModuleFile.value(at: file) else { return nil }
        func wrong(_ problem: String) -> ConfigError {
            ConfigError(file: file.path, problem: problem)
        }
        guard case .array(let items) = value, !items.isEmpty else {
            throw wrong("holds \(value.kind), expected an array of modules")
        }
        var names: Set<TextKey> = []
        var modules: [ModuleEntry] = []
        for (index, item) in items.enumerated() {
            guard case .object(let object) = item, case .string(let type)? = object["type"],
                case .string(let path)? = object["path"]
            else { throw wrong("module \(index) has no 'type' and 'path'; expected two texts") }
            guard !path.hasPrefix("/"), !path.hasPrefix("\\"), !path.split(separator: "/").contains("..")
            else {
                throw wrong("module \(index) has the path '\(path)'; expected a folder of this directory")
            }
            if case .string(let name)? = object["name"], !names.insert(TextKey(name)).inserted {
                throw wrong("has two modules with the name '\(name)'; expected different names")
            }
            let folder = path.isEmpty ? directory : directory.appendingPathComponent(path, isDirectory: true)
            modules.append(ModuleEntry(type: type, folder: folder, list: file.path))
        }
        guard modules[0].className == "Transformer" else {
            throw wrong("begins with the module \(modules[0].type), expected a Transformer")
        }
        encoderFolder = modules[0].folder
        self.modules = Array(modules.dropFirst())
    }
}

/// A module as it is listed.
struct ModuleEntry {
    /// The Python class.
    let type: String
    let folder: URL
    /// The file that lists it.
    let list: String

    /// The class without its Python module; the whole name when it is not sentence-transformers' own.
    var className: String {
        type.hasPrefix("sentence_transformers.") ? String(type.split(separator: ".").last ?? "") : type
    }

    /// What the module does.
    ///
    /// - Throws: `ConfigError` for a class that is not known here, and for settings that are not.
    func module(name: String) throws -> SentenceModule {
        switch className {
        case "Pooling": return try pooling()
        case "Dense": return try dense(name)
        case "LayerNorm":
            let settings: ConfigFields<LayerNormKey> = try settings()
            return SentenceModule(.layerNorm(width: try settings.size(.dimension)), name: name)
        case "WeightedLayerPooling":
            let settings: ConfigFields<WeightedLayersKey> = try settings()
            let start = try settings.integer(.layerStart) ?? 4
            guard start >= 0 else { throw settings.error(.layerStart, "is \(start), expected at least 0") }
            let layers = try settings.integer(.layers) ?? 12
            return SentenceModule(
                .weightedLayers(start: start, layers: layers), name: name, input: .tokens)
        case "Normalize":
            let settings: ConfigFields<FeatureKey> = try settings()
            let (input, output) = try settings.features(.input, .output)
            return SentenceModule(.normalize, input: input, output: output)
        case "Dropout":
            let settings: ConfigFields<DropoutKey> = try settings()
            let rate = try settings.number(.rate) ?? 0.2
            guard (0..<1).contains(rate) else {
                throw settings.error(.rate, "is \(rate), expected at least 0 and less than 1")
            }
            return SentenceModule(.dropout(rate: rate))
        default:
            throw ConfigError(
                file: list,
                problem:
                    "has the module \(type), which is not run here; expected Transformer, Pooling, Dense, "
                    + "LayerNorm, WeightedLayerPooling, Normalize or Dropout")
        }
    }

    /// The module's `config.json`; no fields when there is none.
    private func settings<Key: RawRepresentable<String> & CaseIterable>() throws -> ConfigFields<Key> {
        let file = folder.appendingPathComponent("config.json")
        return ConfigFields<Key>(file: file.path, object: try ModuleFile.object(at: file) ?? [:])
    }

    private func pooling() throws -> SentenceModule {
        let settings: ConfigFields<PoolingKey> = try settings()
        guard !settings.object.members.isEmpty else {
            throw ConfigError(
                file: settings.file, problem: "does not exist, expected the settings of the module Pooling")
        }
        for key in settings.object.names.sorted() where key.hasPrefix("pooling_mode") {
            guard PoolingKey(rawValue: key) != nil else {
                throw ConfigError(
                    file: settings.file, field: key, problem: "is not a known way of pooling")
            }
        }
        let includesPrompt = try settings.bool(.includePrompt) ?? true
        return SentenceModule(.pooling(try modes(settings), includesPrompt: includesPrompt))
    }

    /// `pooling_mode` where it is, else the flags of earlier versions in the order in which vectors are put together.
    private func modes(_ settings: ConfigFields<PoolingKey>) throws -> [EncoderPooling] {
        guard let value = settings.object[PoolingKey.modes.rawValue], value != .null else {
            let flags: [(PoolingKey, EncoderPooling)] = [
                (.cls, .cls), (.max, .max), (.mean, .mean), (.meanSqrtLength, .meanSqrtLength),
                (.weightedMean, .weightedMean), (.lastToken, .lastToken),
            ]
            let modes = try flags.filter { try settings.bool($0.0) ?? false }.map(\.1)
            return modes.isEmpty ? [.mean] : modes
        }
        let names: [String] =
            if case .string(let name) = value { [name] } else { try settings.strings(.modes) ?? [] }
        guard !names.isEmpty else { throw settings.error(.modes, "is empty, expected a way of pooling") }
        return try names.map { name in
            guard let mode = EncoderPooling(rawValue: name) else {
                let legal = EncoderPooling.allCases.map(\.rawValue).joined(separator: ", ")
                throw settings.error(.modes, "is '\(name)', expected some of \(legal)")
            }
            return mode
        }
    }

    private func dense(_ name: String) throws -> SentenceModule {
        let settings: ConfigFields<DenseKey> = try settings()
        let (input, output) = try settings.features(.input, .output)
        let kind = SentenceModule.Kind.dense(
            inputs: try settings.size(.inputs), outputs: try settings.size(.outputs),
            hasBias: try settings.bool(.bias) ?? true, activation: try activation(settings),
            hasResidual: try settings.bool(.residual) ?? false)
        return SentenceModule(kind, name: name, input: input, output: output)
    }

    private func activation(_ settings: ConfigFields<DenseKey>) throws -> DenseActivation {
        guard let value = settings.object[DenseKey.activation.rawValue] else { return .tanh }
        guard value != .null, let path = try settings.string(.activation) else { return .identity }
        let parts = path.split(separator: ".")
        guard parts.count >= 3, parts[0] == "torch", parts[1] == "nn",
            let activation = DenseActivation(rawValue: String(parts[parts.count - 1]))
        else {
            let legal = DenseActivation.allCases.map(\.rawValue).joined(separator: ", ")
            throw settings.error(.activation, "is '\(path)', expected torch.nn's \(legal)")
        }
        return activation
    }

    private enum PoolingKey: String, CaseIterable {
        case modes = "pooling_mode"
        case cls = "pooling_mode_cls_token"
        case max = "pooling_mode_max_tokens"
        case mean = "pooling_mode_mean_tokens"
        case meanSqrtLength = "pooling_mode_mean_sqrt_len_tokens"
        case weightedMean = "pooling_mode_weightedmean_tokens"
        case lastToken = "pooling_mode_lasttoken"
        case includePrompt = "include_prompt"
    }

    private enum DenseKey: String, CaseIterable {
        case inputs = "in_features"
        case outputs = "out_features"
        case bias
        case activation = "activation_function"
        case input = "module_input_name"
        case output = "module_output_name"
        case residual = "use_residual"
    }

    private enum DropoutKey: String, CaseIterable { case rate = "dropout" }

    private enum LayerNormKey: String, CaseIterable { case dimension }

    private enum WeightedLayersKey: String, CaseIterable {
        case layerStart = "layer_start"
        case layers = "num_hidden_layers"
    }

    private enum FeatureKey: String, CaseIterable {
        case input = "module_input_name"
        case output = "module_output_name"
    }
}

extension ConfigFields {
    /// A size that the file must give.
    fileprivate func size(_ key: Key) throws -> Int {
        guard let size = try integer(key) else { throw error(key, "is missing, expected a size") }
        guard (1...Int(Int32.max)).contains(size) else {
            throw error(key, "is \(size), expected 1 to \(Int32.max)")
        }
        return size
    }

    /// What a module reads and writes.
    fileprivate func features(
        _ input: Key, _ output: Key
    ) throws -> (SentenceModule.Feature, SentenceModule.Feature) {
        func feature(_ key: Key) throws -> SentenceModule.Feature? {
            guard let name = try string(key) else { return nil }
            guard let feature = SentenceModule.Feature(rawValue: name) else {
                let legal = SentenceModule.Feature.allCases.map(\.rawValue).joined(separator: " or ")
                throw error(key, "is '\(name)', expected \(legal)")
            }
            return feature
        }
        let source = try feature(input) ?? .sentence
        return (source, try feature(output) ?? source)
    }
}
