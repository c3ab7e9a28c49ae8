import Text

/// How many steps a run has, and how they fall into epochs.
struct TrainingPlan {
    let steps: Int
    let epochs: Int
    private let plan: BatchPlan
    /// Batches of an epoch, when all epochs have the same number.
    private let batchesPerEpoch: Int?

    init(_ config: TrainingConfig, _ plan: BatchPlan) {
        self.plan = plan
        // Under a token limit the order of the examples decides how many fit into a batch.
        let isConstant = config.maxTokens == nil
        batchesPerEpoch = isConstant ? plan.batches(epoch: 0).count : nil
        var (steps, epochs) = (0, 0)
        while config.maxSteps.map({ steps < $0 }) ?? (epochs < config.epochs) {
            steps += batchesPerEpoch ?? plan.batches(epoch: epochs).count
            epochs += 1
        }
        self.steps = config.maxSteps ?? steps
        self.epochs = epochs
    }

    /// The shapes of the batches that take most memory. Of very many epochs only the first are looked at; a larger
    /// batch in a later one makes memory grow.
    var largestShapes: [BatchShape] {
        let most = max(1, 20_000_000 / plan.lengths.count)
        return plan.largestShapes(epochs: 0..<min(epochs, plan.options.mode == .fixed ? 1 : most))
    }

    /// The batches of an epoch, as indices of examples.
    func batches(epoch: Int) -> [[Int]] { plan.batches(epoch: epoch) }
}
