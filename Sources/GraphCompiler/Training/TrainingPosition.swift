/// Where a training program is; with the parameters and the optimiser's states, all that its next steps depend on.
public struct TrainingPosition: Equatable, Sendable {
    /// Steps done, skipped ones included.
    public var step = 0
    /// Micro-batches of the next step that are done.
    public var microBatch = 0
    /// Their share of that step's loss.
    public var partialLoss = 0.0
    /// The loss's scale, where the options scale it.
    public var scaler = LossScaler()

    /// Before the first step.
    public init() {}
}
