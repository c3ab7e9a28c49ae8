import Encoders
import Foundation
import GraphCompiler
import Pipelines
import Support
import Text

/// The model that a configuration names: its configuration, tokeniser, and weights if it has any.
struct ModelSource {
    let path: String
    /// With the configuration's dropout rates.
    let config: EncoderConfig
    /// The one that is named or stands beside the model; for pre-training without one, trained on the text.
    let tokenizer: any Tokenizer
    /// `nil` for a `model.json`, whose parameters start fresh.
    let checkpoint: EncoderCheckpoint?
    /// What a sentence-transformers directory says beside its encoder.
    let sentence: SentenceModules?
    /// What its files say about the length of sequences.
    let limit: LengthLimit?
    /// What to know about its files, one line each.
    let notes: [String]
    /// The low-rank adapter that is made or trained further; `nil` where the weights are trained.
    let adapter: LoRAConfig?
    /// What a fresh model starts as.
    private let initial: InitialLayers?
    /// The directory of the weights.
    let directory: String?
    /// Learns the model's attention mask; `nil` when it has one, or none.
    let gates: AttentionGates?

    init(_ training: TrainingConfig) throws {
        path = training.resolve(training.model.path)
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ModelError(
                .missingFile,
                "no such model; expected a model directory, or a model.json for fresh parameters",
                at: path)
        }
        let url = URL(file: path, isDirectory: isDirectory.boolValue)
        let files =
            isDirectory.boolValue
            ? try ModelDirectory(
                path, adapter: training.adapter.path.map(training.resolve), mergesAdapter: false) : nil
        sentence = files?.sentence
        checkpoint = try files?.checkpoint()
        adapter = try Self.adapter(training, files, at: path)
        self.directory = files?.directory.path
        var config = try files?.config ?? EncoderConfig(contentsOf: url)
        try Self.checkRates(training, config.family)
        config.hiddenDropout = training.model.hiddenDropout ?? config.hiddenDropout
        config.attentionDropout = training.model.attentionDropout ?? config.attentionDropout
        config.classifierDropout = training.model.classifierDropout ?? config.classifierDropout
        config.stochasticDepth = training.model.stochasticDepth ?? config.stochasticDepth
        let own = config
        config.shareLayers = training.model.shareLayers ?? config.shareLayers
        config.embeddingSize = training.model.embeddingSize ?? config.embeddingSize
        try Self.checkWeights(of: checkpoint == nil ? config : own, fit: config, training)
        try config.validate(file: path)
        self.config = config
        gates = try AttentionGates(training, config, at: path)
        initial = try InitialLayers(training, student: config)
        guard initial == nil || checkpoint == nil else {
            throw training.error(
                "initFromLayers",
                "is for a fresh model, but \(path) has weights; name a model.json, or remove it")
        }
        if adapter == nil { try Self.checkMemory(config, training.optimizer.states, at: path) }

        let directory = files?.directory.path ?? path.parentPath
        let besideModel = directory.isEmpty ? "." : directory
        let tokenizerPath = training.model.tokenizer.map(training.resolve) ?? besideModel
        let tokenizer: any Tokenizer =
            if training.task == .pretrain, training.model.tokenizer == nil, checkpoint == nil,
                !TokenizerFiles.exist(in: besideModel)
            {
                try PipelineTokenizer(
                    trainedOn: try Self.textFiles(of: training), size: config.vocabularySize)
            } else {
                try files?.tokenizer(at: tokenizerPath)
                    ?? TokenizerSource(contentsOf: tokenizerPath).tokenizer()
            }
        self.tokenizer = try tokenizer.limited(
            toRows: config.vocabularySize, types: config.acceptedTokenTypes)
        limit = try LengthLimit(of: files, tokenizer, at: tokenizerPath)
        notes =
            (files?.notes ?? []) + tokenizer.notes + (limit?.note(of: training.data.maxLength) ?? [])
            + (training.task == .embedding ? [] : Self.unused(files))
    }

    /// The adapter that is trained: a new one, or that of the model.
    private static func adapter(
        _ training: TrainingConfig, _ files: ModelDirectory?, at path: String
    ) throws -> LoRAConfig? {
        guard files != nil || !training.adapter.isOn else {
            throw ModelError(
                .invalidSetting,
                "has no weights, which an adapter would be added to; name a model directory, or train without",
                at: path)
        }
        guard let own = files?.adapter else { return training.adapter.lora }
        guard training.adapter.rank == nil else {
            throw ModelError(
                .invalidSetting,
                "is an adapter, which is trained further as it is; remove 'loraRank', or merge it first",
                at: path)
        }
        return own.lora
    }

    /// The texts that a vocabulary is learnt from before they are tokenised.
    private static func textFiles(of training: TrainingConfig) throws -> [String] {
        let files = training.pretraining.textFiles.map(training.dataPath)
        if let pipe = files.first(where: { !DataPath.isRepeatable($0) }) {
            throw ModelError(
                .invalidSetting,
                "'textFiles' has \(DataPath.name(of: pipe)), which can be read only once, but a vocabulary is learned from the "
                    + "texts first; write them to a file, or name a 'tokenizer'", at: training.file)
        }
        return files
    }

    /// The modules of a sentence-transformers directory that are not trained further.
    private static func unused(_ files: ModelDirectory?) -> [String] {
        guard let sentence = files?.sentence, sentence.modules != [.pooling(.mean)] else { return [] }
        return ["its encoder is trained; the modules after it in modules.json are not part of the new model"]
    }

    /// Refuses a rate that a model of the family has no use for.
    private static func checkRates(_ training: TrainingConfig, _ family: any EncoderFamily) throws {
        let rates: [(field: String, value: Double?, key: EncoderConfig.Key)] = [
            ("hiddenDropout", training.model.hiddenDropout, .hiddenDropout),
            ("classifierDropout", training.model.classifierDropout, .classifierDropout),
        ]
        for rate in rates where rate.value != nil && family.keys.ignored.contains(rate.key) {
            throw ConfigError(
                file: training.file, field: rate.field,
                problem:
                    "means nothing in the family '\(family.modelType)', whose config.json has rates of its own; remove it"
            )
        }
    }

    /// Refuses to train weights as if they had been trained with other sharing or another width of embeddings.
    private static func checkWeights(
        of own: EncoderConfig, fit config: EncoderConfig, _ training: TrainingConfig
    ) throws {
        func refuse(_ field: String, _ asked: String, _ found: String) -> ConfigError {
            ConfigError(
                file: training.file, field: field,
                problem:
                    "is \(asked), but the model's weights were trained with \(found); remove it, or start from "
                    + "a model.json")
        }
        guard config.shareLayers == own.shareLayers else {
            throw refuse("shareLayers", "\"\(config.shareLayers)\"", "\"\(own.shareLayers)\"")
        }
        guard config.embeddingWidth == own.embeddingWidth else {
            throw refuse("embeddingSize", "\(config.embeddingWidth)", "\(own.embeddingWidth)")
        }
    }

    /// Refuses a model whose weights, gradients and two moments alone are more than the machine's memory.
    private static func checkMemory(
        _ config: EncoderConfig, _ states: OptimizerStates, at path: String
    ) throws {
        let needed = config.parameterEstimate * Double(2 * ElementType.f32.byteCount + 2 * states.byteCount)
        let available = Double(ProcessInfo.processInfo.physicalMemory)
        guard needed <= available else {
            func gigabytes(_ bytes: Double) -> String { String(format: "%.1f GB", bytes / 1e9) }
            throw ModelError(
                .invalidModel,
                "training it needs \(gigabytes(needed)) for weights, gradients and moments, and this machine has "
                    + "\(gigabytes(available)); choose smaller sizes", at: path)
        }
    }

    /// Sets every parameter: to the checkpoint's values where it has them, else to fresh ones.
    ///
    /// - Parameters:
    ///   - keepsHead: whether a classifier in the checkpoint is of the same labels.
    ///   - inBF16: names of the parameters that are kept rounded.
    /// - Throws: `CheckpointError` for shapes that differ, `ModelError` when the encoder itself is not complete.
    func initialize(
        _ store: ParameterStore, _ specs: [ParameterSpec], keepsHead: Bool, initializer: ParameterInitializer,
        inBF16: Set<String> = []
    ) throws -> LoadReport? {
        let names = Set(specs.map(\.name))
        var modules: [String: [Float]] = [:]
        try sentence?.loadParameters { if names.contains($0.name) { modules[$0.name] = $1 } }
        var report = try checkpoint.map {
            try self.report(of: $0, for: specs.filter { modules[$0.name] == nil }, keepsHead: keepsHead)
        }
        let loaded = Set(report?.loaded ?? [])
        let taught = try initial?.loaded(specs) ?? []
        report?.loaded += specs.map(\.name).filter { modules[$0] != nil }
        for spec in specs {
            if let values = modules[spec.name] {
                try store.set(spec.name, try TensorData(values, shape: spec.shape))
                continue
            }
            func fill(_ values: UnsafeMutableBufferPointer<Float>) throws {
                if let checkpoint, loaded.contains(spec.name) {
                    try checkpoint.copyFloats(of: spec.name, into: values)
                } else if let initial, taught.contains(spec.name) {
                    try initial.copyFloats(of: spec, into: values)
                } else {
                    _ = values.update(fromContentsOf: initializer.values(for: spec))
                }
            }
            if inBF16.contains(spec.name) {
                try store.setRounded(spec.name, shape: spec.shape, fill)
            } else {
                try store.set(spec.name, shape: spec.shape, fill)
            }
        }
        return report
    }

    /// The adapter of a head: what the weights lack is saved with a new one, unless it is said what is.
    ///
    /// - Throws: `ConfigError` where modules that start fresh would be lost.
    func adapter(of head: EncoderHead, _ config: EncoderConfig, keepsHead: Bool, file: String) throws
        -> LoRAConfig?
    {
        guard var adapter, let checkpoint else { return adapter }
        let specs = try EncoderGraph(config: config, head: head, isTraining: false).build().parameters
        let report = try report(of: checkpoint, for: specs, keepsHead: keepsHead)
        let graph = EncoderGraph(config: config, head: head, isTraining: false, adapter: adapter)
        if adapter.ranks == nil, let plan = graph.adapterPlan,
            let strange = adapter.modulesToSave?.first(where: { module in
                !specs.contains { plan.isPart($0.name, of: module) }
            })
        {
            throw ConfigError(
                file: file, field: "modulesToSave",
                problem: "has \"\(strange)\", which is the end of no module's name; correct or remove it")
        }
        let lost = (report.missing + report.replaced).filter { graph.adapterPlan?.saves($0.name) == false }
        guard !lost.isEmpty else { return adapter }
        let map = checkpoint.storedNames
        let modules = lost.flatMap { map($0.name) }.map {
            $0.split(separator: ".").dropLast().joined(separator: ".")
        }
        guard adapter.modulesToSave == nil else {
            throw ConfigError(
                file: file, field: "modulesToSave",
                problem: "leaves out what the model's weights lack, which an adapter would go without: "
                    + "\(Formatted.list(Set(modules).sorted())); add it, or remove the field")
        }
        adapter.modulesToSave = Set(modules).sorted()
        return adapter
    }

    /// What the checkpoint has for these parameters.
    private func report(
        of checkpoint: EncoderCheckpoint, for specs: [ParameterSpec], keepsHead: Bool
    ) throws -> LoadReport {
        let fresh = specs.filter { !keepsHead && $0.isHead }
        // Of a new adapter no one expects anything.
        let own = specs.filter { !$0.isAdapter || adapter?.ranks != nil }
        var report = try checkpoint.report(for: own.filter { !fresh.contains($0) })
        let incomplete = report.missing.filter(\.isEncoder)
        guard incomplete.isEmpty else {
            throw ModelError(
                .invalidModel,
                "the weights lack \(Formatted.count(incomplete.count, "tensor")) of the encoder: "
                    + Formatted.list(incomplete.map(\.name))
                    + "; check the sizes in its configuration",
                at: path)
        }
        let names = Set(fresh.map { TextKey($0.name) })
        func known(_ stored: String) -> [TextKey] {
            checkpoint.canonicalNames(of: stored).map { TextKey($0) }.filter(names.contains)
        }
        let replaced = Set(report.unexpected.flatMap(known))
        report.unexpected.removeAll { !known($0).isEmpty }
        report.missing += fresh.filter { !replaced.contains(TextKey($0.name)) }
        report.replaced = fresh.filter { replaced.contains(TextKey($0.name)) }
        return report
    }
}
