import Support

/// A number that a feature adds to the report of each step.
///
/// This is the only place that knows its name and how it is shown: `log.csv` has a column of that name, TensorBoard a
/// scalar `train/NAME`, the JSON of a step a member, and its line the words. A new one is a case here and a value where it is
/// made (`Trainer.extras`).
public enum StepExtra: String, Sendable, CaseIterable {
    /// What the loss was multiplied by in fp16.
    case lossScale = "loss_scale"
    /// Steps skipped so far because their gradients overflowed in fp16.
    case skippedSteps = "skipped_steps"
    /// The share of pairs of positions that the learned mask leaves out after the step, without noise; 0 to 1.
    case maskSparsity = "mask_sparsity"

    /// How an extra is shown.
    private struct Form {
        /// Whether it counts something.
        var isCount = false
        /// Whether the words go on with those of the extra before, rather than stand by themselves.
        var continuesWords = false
        /// Whether a terminal's progress line has room for it.
        var isOnProgressLine = false
        /// The number in a line of text; empty when there is nothing to say.
        let words: @Sendable (Double) -> String
    }

    private var form: Form {
        switch self {
        case .lossScale: Form { "scale \(Formatted.number($0, digits: 0))" }
        case .skippedSteps:
            Form(isCount: true, continuesWords: true) { $0 == 0 ? "" : ", \(Int($0)) skipped" }
        case .maskSparsity:
            Form(isOnProgressLine: true) { "mask \(Formatted.number($0 * 100, digits: 1)) % sparse" }
        }
    }

    /// The value as a member of the step's JSON.
    package func json(_ value: Double) -> JSONValue {
        form.isCount ? .integer(Int(value)) : .double(value)
    }

    /// What a line of text says about the extras of a step, piece by piece: `mask 63.1 % sparse`.
    package static func words(_ extras: [StepExtra: Double], onProgressLine: Bool = false) -> [String] {
        allCases.reduce(into: []) { pieces, extra in
            guard let value = extras[extra], extra.form.isOnProgressLine || !onProgressLine else { return }
            let words = extra.form.words(value)
            if extra.form.continuesWords, let last = pieces.popLast() {
                pieces.append(last + words)
            } else if !words.isEmpty {
                pieces.append(words)
            }
        }
    }
}
