import GraphCompiler

/// What runs a training step.
enum StepPrograms {
    /// Forward, backward and update in one.
    case whole(Executor)
    /// Forward and backward for each micro-batch, adding up gradients, and then the update.
    case split(accumulation: Executor, update: Executor)

    var executors: [Executor] {
        switch self {
        case .whole(let step): [step]
        case .split(let accumulation, let update): [accumulation, update]
        }
    }

    /// What runs over batches with such symbols hold beside the parameters.
    func byteCounts(of shapes: [[String: Int]]) -> Executor.RunByteCounts {
        switch self {
        case .whole(let step): return step.byteCounts(of: shapes)
        case .split(let accumulation, let update):
            var counts = accumulation.byteCounts(of: shapes)
            counts.formMaximum(update.byteCounts(of: [[:]]))
            return counts
        }
    }

    /// Takes that memory now.
    func reserve(_ shapes: [[String: Int]]) throws {
        switch self {
        case .whole(let step): try step.reserve(shapes)
        case .split(let accumulation, let update):
            try accumulation.reserve(shapes)
            try update.reserve([[:]])
        }
    }
}
