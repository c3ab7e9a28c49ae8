/// Where a run is; with its `TrainingPosition`, the parameters and the optimiser's states, all that the rest of the run
/// depends on.
struct TrainingProgress: Equatable {
    /// Counted from 0.
    var epoch = 0
    /// Steps of the epoch that are done.
    var batch = 0
    /// Totals of the epoch so far.
    var totals = EpochTotals()
    /// The row of the log that is not complete yet.
    var window = TrainingLogWindow()
    var best: BestEvaluation?
    /// Evaluations in a row without a better one.
    var evaluationsWithoutBest = 0
    /// The last step with an evaluation.
    var evaluatedStep: Int?
}

/// Sums over the steps of an epoch.
struct EpochTotals: Equatable {
    var sequences = 0
    var realTokens = 0
    var paddedTokens = 0
    /// Σ loss · sequences.
    var loss = 0.0
}

extension EpochTotals {
    /// Counts a step and the mean loss over its sequences.
    mutating func add(_ step: TaskStep, loss: Double) {
        sequences += step.sequences
        realTokens += step.realTokens
        paddedTokens += step.paddedTokens
        self.loss += loss * Double(step.sequences)
    }
}
