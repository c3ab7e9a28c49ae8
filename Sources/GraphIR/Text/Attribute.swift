/// An attribute's value in the text form.
public enum Attribute: Hashable, Sendable {
    case int(Int)
    case float(Double)
    case bool(Bool)
    case name(String)
    case string(String)
    case ints([Int])
    case floats([Double])
    case dimension(Dimension)
    case shape([Dimension])
}

/// An attribute's name and value; an op prints its attributes in a fixed order.
public typealias NamedAttribute = (name: String, value: Attribute)

extension Attribute: CustomStringConvertible {
    public var description: String {
        func list<T>(_ items: [T]) -> String { "[" + items.map { "\($0)" }.joined(separator: ", ") + "]" }
        return switch self {
        case .int(let value): "\(value)"
        case .float(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .name(let value): value
        case .string(let value): quoted(value)
        case .ints(let values): list(values)
        case .floats(let values): list(values)
        case .dimension(let value): "\(value)"
        case .shape(let values): list(values)
        }
    }
}
