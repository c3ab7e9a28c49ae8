import Support

/// Takes attributes out by name and type, and says which one is missing, ill-typed or unknown.
struct AttributeReader {
    private var attributes: [String: Attribute]
    private let mnemonic: String
    /// The result types that are written with the op.
    private let types: [TensorType]

    init(_ attributes: [String: Attribute], of mnemonic: String, types: [TensorType] = []) {
        self.attributes = attributes
        self.mnemonic = mnemonic
        self.types = types
    }

    func contains(_ name: String) -> Bool { attributes[name] != nil }

    private mutating func take<T>(
        _ name: String, _ kind: String, _ match: (Attribute) -> T?
    ) throws(IRError) -> T {
        guard let attribute = attributes.removeValue(forKey: name) else {
            throw .type("attribute '\(name)' is missing")
        }
        guard let value = match(attribute) else { throw .type("attribute '\(name)' must be \(kind)") }
        return value
    }

    mutating func int(_ name: String) throws(IRError) -> Int {
        try take(name, "an integer") { if case .int(let value) = $0 { value } else { nil } }
    }

    mutating func float(_ name: String) throws(IRError) -> Double {
        try take(name, "a number") {
            switch $0 {
            case .float(let value): value
            case .int(let value): Double(value)
            default: nil
            }
        }
    }

    /// `false` when the attribute is left out.
    mutating func bool(_ name: String) throws(IRError) -> Bool {
        guard contains(name) else { return false }
        return try take(name, "true or false") { if case .bool(let value) = $0 { value } else { nil } }
    }

    mutating func string(_ name: String) throws(IRError) -> String {
        try take(name, "a string") { if case .string(let value) = $0 { value } else { nil } }
    }

    mutating func choice<T: RawRepresentable<String> & CaseIterable>(_ name: String) throws(IRError) -> T {
        let legal = T.allCases.map(\.rawValue).joined(separator: ", ")
        return try take(name, "one of \(legal)") {
            if case .name(let value) = $0 { T(rawValue: value) } else { nil }
        }
    }

    mutating func ints(_ name: String) throws(IRError) -> [Int] {
        try take(name, "a list of integers") {
            switch $0 {
            case .ints(let values): values
            case .shape(let shape): shape.isEmpty ? [] : nil
            default: nil
            }
        }
    }

    mutating func floats(_ name: String) throws(IRError) -> [Double] {
        try take(name, "a list of numbers") {
            switch $0 {
            case .floats(let values): values
            case .ints(let values): values.map(Double.init)
            case .shape(let shape): shape.isEmpty ? [] : nil
            default: nil
            }
        }
    }

    mutating func dimension(_ name: String) throws(IRError) -> Dimension {
        try take(name, "a dimension") {
            switch $0 {
            case .dimension(let value): value
            case .int(let value): .fixed(value)
            case .name(let value): .symbol(value)
            default: nil
            }
        }
    }

    mutating func shape(_ name: String) throws(IRError) -> [Dimension] {
        try take(name, "a shape") {
            switch $0 {
            case .shape(let value): value
            case .ints(let values): values.map(Dimension.fixed)
            default: nil
            }
        }
    }

    func resultType() throws(IRError) -> TensorType {
        guard types.count == 1 else { throw .type("'\(mnemonic)' needs one result type") }
        return types[0]
    }

    /// An attribute of the same kind as `example`.
    mutating func attribute(_ name: String, like example: Attribute) throws(IRError) -> Attribute {
        switch example {
        case .int: .int(try int(name))
        case .float: .float(try float(name))
        case .bool: .bool(try bool(name))
        case .name: try take(name, "a word") { if case .name = $0 { $0 } else { nil } }
        case .string: .string(try string(name))
        case .ints: .ints(try ints(name))
        case .floats: .floats(try floats(name))
        case .dimension: .dimension(try dimension(name))
        case .shape: .shape(try shape(name))
        }
    }

    /// Checks that no attribute has a name other than these.
    func expectNames(in known: [String]) throws(IRError) {
        for name in attributes.keys.sorted() where !known.contains(name) {
            throw .type("'\(mnemonic)' has no attribute '\(name)'\(suggestion(for: name, in: known))")
        }
    }
}
