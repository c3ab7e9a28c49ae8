import Support

/// What sets a family of encoders apart: how its `config.json` and its checkpoints are written, and what they mean.
///
/// A new family is one file with a type of this kind, and an entry in `EncoderFamilies.all` (docs/adding-a-family.md).
package protocol EncoderFamily: Sendable {
    /// What `model_type` calls it.
    var modelType: String { get }
    /// What a `config.json` means that says nothing.
    var defaults: EncoderConfig { get }
    /// How the keys of its `config.json` differ from BERT's.
    var keys: ConfigKeys { get }
    /// Hugging Face's class for each kind of model that the family has.
    var classes: [EncoderArchitecture: String] { get }
    /// The encoder that a configuration describes.
    func spec(of config: EncoderConfig) -> EncoderSpec
    /// What its tensors are called in files.
    var checkpoint: CheckpointMap { get }
}

/// How a family's `config.json` differs from BERT's in its keys.
package struct ConfigKeys: Sendable {
    /// Keys with another name.
    package var names: [EncoderConfig.Key: String] = [:]
    /// The keys among these whose usual name is understood as well, as Transformers does.
    package var aliases: Set<EncoderConfig.Key> = []
    /// Keys of Hugging Face's BERT that mean nothing here, as in Transformers.
    package var ignored: Set<EncoderConfig.Key> = []
    /// Keys of bertc's own that are refused: a model with such a thing could not be saved as one of the family.
    package var refused: Set<EncoderConfig.Key> = []

    /// Everything of bertc's that changes what a model computes.
    package static let ownShapes: Set<EncoderConfig.Key> = [
        .normPosition, .attentionMask, .shareLayers, .embeddingSize,
    ]
}

/// The families that are known.
package enum EncoderFamilies {
    package static let all: [any EncoderFamily] = [BERT(), DistilBERT(), Electra()]

    /// The family that a `model_type` names; BERT's without one, nil for an unknown name.
    package static func named(_ modelType: String?) -> (any EncoderFamily)? {
        guard let modelType else { return all[0] }
        return all.first { $0.modelType == modelType }
    }

    /// `'bert', 'distilbert' or 'electra'`
    static var list: String {
        let names = all.map { "'\($0.modelType)'" }
        return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    }
}

extension EncoderConfig {
    /// The family that `modelType` names.
    package var family: any EncoderFamily { EncoderFamilies.named(modelType) ?? BERT() }

    /// What a key is called in the family's files.
    package func name(of key: Key) -> String { family.keys.names[key] ?? key.rawValue }

    /// Whether the family's files can hold attention masks.
    package var savesAttentionMasks: Bool { !family.keys.refused.contains(.attentionMask) }

    /// Token types that a tokeniser may give: the rows of the table, or any number where the family has no table and leaves
    /// them out.
    package var acceptedTokenTypes: Int { hasTokenTypes ? tokenTypes : .max }

    /// Whether the family has a table of token types.
    package var hasTokenTypes: Bool { !family.keys.ignored.contains(.tokenTypes) }
}
