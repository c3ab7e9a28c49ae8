import Encoders
import Foundation
import Support

/// A model whose low-rank adapter is added to its weights for good.
public struct MergedModel {
    private let files: ModelDirectory
    private let checkpoint: EncoderCheckpoint
    private let path: String

    /// Opens a model with its adapter.
    ///
    /// - Parameters:
    ///   - path: a model directory, or that of an adapter which names its base.
    ///   - adapter: the directory of the adapter, where `path` is the model's.
    /// - Throws: one-line errors that name the file; `ModelError` when there is no adapter, or one for other layers.
    public init(_ path: String, adapter: String? = nil) throws {
        self.path = path
        files = try ModelDirectory(path, adapter: adapter)
        guard let adapter = files.adapter else {
            throw ModelError(
                .invalidModel, "is not an adapter; give one, or the directory of one that names its base",
                at: path)
        }
        checkpoint = try files.checkpoint()
        let strange = try checkpoint.report(for: checkpoint.weights).unexpected.filter {
            $0.contains(".lora_")
        }
        guard strange.isEmpty else {
            throw ModelError(
                .invalidModel,
                "is for layers that the base model does not have: \(Formatted.list(strange)); choose the base that it was "
                    + "trained on", at: adapter.directory.path)
        }
    }

    /// Writes the model as Hugging Face lays it out, in F32, with the tokeniser of its base; one that makes vectors of texts as
    /// sentence-transformers does, with the modules of its directory.
    ///
    /// - Throws: what writing throws; `ModelError` for the directory of the base or the adapter.
    public func save(to directory: String) throws {
        let url = URL(file: directory, isDirectory: true).standardizedFileURL
        let sources = [files.directory, files.adapter?.directory].compactMap {
            $0?.resolvingSymlinksInPath().path
        }
        guard !sources.contains(url.resolvingSymlinksInPath().path) else {
            throw ModelError(
                .unwritable, "holds the model or the adapter; choose another directory", at: directory)
        }
        let head = try EncoderHead(of: files.config, checkpoint: checkpoint)
        try EncoderCheckpoint.save(
            to: url, config: files.config, architecture: files.config.architecture ?? head.architecture,
            parameters: checkpoint.weights
        ) { spec, sink in
            try checkpoint.floats(of: spec.name).withUnsafeBufferPointer { try sink($0) }
        }
        try files.saveCompanions(to: url)
    }
}

extension ModelDirectory {
    /// Writes what stands beside the weights of a copy of the model: the tokeniser, and the modules of a model that makes vectors
    /// of texts.
    func saveCompanions(to url: URL) throws {
        let tokenizer = try tokenizer()
        try tokenizer.save(to: url.path)
        guard let sentence, config.architecture.map(\.makesVectors) ?? true else { return }
        let longest = min(tokenizer.modelMaxLength ?? .max, config.positionCount)
        var values: [String: [Float]] = [:]
        try sentence.loadParameters { values[$0.name] = $1 }
        try SentenceLayout(of: sentence, config: config, maxLength: longest).save(to: url) {
            values[$0] ?? []
        }
    }
}

extension EncoderArchitecture {
    /// Whether sentence-transformers would use a model of this kind for vectors, which have no classifier.
    fileprivate var makesVectors: Bool {
        switch self {
        case .encoder, .maskedLanguageModel, .pretraining, .discriminator: true
        case .sequenceClassification, .tokenClassification, .questionAnswering, .multipleChoice,
            .nextSentencePrediction:
            false
        }
    }
}
