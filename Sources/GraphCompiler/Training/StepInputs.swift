/// What one micro-batch gives a training step.
public struct StepInputs: Sendable {
    /// The inputs that `TrainingProgram.inputs` lists, by name.
    public var tensors: [String: TensorData]
    /// Values of symbols that no input's shape fixes.
    public var symbols: [String: Int]
    /// For each term of the loss, which is a mean over examples: the micro-batch's share of the step's examples, 0 to 1.
    /// The shares of a step's micro-batches add up to 1.
    public var lossWeights: [Float]

    /// Inputs by name, values of symbols that no input fixes, and the micro-batch's shares of the step's examples.
    public init(_ tensors: [String: TensorData], symbols: [String: Int] = [:], lossWeights: [Float] = [1]) {
        self.tensors = tensors
        self.symbols = symbols
        self.lossWeights = lossWeights
    }
}

/// What one training step found, all of it before the update.
public struct StepResult: Sendable, Equatable {
    /// Mean over the step's examples.
    public var loss: Double
    /// L2 norm of all gradients before clipping; not finite when the step was skipped.
    public var gradientNorm: Double
    /// The forward graph's outputs by name, for each micro-batch that this call has run.
    public var outputs: [[String: TensorData]]

    /// Where the processes of a group spent the step before its update, by rank; empty for one process.
    public var processes: [ProcessTimes] = []

    /// Whether a scaled gradient overflowed, so that nothing was updated.
    public var isSkipped: Bool { !gradientNorm.isFinite }
}

/// What one process of a group did in a step, in seconds.
public struct ProcessTimes: Sendable, Equatable {
    /// The kernels of its micro-batches.
    public let kernels: Double
    /// Waiting for sums of gradients when they were done.
    public let wait: Double
}
