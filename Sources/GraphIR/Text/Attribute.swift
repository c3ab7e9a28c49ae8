/// The value of an op's attribute, as the text form has it.
public enum Attribute: Hashable, Sendable {
    /// `7`
    case int(Int)
    /// `0.5`
    case float(Double)
    /// `true`
    case bool(Bool)
    /// A word out of a closed set: `trainable`.
    case name(String)
    /// Quoted text.
    case string(String)
    /// `[0, 2, 1]`
    case ints([Int])
    /// `[0.5, 1.0]`
    case floats([Double])
    /// An extent: `tokens`.
    case dimension(Dimension)
    /// Extents: `[tokens, 384]`.
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
