import Encoders
import Foundation

extension TrainingConfig {
    /// The fields as a Markdown table, as `docs/training.md` has it.
    package static var documentation: String {
        let defaults = TrainingConfig()
        let rows = fields.map { field in
            let value = field.name == "model" ? "" : "`\(field.json(defaults))`"
            return "| `\(field.name)` | \(field.expectation) | \(value) | \(field.meaning) |"
        }
        return (["| field | takes | default | meaning |", "| --- | --- | --- | --- |"] + rows)
            .joined(separator: "\n")
    }
}
