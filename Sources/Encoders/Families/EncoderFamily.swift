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
    /// Classes of other code for the family's models, which are read and not written.
    var otherClasses: [EncoderArchitecture: [String]] { get }
    /// What a file says in the family's keys; for files that other code for its models wrote in keys of its own, which are kept.
    func translated(_ file: JSONObject) -> JSONObject
    /// The encoder that a configuration describes; start from `EncoderSpec(config, name: modelType)`.
    func spec(of config: EncoderConfig) -> EncoderSpec
    /// What the tensors of a model are called in files, read in both directions.
    func checkpoint(of config: EncoderConfig) -> CheckpointMap
    /// What the modules of Hugging Face's classes are called, as adapters name them.
    func modules(of config: EncoderConfig) -> CheckpointMap
    /// What a model of the family cannot be although each of its fields is possible by itself; nil when nothing is wrong.
    func problem(with config: EncoderConfig) -> FieldProblem?
}

extension EncoderFamily {
    /// There is no other code.
    public var otherClasses: [EncoderArchitecture: [String]] { [:] }

    /// Files are in the family's keys.
    public func translated(_ file: JSONObject) -> JSONObject { file }

    /// Modules are called as in files.
    public func modules(of config: EncoderConfig) -> CheckpointMap { checkpoint(of: config) }

    /// Nothing is wrong.
    public func problem(with config: EncoderConfig) -> FieldProblem? { nil }
}

/// What is wrong with a field of a `config.json`, in the words that follow the field's name in an error.
public struct FieldProblem: Sendable {
    /// The field, by its name in the file.
    public let field: String
    /// What is wrong, such as "is 3, expected 4".
    public let problem: String

    /// A problem of a field.
    public init(_ field: String, _ problem: String) {
        self.field = field
        self.problem = problem
    }
}

/// The families that are known by their `model_type`: those of the library, and those that were added.
public enum EncoderFamilies {
    private static let known = Mutex<[any EncoderFamily]>([
        BERT(), Roberta.roberta, Roberta.xlm, Roberta.camembert, DistilBERT(), Albert(), Electra(),
        MPNet(), DeBERTa(), ModernBERT(), NomicBERT(), EuroBERT(), NeoBERT(), GTE.gte, GTE.new,
    ])

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

    /// `'bert', 'roberta' … or 'nomic_bert'`
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

    /// Whether the model has a table of token types.
    package var hasTokenTypes: Bool { !family.keys.ignored.contains(.tokenTypes) && tokenTypes > 0 }
}
