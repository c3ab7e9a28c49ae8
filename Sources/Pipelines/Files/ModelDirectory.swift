import Encoders
import Foundation
import Support
import Text

/// Where the parts of a saved model are: found from the model's directory, or from its configuration file.
///
/// The encoder of a sentence-transformers directory may be in a folder of its own. A directory with an adapter names that of its base.
package struct ModelDirectory {
    /// The folder of the encoder's weights, its configuration and its tokeniser.
    package let directory: URL
    package let config: EncoderConfig
    /// What a sentence-transformers directory says beside its encoder.
    package let sentence: SentenceModules?
    /// The low-rank adapter of the model.
    package let adapter: AdapterCheckpoint?

    /// Finds the parts of a model.
    ///
    /// - Parameters:
    ///   - path: its directory or configuration, or the directory of an adapter.
    ///   - adapter: the directory of an adapter for it.
    ///   - mergesAdapter: whether the adapter becomes part of the weights, or is trained further.
    package init(_ path: String, adapter: String? = nil, mergesAdapter: Bool = true) throws {
        if AdapterCheckpoint.exists(in: URL(file: path, isDirectory: true)) {
            guard adapter == nil else {
                throw ModelError(
                    .invalidModel, "is an adapter itself; give its base model beside another adapter",
                    at: path)
            }
            try self.init(
                base: Self.base(of: path), adapter: URL(file: path, isDirectory: true), merges: mergesAdapter)
        } else {
            try self.init(
                base: path, adapter: adapter.map { URL(file: $0, isDirectory: true) }, merges: mergesAdapter)
        }
    }

    /// The model that the adapter of a directory is for, by a path from the working directory or from its own.
    private static func base(of path: String) throws -> String {
        let directory = URL(file: path, isDirectory: true)
        let file = directory.appendingPathComponent(AdapterCheckpoint.configFile)
        let base = try LoRAConfig(contentsOf: file).basePath ?? ""
        let candidates = [base, directory.appendingPathComponent(base).path]
        guard !base.isEmpty, let found = candidates.first(where: FileManager.default.fileExists) else {
            throw ModelError(
                .missingFile,
                "its base_model_name_or_path is '\(base)', and there is no such directory; give the directory of the base "
                    + "model, and this one as its adapter", at: file.path)
        }
        return found
    }

    private init(base path: String, adapter: URL?, merges: Bool) throws {
        let expected = "a model directory, or its config.json or model.json"
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ModelError(.missingFile, "no such model; expected \(expected)", at: path)
        }
        let url = URL(file: path, isDirectory: isDirectory.boolValue)
        let root = isDirectory.boolValue ? url : url.deletingLastPathComponent()
        let own = try SentenceModules(directory: root)
        let directory = own?.encoderDirectory ?? root
        self.directory = directory
        // An adapter that sentence-transformers saved has modules of its own, which may have been trained with it.
        sentence = try adapter.flatMap { try SentenceModules(directory: $0, encoder: directory) } ?? own
        let hasConfig = ["model.json", "config.json"].contains {
            FileManager.default.fileExists(atPath: directory.appendingPathComponent($0).path)
        }
        guard !isDirectory.boolValue || hasConfig else {
            throw ModelError(
                .missingFile, "holds no config.json and no model.json; expected \(expected)",
                at: directory.path)
        }
        let base = try EncoderConfig(contentsOf: isDirectory.boolValue ? directory : url)
        if let adapter, !AdapterCheckpoint.exists(in: adapter) {
            throw ModelError(
                .missingFile,
                "holds no \(AdapterCheckpoint.configFile); expected the directory of an adapter",
                at: adapter.path)
        }
        self.adapter = try adapter.map { try AdapterCheckpoint(directory: $0, base: base, isMerged: merges) }
        config = self.adapter?.config ?? base
    }

    /// The model's weights, with its adapter.
    package func checkpoint() throws -> EncoderCheckpoint {
        try EncoderCheckpoint(directory: directory, adapter: adapter)
    }

    /// Adapters over the model, of which each sequence uses one; nil for none.
    package func stack(_ directories: [String]) throws -> AdapterStack? {
        guard !directories.isEmpty else { return nil }
        return try AdapterStack(
            directories.map { path in
                let directory = URL(file: path, isDirectory: true)
                guard AdapterCheckpoint.exists(in: directory) else {
                    throw ModelError(
                        .missingFile,
                        "holds no \(AdapterCheckpoint.configFile); expected the directory of an adapter",
                        at: path)
                }
                if let own = try SentenceModules(directory: directory, encoder: self.directory),
                    own.modules != sentence?.modules ?? [.pooling(config.pooling)]
                        || own.modules.contains(where: { !$0.parameterNames.isEmpty })
                {
                    throw ModelError(
                        .invalidModel,
                        "has modules of its own behind the encoder; adapters that share a base have the base's: give it as a "
                            + "model of its own", at: path)
                }
                return try AdapterCheckpoint(directory: directory, base: config)
            })
    }

    /// The tokeniser of the directory, or another one, as a sentence-transformers module changes it.
    package func tokenizer(at path: String? = nil) throws -> any Tokenizer {
        let tokenizer = try TokenizerSource(contentsOf: path ?? directory.path).tokenizer()
        guard let input = sentence?.input else { return tokenizer }
        return try tokenizer.adapted(lowercases: input.lowercases, maxLength: input.maxLength)
    }

    /// What to know about the directory, one line each.
    package var notes: [String] {
        var notes = sentence?.notes ?? []
        let file = "sentence_bert_config.json"
        if sentence == nil,
            FileManager.default.fileExists(atPath: directory.appendingPathComponent(file).path)
        {
            notes.append("\(file) has no effect without a modules.json, as in sentence-transformers")
        }
        return notes
    }
}

/// What a model's files say about the length of sequences.
package struct LengthLimit {
    /// Tokens of a sequence at most.
    package let length: Int
    /// The file that says so.
    package let file: String

    /// A sentence-transformers module's length stands above the tokeniser's, as it does there.
    ///
    /// - Returns: nil when neither says anything.
    /// - Throws: `ModelError` for a length that has no room for a text.
    package init?(of files: ModelDirectory?, _ tokenizer: any Tokenizer, at directory: String) throws {
        guard let length = tokenizer.modelMaxLength else { return nil }
        self.length = length
        let input = files?.sentence?.input
        let url = URL(file: directory, isDirectory: true)
        file =
            input?.maxLength != nil
            ? input?.file ?? "" : url.appendingPathComponent("tokenizer_config.json").path
        guard length >= 3 else {
            throw ModelError(
                .invalidModel,
                "allows \(length) tokens, which leaves no room for a text between [CLS] and [SEP]; expected at least 3",
                at: file)
        }
    }

    /// What to know when another length is asked for.
    package func note(of length: Int?) -> [String] {
        guard let length, length > self.length else { return [] }
        return ["\(file) allows \(self.length) tokens; \(length) are used, as requested"]
    }
}

extension EncoderHead {
    /// The head of a checkpoint: what its class says, else what its tensors show.
    package init(of config: EncoderConfig, checkpoint: EncoderCheckpoint) throws {
        let names = Set(checkpoint.parameters.map(\.name))
        let layer = config.family.spec(of: config).heads.sequence.transform.name
        let byTensors: EncoderArchitecture =
            names.contains("classifier.weight")
            ? names.contains("\(layer).dense.weight") ? .sequenceClassification : .tokenClassification
            : names.isDisjoint(with: ["cls.predictions.bias", "cls.predictions.decoder.weight"])
                ? Self.otherArchitecture { names.contains($0) }
                : names.contains("cls.seq_relationship.weight") ? .pretraining : .maskedLanguageModel
        // Of families without such classes. Their tensors have the names of classifiers: a single output that chooses one of
        // several texts would pass for a regression, and the two that find an answer's ends for classes.
        let others = ["ForMultipleChoice", "ForQuestionAnswering"]
        let isOther =
            config.architecture == nil
            && config.architectures.contains { name in others.contains { name.hasSuffix($0) } }
        self.init(
            of: isOther ? .encoder : config.architecture ?? byTensors, config.problemType,
            labels: config.labelCount)
    }

    /// A model without a classifier and without the head of a masked language model.
    private static func otherArchitecture(_ has: (String) -> Bool) -> EncoderArchitecture {
        if has("discriminator.prediction.weight") { return .discriminator }
        if has("qa_outputs.weight") { return .questionAnswering }
        return has("cls.seq_relationship.weight") ? .nextSentencePrediction : .encoder
    }
}
