import BERT
import Foundation

extension TrainingConfig {
    /// The fields as a Markdown table, as `docs/training.md` has it.
    package static var documentation: String {
        let defaults = TrainingConfig()
        let rows = fields.map { field in
            let value = field.name == "model" ? "" : "`\(field.json(defaults).compact)`"
            return "| `\(field.name)` | \(field.expectation) | \(value) | \(field.meaning) |"
        }
        return (["| field | takes | default | meaning |", "| --- | --- | --- | --- |"] + rows)
            .joined(separator: "\n")
    }
}

extension JSONValue {
    /// JSON on one line. Numbers are finite wherever this is used.
    package var compact: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return "\(value)"
        case .integer(let value): return "\(value)"
        case .number(let value): return "\(value)"
        case .string(let value):
            let escaped = value.replacingOccurrences(of: "\\", with: "\\\\")
            return "\"" + escaped.replacingOccurrences(of: "\"", with: "\\\"") + "\""
        case .array(let values): return "[" + values.map(\.compact).joined(separator: ", ") + "]"
        case .object(let members):
            let pairs = members.sorted { $0.key < $1.key }
            return "{" + pairs.map { "\"\($0)\": \($1.compact)" }.joined(separator: ", ") + "}"
        }
    }
}
