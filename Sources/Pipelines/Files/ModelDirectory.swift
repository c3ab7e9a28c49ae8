import Encoders
import Foundation
import Support
import Text

/// Where the parts of a saved model are: found from the model's directory, or from its configuration file.
///
/// The encoder of a sentence-transformers directory may be in a folder of its own.
package struct ModelDirectory {
    /// The folder of the encoder's weights, its configuration and its tokeniser.
    package let directory: URL
    package let config: EncoderConfig
    /// What a sentence-transformers directory says beside its encoder.
    package let sentence: SentenceModules?

    package init(_ path: String) throws {
        let expected = "a model directory, or its config.json or model.json"
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw ModelError(.missingFile, "no such model; expected \(expected)", at: path)
        }
        let url = URL(file: path, isDirectory: isDirectory.boolValue)
        let root = isDirectory.boolValue ? url : url.deletingLastPathComponent()
        sentence = try SentenceModules(directory: root)
        let directory = sentence?.encoderDirectory ?? root
        self.directory = directory
        let hasConfig = ["model.json", "config.json"].contains {
            FileManager.default.fileExists(atPath: directory.appendingPathComponent($0).path)
        }
        guard !isDirectory.boolValue || hasConfig else {
            throw ModelError(
                .missingFile, "holds no config.json and no model.json; expected \(expected)",
                at: directory.path)
        }
        config = try EncoderConfig(contentsOf: isDirectory.boolValue ? directory : url)
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
                ? Self.otherArchitecture(names)
                : names.contains("cls.seq_relationship.weight") ? .pretraining : .maskedLanguageModel
        // Of families without such classes. Their tensors have the names of classifiers: a single output that chooses one of
        // several texts would pass for a regression, and the two that find an answer's ends for classes.
        let others = ["ForMultipleChoice", "ForQuestionAnswering"]
        let isOther =
            config.architecture == nil
            && config.architectures.contains { name in others.contains { name.hasSuffix($0) } }
        switch isOther ? .encoder : config.architecture ?? byTensors {
        case .encoder: self = .encoder
        case .maskedLanguageModel: self = .maskedLM
        case .pretraining: self = .pretraining
        case .discriminator: self = .discriminator
        case .nextSentencePrediction: self = .nextSentencePrediction
        case .multipleChoice: self = .multipleChoice
        case .questionAnswering: self = .questionAnswering
        case .tokenClassification: self = .tokenClassification(labels: config.labelCount)
        case .sequenceClassification:
            switch config.problemType {
            case .multiLabel: self = .multiLabelClassification(labels: config.labelCount)
            case .regression: self = .regression
            case .singleLabel: self = .classification(labels: config.labelCount)
            case nil: self = config.labelCount == 1 ? .regression : .classification(labels: config.labelCount)
            }
        }
    }
    /// A model without a classifier and without the head of a masked language model.
    private static func otherArchitecture(_ names: Set<String>) -> EncoderArchitecture {
        if names.contains("discriminator.prediction.weight") { return .discriminator }
        if names.contains("qa_outputs.weight") { return .questionAnswering }
        return names.contains("cls.seq_relationship.weight") ? .nextSentencePrediction : .encoder
    }
}
