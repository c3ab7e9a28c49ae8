import Foundation
import Support

/// What a sentence-transformers directory (one with a `modules.json`) says beside its encoder: the modules that make a
/// vector of the encoder's token states, and how texts are prepared.
package struct SentenceModules: Sendable {
    /// The modules after the encoder.
    package let modules: [SentenceModule]
    /// The folder of the encoder and its tokeniser.
    package let encoderDirectory: URL
    /// How texts are prepared.
    package let input: SentenceInput
    /// Texts that stand before a text, by name.
    package let prompts: [TextKey: String]
    /// The prompt that is used when none is asked for.
    package let defaultPromptName: String?
    /// Elements of a vector that are kept; nil for all.
    package let keptWidth: Int?
    /// What is in the directory and has no effect.
    package let notes: [String]

    /// The folder of each module, in the order of `modules`.
    private let folders: [URL]
    /// The modules after the encoder as they are listed, also those without effect.
    let entries: [ModuleEntry]
    /// The directory itself.
    let directory: URL

    /// Reads the modules of a directory.
    ///
    /// - Parameter encoder: the folder of the encoder, where it is not in the directory, which has an adapter for it.
    /// - Returns: nil when it has no `modules.json`.
    /// - Throws: `ConfigError` for a module that is not known, or has settings that are not.
    package init?(directory: URL, encoder: URL? = nil) throws {
        guard let list = try ModuleList(directory: directory) else { return nil }
        encoderDirectory = encoder ?? list.encoderFolder
        input = try SentenceInput(folder: list.encoderFolder)
        let settings = try SentenceSettings(directory: directory)
        // Of another kind of model only the encoder is used, as sentence-transformers does.
        self.directory = directory
        let isOwn = settings.modelType == "SentenceTransformer"
        let entries = isOwn ? list.modules : []
        self.entries = entries
        prompts = isOwn ? settings.prompts : [:]
        defaultPromptName = isOwn ? settings.defaultPromptName : nil
        keptWidth = isOwn ? settings.truncatedWidth : nil
        var modules: [SentenceModule] = []
        var folders: [URL] = []
        var notes = input.notes
        if !isOwn {
            notes.append(
                "is a \(settings.modelType): its own modules are not used, and vectors are means of token states"
            )
        }
        for (index, entry) in entries.enumerated() {
            let module = try entry.module(name: "modules.\(index + 1)")
            if case .weightedLayers = module.kind, !(try input.givesAllLayers(in: encoderDirectory)) {
                notes.append(
                    "WeightedLayerPooling has no effect, because config.json does not set 'output_hidden_states'"
                )
                continue
            }
            modules.append(module)
            folders.append(entry.folder)
        }
        let isEncoderOnly = isOwn && modules.allSatisfy { $0.dropoutRate > 0 }
        if isEncoderOnly { notes.append("modules.json has no Pooling: vectors are means of token states") }
        self.modules = isOwn && !isEncoderOnly ? modules : [.pooling(.mean)]
        self.folders = isOwn && !isEncoderOnly ? folders : [encoderDirectory]
        self.notes = notes
    }

    /// The elements of a vector before any are cut off, when the encoder's states have `hiddenSize`.
    ///
    /// - Throws: `ConfigError` when a module takes vectors of another width, or the modules make no vector.
    package func width(hiddenSize: Int, layers: Int) throws -> Int {
        try Self.width(of: modules, in: folders, hiddenSize: hiddenSize, layers: layers)
    }

    /// These modules with another way of pooling.
    package func pooling(by mode: EncoderPooling) -> [SentenceModule] {
        modules.map { module in
            guard case .pooling(_, let includesPrompt) = module.kind else { return module }
            var module = module
            module.kind = .pooling([mode], includesPrompt: includesPrompt)
            return module
        }
    }

    /// Checks that other modules in place of these fit each other, and says how wide their vectors are.
    package func width(of modules: [SentenceModule], hiddenSize: Int, layers: Int) throws -> Int {
        try Self.width(of: modules, in: folders, hiddenSize: hiddenSize, layers: layers)
    }

    private static func width(
        of modules: [SentenceModule], in folders: [URL], hiddenSize: Int, layers: Int
    ) throws -> Int {
        var widths: [SentenceModule.Feature: Int] = [.tokens: hiddenSize]
        for (module, folder) in zip(modules, folders) {
            func wrong(_ problem: String) -> ConfigError {
                ConfigError(file: folder.appendingPathComponent("config.json").path, problem: problem)
            }
            let isPooling = if case .pooling = module.kind { true } else { false }
            guard let width = widths[isPooling ? .tokens : module.input] else {
                throw wrong("is of a module that stands before a Pooling; expected it after one")
            }
            let wanted: Int? =
                switch module.kind {
                case .dense(let inputs, _, _, _, _): inputs
                case .layerNorm(let own): own
                case .weightedLayers, .pooling, .normalize, .dropout: nil
                }
            if let wanted, wanted != width {
                throw wrong("is for vectors of \(wanted) elements, but gets \(width)")
            }
            if case .weightedLayers(let start, let own) = module.kind, own != layers || start > layers {
                throw wrong(
                    "is for layers \(start) to \(own), but the encoder has \(layers)")
            }
            widths[isPooling ? .sentence : module.output] = module.outputWidth(of: width)
        }
        guard let width = widths[.sentence] else {
            throw ConfigError(
                file: folders.first?.deletingLastPathComponent().path ?? "modules.json",
                problem: "has no Pooling among its modules, so that texts get no vectors; expected one")
        }
        return width
    }

    /// The parameters of the modules: their names in the graph, shapes and values.
    ///
    /// - Throws: `CheckpointError` or `SafetensorsError` when a module's weights are not as its configuration says.
    package func loadParameters(_ body: (ParameterSpec, [Float]) throws -> Void) throws {
        for (module, folder) in zip(modules, folders) where !module.parameters.isEmpty {
            let checkpoint = try ModuleCheckpoint(folder)
            try checkpoint.check(module.parameters)
            for spec in module.parameters {
                try body(
                    ParameterSpec("\(module.name).\(spec.name)", spec.shape), checkpoint.floats(of: spec.name)
                )
            }
        }
    }
}

/// The weights of one module.
private struct ModuleCheckpoint {
    private let folder: URL
    private let files: [SafetensorsFile]

    init(_ folder: URL) throws {
        self.folder = folder
        files = try CheckpointFiles.open(in: folder)
    }

    /// Checks that the file holds these tensors and no others.
    func check(_ specs: [ParameterSpec]) throws {
        for spec in specs {
            guard let entry = files.lazy.compactMap({ $0.entry(named: spec.name) }).first else {
                throw CheckpointError.missing(directory: folder.path, tensor: spec.name)
            }
            guard entry.shape == spec.shape else {
                throw CheckpointError.mismatchedShapes(
                    directory: folder.path,
                    [.init(stored: entry.name, expected: spec.shape, actual: entry.shape)])
            }
            guard entry.dataType.isWeight else {
                throw CheckpointError.notFloating(
                    directory: folder.path, tensor: entry.name, found: entry.dataType)
            }
        }
        let known = Set(specs.map(\.name))
        let others = files.flatMap(\.entries).map(\.name).filter { !known.contains($0) }
        guard others.isEmpty else {
            throw CheckpointError.unexpected(directory: folder.path, tensors: others.sorted())
        }
    }

    func floats(of name: String) throws -> [Float] {
        guard let file = files.first(where: { $0.entry(named: name) != nil }) else { return [] }
        return try file.finiteFloats(named: name)
    }
}
