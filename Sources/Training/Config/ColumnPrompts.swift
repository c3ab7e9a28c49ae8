import Encoders
import Support

/// What is put before texts, as the `prompts` of sentence-transformers' trainer: one text for all columns, or one for each
/// column by its name.
public enum ColumnPrompts: Sendable, Equatable {
    /// The same before all texts; empty for nothing.
    case all(String)
    /// One for each column, in the order of the file.
    case columns([ColumnPrompt])

    /// What stands before the texts of a column.
    package func prompt(of column: String) -> String {
        switch self {
        case .all(let text): text
        case .columns(let texts): texts.first { $0.column.hasSameCodePoints(as: column) }?.text ?? ""
        }
    }

    /// Whether nothing is put before any text.
    var isEmpty: Bool { self == .all("") || self == .columns([]) }
}

/// What is put before the texts of a column.
public struct ColumnPrompt: Sendable, Equatable {
    /// The column's name.
    public var column: String
    /// What stands before its texts.
    public var text: String

    /// A text for a column.
    public init(_ column: String, _ text: String) { (self.column, self.text) = (column, text) }
}

extension ColumnPrompts: ConfigValue {
    static var expectation: String { "a string, or an object with a string for each column" }

    static func json(argument text: String) -> JSONValue {
        if let value = try? JSONValue(parsing: text.utf8), case .object = value { return value }
        return String.json(argument: text)
    }

    init?(json: JSONValue) {
        switch json {
        case .string(let text): self = .all(text)
        case .object(let object):
            var texts: [ColumnPrompt] = []
            for (name, value) in object.members {
                guard case .string(let text) = value else { return nil }
                texts.append(ColumnPrompt(name, text))
            }
            self = .columns(texts)
        default: return nil
        }
    }

    var json: JSONValue {
        switch self {
        case .all(let text): .string(text)
        case .columns(let texts):
            .object(texts.map { ($0.column, .string($0.text)) })
        }
    }
}
