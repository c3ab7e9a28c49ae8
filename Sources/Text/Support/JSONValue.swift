/// A JSON document that keeps what a data file means byte for byte.
///
/// Foundation's parser cannot be used for vocabularies: its dictionaries merge keys that are canonically
/// equivalent ("é" composed and decomposed), which are different WordPiece tokens.
enum JSONValue: Sendable {
    /// Members in file order; a repeated name is kept, and lookups see the last one.
    case object([(name: String, value: JSONValue)])
    case array([JSONValue])
    case string(String)
    /// The number as it is spelled in the file.
    case number(String)
    case bool(Bool)
    case null

    /// The last member of that name, if this is an object that has one.
    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    var string: String? { if case .string(let value) = self { value } else { nil } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    var object: [(name: String, value: JSONValue)]? {
        if case .object(let members) = self { members } else { nil }
    }
    var isNull: Bool { if case .null = self { true } else { false } }

    /// The number if it is a whole one.
    var int: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    }

    /// What this is, for "expected X, found Y" messages.
    var kind: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .number: "a number"
        case .bool: "a boolean"
        case .null: "null"
        }
    }
}
