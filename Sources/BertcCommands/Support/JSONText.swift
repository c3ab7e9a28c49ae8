import Text

/// A value written as JSON on one line, members in the order given.
///
/// Numbers are written with the fewest digits that read back to the same value; NaN and infinity as null.
enum JSONText: CustomStringConvertible {
    case null
    case bool(Bool)
    case integer(Int)
    case float(Float)
    case double(Double)
    case string(String)
    case array([JSONText])
    case members([Member])

    /// One member of an object.
    struct Member {
        let name: String
        let value: JSONText
    }

    static func object(_ members: [(String, JSONText)]) -> JSONText {
        .members(members.map { Member(name: $0, value: $1) })
    }

    var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .float(let value): value.isFinite ? "\(value)" : "null"
        case .double(let value): value.isFinite ? "\(value)" : "null"
        case .string(let value): quotedJSON(value)
        case .array(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
        case .members(let members):
            "{" + members.map { "\(quotedJSON($0.name)): \($0.value)" }.joined(separator: ", ") + "}"
        }
    }
}
