import Support

/// An op in the text form: its name and its attributes in printing order.
typealias OpText = (mnemonic: String, attributes: [NamedAttribute])

/// How one op is written in the text form, whatever its attributes are.
protocol OpSpelling: Sendable {
    var mnemonic: String { get }
    var attributeNames: [String] { get }
    /// The op with the attributes that the reader holds.
    func read(_ attributes: AttributeReader) throws(IRError) -> Op
}

/// The row of an op: its name, its attributes in printing order, and how it is made of their values. Printing and
/// parsing both follow from it.
///
/// ```swift
/// static let slice = Spelling("slice", .int("axis"), .int("start"), .dimension("size")) {
///     .slice(axis: $0, start: $1, size: $2)
/// }
/// ```
struct Spelling<each Value>: OpSpelling {
    let mnemonic: String
    private let attributes: (repeat AttributeSpelling<each Value>)
    private let make: @Sendable (repeat each Value) throws(IRError) -> Op

    init(
        _ mnemonic: String, _ attributes: repeat AttributeSpelling<each Value>,
        make: @escaping @Sendable (repeat each Value) throws(IRError) -> Op
    ) {
        self.mnemonic = mnemonic
        self.attributes = (repeat each attributes)
        self.make = make
    }

    var attributeNames: [String] {
        var names: [String] = []
        for attribute in repeat each attributes { if let name = attribute.name { names.append(name) } }
        return names
    }

    /// The text of the op with these values.
    func callAsFunction(_ values: repeat each Value) -> OpText {
        var named: [NamedAttribute] = []
        for (attribute, value) in repeat (each attributes, each values) {
            if let name = attribute.name, let written = attribute.write(value) {
                named.append((name, written))
            }
        }
        return (mnemonic, named)
    }

    func read(_ attributes: AttributeReader) throws(IRError) -> Op {
        var reader = attributes
        return try make(repeat try (each self.attributes).read(&reader))
    }
}

/// An attribute of an op: its name, and how values of its kind are written and read.
struct AttributeSpelling<Value>: Sendable {
    /// `nil` for what stands elsewhere: a source's type.
    let name: String?
    /// `nil` leaves the attribute out.
    let write: @Sendable (Value) -> Attribute?
    let read: @Sendable (inout AttributeReader) throws(IRError) -> Value

    /// An attribute that is left out where there is no value.
    static func optional<Wrapped>(_ some: AttributeSpelling<Wrapped>) -> Self where Value == Wrapped? {
        Self(
            name: some.name, write: { $0.flatMap(some.write) },
            read: { reader throws(IRError) in
                guard let name = some.name, reader.contains(name) else { return nil }
                return try some.read(&reader)
            })
    }
}

extension AttributeSpelling where Value == Int {
    static func int(_ name: String) -> Self {
        Self(name: name, write: { .int($0) }, read: { reader throws(IRError) in try reader.int(name) })
    }
}

extension AttributeSpelling where Value == Double {
    static func float(_ name: String) -> Self {
        Self(name: name, write: { .float($0) }, read: { reader throws(IRError) in try reader.float(name) })
    }
}

extension AttributeSpelling where Value == Bool {
    /// Written always, false when it is left out.
    static func bool(_ name: String) -> Self {
        Self(name: name, write: { .bool($0) }, read: { reader throws(IRError) in try reader.bool(name) })
    }

    /// Written where it is true.
    static func flag(_ name: String) -> Self {
        Self(
            name: name, write: { $0 ? .bool(true) : nil },
            read: { reader throws(IRError) in
                try reader.bool(name)
            })
    }
}

extension AttributeSpelling where Value == String {
    static func string(_ name: String) -> Self {
        Self(name: name, write: { .string($0) }, read: { reader throws(IRError) in try reader.string(name) })
    }
}

extension AttributeSpelling where Value: RawRepresentable<String> & CaseIterable & Sendable {
    /// One of a set of words.
    static func choice(_ name: String) -> Self {
        Self(
            name: name, write: { .name($0.rawValue) },
            read: { reader throws(IRError) in
                try reader.choice(name)
            })
    }
}

extension AttributeSpelling where Value == [Int] {
    static func ints(_ name: String) -> Self {
        Self(name: name, write: { .ints($0) }, read: { reader throws(IRError) in try reader.ints(name) })
    }
}

extension AttributeSpelling where Value == [Double] {
    static func floats(_ name: String) -> Self {
        Self(name: name, write: { .floats($0) }, read: { reader throws(IRError) in try reader.floats(name) })
    }
}

extension AttributeSpelling where Value == Dimension {
    static func dimension(_ name: String) -> Self {
        Self(
            name: name, write: { .dimension($0) },
            read: { reader throws(IRError) in try reader.dimension(name) })
    }
}

extension AttributeSpelling where Value == [Dimension] {
    static func shape(_ name: String) -> Self {
        Self(name: name, write: { .shape($0) }, read: { reader throws(IRError) in try reader.shape(name) })
    }
}

extension AttributeSpelling where Value == TensorType {
    /// The type of a source, which is written as that of its result.
    static var resultType: Self {
        Self(name: nil, write: { _ in nil }, read: { reader throws(IRError) in try reader.resultType() })
    }
}

extension Op {
    /// The names of the attributes of every op, by the op's name in the text form.
    package static var attributeNames: [String: [String]] { spellings.mapValues(\.attributeNames) }

    /// The op that is written like this; `types` are the result types, which only sources take theirs from.
    init(mnemonic: String, attributes: [String: Attribute], types: [TensorType]) throws(IRError) {
        guard let spelling = Self.spellings[mnemonic] else {
            throw .type(
                "there is no op '\(mnemonic)'\(suggestion(for: mnemonic, in: Self.attributeNames.keys))")
        }
        let reader = AttributeReader(attributes, of: mnemonic, types: types)
        try reader.expectNames(in: spelling.attributeNames)
        self = try spelling.read(reader)
    }
}
