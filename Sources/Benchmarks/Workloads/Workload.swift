import Measuring

/// A row of the table.
package struct Workload {
    /// What is measured.
    enum Kind {
        /// Seconds against PyTorch.
        case model(ModelWork)
        case attention(AttentionWork)
        /// Seconds of each of `runs` runs against PyTorch.
        case latency(ModelWork, runs: Int)
        /// Seconds with two threads against one.
        case threads(ModelWork)
        /// The most that a process had resident which trained three steps.
        case memory(ModelWork)
        /// Model FLOPs over the ceiling of the precision.
        case utilisation(ModelWork)
        /// Wall clock of whole commands that fine-tune MiniLM for so many epochs.
        case finetuning(epochs: Int)
    }

    /// For `--only`.
    package let name: String
    /// The title in the report.
    let title: String
    let kind: Kind
    /// What is asked for.
    var bar: String?
    /// Whether `--quick` has it.
    var isQuick = false

    /// Whether `--only pattern` means this row: its name, or the beginning of it up to a hyphen.
    package func matches(_ pattern: String) -> Bool { name == pattern || name.hasPrefix(pattern + "-") }
}
