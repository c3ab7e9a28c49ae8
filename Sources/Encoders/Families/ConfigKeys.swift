import Support

/// How a family's `config.json` differs from BERT's in its keys.
public struct ConfigKeys: Sendable {
    /// Keys with another name, and that name.
    public var names: [EncoderConfig.Key: String]
    /// The keys among `names` whose usual name is understood as well, as Transformers does.
    public var aliases: Set<EncoderConfig.Key>
    /// Keys of Hugging Face's BERT that mean nothing here, as in Transformers.
    public var ignored: Set<EncoderConfig.Key>
    /// Sizes that may be 0, which means that there is no such thing.
    public var optional: Set<EncoderConfig.Key>
    /// Keys that may hold null, which means the same as a file without them. Transformers refuses it for others, as it is here.
    public var nullable: Set<EncoderConfig.Key>
    /// Keys of bertc's own that are refused: a model with such a thing could not be saved as one of the family.
    public var refused: Set<EncoderConfig.Key>
    /// Keys that the family has and BERT does not have.
    public var own: [any FamilyKeyProtocol]

    /// The keys of bertc's own that change what a model computes, for `refused`.
    public static let ownShapes: Set<EncoderConfig.Key> = [
        .normPosition, .attentionMask, .shareLayers, .embeddingSize,
    ]

    /// BERT's keys, but for what is given.
    public init(
        names: [EncoderConfig.Key: String] = [:], aliases: Set<EncoderConfig.Key> = [],
        ignored: Set<EncoderConfig.Key> = [], optional: Set<EncoderConfig.Key> = [],
        nullable: Set<EncoderConfig.Key> = [.paddingID, .classifierDropout],
        refused: Set<EncoderConfig.Key> = [], own: [any FamilyKeyProtocol] = []
    ) {
        self.names = names
        self.aliases = aliases
        self.ignored = ignored
        self.optional = optional
        self.nullable = nullable
        self.refused = refused
        self.own = own
    }
}

/// A key that a family's `config.json` has and BERT's does not have, and what it means.
///
/// ```swift
/// static let groups = FamilyKey.integer("num_hidden_groups", 1, in: 1...100)
/// let count = config[groups]
/// ```
public struct FamilyKey<Value: Sendable>: FamilyKeyProtocol {
    public let name: String
    /// What a file without the key means.
    public let fallback: Value
    public let expected: String
    /// Whether null means the same as a file without the key.
    private var acceptsNull = false
    private let read: @Sendable (JSONValue) -> Value?

    /// A key of a family.
    ///
    /// - Parameters:
    ///   - name: the key in the file.
    ///   - fallback: what a file without the key means.
    ///   - expected: what it may have, for an error: "a number of at least 1".
    ///   - read: the value, or nil for one that the family cannot have.
    public init(
        _ name: String, _ fallback: Value, _ expected: String,
        _ read: @escaping @Sendable (JSONValue) -> Value?
    ) {
        self.name = name
        self.fallback = fallback
        self.expected = expected
        self.read = read
    }

    public func accepts(_ value: JSONValue) -> Bool {
        value == .null && acceptsNull || read(value) != nil
    }

    /// The same key, which may also hold null, as if it was not there.
    public var orNull: FamilyKey {
        var key = self
        key.acceptsNull = true
        return key
    }

    fileprivate func value(in object: JSONObject) -> Value {
        guard let value = object[name], value != .null else { return fallback }
        return read(value) ?? fallback
    }
}

/// A key with a value of some type.
public protocol FamilyKeyProtocol: Sendable {
    /// The key in the file.
    var name: String { get }
    /// What it may have, for an error.
    var expected: String { get }
    /// Whether the family can have the value.
    func accepts(_ value: JSONValue) -> Bool
}

extension FamilyKey<Int> {
    /// A whole number in a range.
    public static func integer(_ name: String, _ fallback: Int, in range: ClosedRange<Int>) -> FamilyKey<Int>
    {
        FamilyKey(name, fallback, "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            $0.integer.flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension FamilyKey<Double> {
    /// A number of at least 0 and less than 1.
    public static func rate(_ name: String, _ fallback: Double) -> FamilyKey<Double> {
        FamilyKey(name, fallback, "a number of at least 0 and less than 1") {
            $0.double.flatMap { 0 <= $0 && $0 < 1 ? $0 : nil }
        }
    }

    /// A number of more than 0.
    public static func positive(_ name: String, _ fallback: Double) -> FamilyKey<Double> {
        FamilyKey(name, fallback, "a number of more than 0") { $0.double.flatMap { $0 > 0 ? $0 : nil } }
    }
}

extension FamilyKey where Value: RawRepresentable<String> & Equatable {
    /// One of several names.
    public static func choice(_ name: String, _ fallback: Value, of legal: [Value]) -> FamilyKey<Value> {
        FamilyKey(name, fallback, "one of " + legal.map(\.rawValue).joined(separator: ", ")) { value in
            legal.first { $0.rawValue == value.string }
        }
    }
}

extension FamilyKey<EncoderActivation> {
    /// An activation, by any of its names.
    public static func activation(_ name: String, _ fallback: EncoderActivation) -> FamilyKey<
        EncoderActivation
    > {
        let legal = EncoderActivation.allCases.map(\.rawValue).joined(separator: ", ")
        return FamilyKey(name, fallback, "one of " + legal) { value in
            value.string.flatMap { EncoderActivation(rawValue: $0) ?? EncoderActivation.aliases[$0] }
        }
    }
}

extension FamilyKey<Bool> {
    /// `true` or `false`.
    public static func flag(_ name: String, _ fallback: Bool) -> FamilyKey<Bool> {
        FamilyKey(name, fallback, "true or false") { $0.bool }
    }
}

extension FamilyKey<Void> {
    /// A key whose other values make a model that is not supported.
    public static func only(_ name: String, _ legal: JSONValue, _ meaning: String) -> FamilyKey<Void> {
        FamilyKey(name, (), "\(legal): \(meaning)") { $0 == legal ? () : nil }
    }
}

extension EncoderConfig {
    /// What the configuration has under a family's key.
    public subscript<Value>(key: FamilyKey<Value>) -> Value { key.value(in: unknownKeys) }
}
