import Support
import Synchronization

/// What sets a family of encoders apart: how its `config.json` and its checkpoints are written, and what they mean.
///
/// A new family is one file with a type of this kind (docs/adding-a-family.md): those of the library stand in
/// `EncoderFamilies.all`, a family of yours is handed to ``EncoderFamilies/add(_:)``.
public protocol EncoderFamily: Sendable {
    /// What `model_type` calls it, and what the graph is called.
    var modelType: String { get }
    /// What a `config.json` means that says nothing.
    var defaults: EncoderConfig { get }
    /// How the keys of its `config.json` differ from BERT's.
    var keys: ConfigKeys { get }
    /// Hugging Face's class for each kind of model that the family has; other kinds are refused.
    var classes: [EncoderArchitecture: String] { get }
    /// The encoder that a configuration describes; start from `EncoderSpec(config, name: modelType)`.
    func spec(of config: EncoderConfig) -> EncoderSpec
    /// What its tensors are called in files, read in both directions.
    var checkpoint: CheckpointMap { get }
}

/// How a family's `config.json` differs from BERT's in its keys.
public struct ConfigKeys: Sendable {
    /// Keys with another name, and that name.
    public var names: [EncoderConfig.Key: String]
    /// The keys among `names` whose usual name is understood as well, as Transformers does.
    public var aliases: Set<EncoderConfig.Key>
    /// Keys of Hugging Face's BERT that mean nothing here, as in Transformers.
    public var ignored: Set<EncoderConfig.Key>
    /// Keys of bertc's own that are refused: a model with such a thing could not be saved as one of the family.
    public var refused: Set<EncoderConfig.Key>

    /// The keys of bertc's own that change what a model computes, for `refused`.
    public static let ownShapes: Set<EncoderConfig.Key> = [
        .normPosition, .attentionMask, .shareLayers, .embeddingSize,
    ]

    /// BERT's keys, but for what is given.
    public init(
        names: [EncoderConfig.Key: String] = [:], aliases: Set<EncoderConfig.Key> = [],
        ignored: Set<EncoderConfig.Key> = [], refused: Set<EncoderConfig.Key> = []
    ) {
        self.names = names
        self.aliases = aliases
        self.ignored = ignored
        self.refused = refused
    }
}

/// The families that are known by their `model_type`: BERT, DistilBERT, ELECTRA, and those that were added.
public enum EncoderFamilies {
    private static let known = Mutex<[any EncoderFamily]>([BERT(), DistilBERT(), Electra()])

    package static var all: [any EncoderFamily] { known.withLock(\.self) }

    /// Makes a family of your own known to the whole process, so that its models are read, built, trained and saved like
    /// those of the library. It takes the place of a family with the same `modelType`.
    ///
    /// Add families before the first configuration is read.
    public static func add(_ family: any EncoderFamily) {
        known.withLock { known in
            if let index = known.firstIndex(where: { $0.modelType == family.modelType }) {
                known[index] = family
            } else {
                known.append(family)
            }
        }
    }

    /// The family that a `model_type` names; BERT's without one, nil for an unknown name.
    package static func named(_ modelType: String?) -> (any EncoderFamily)? {
        let all = all
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
