/// A place where the numbers of a run are kept.
protocol TrainingLog {
    /// Means over the steps since the last row.
    mutating func add(_ row: TrainingLogRow) throws
    mutating func add(_ evaluation: EvaluationReport) throws
}

/// A row of a log: the steps since the row before.
struct TrainingLogRow: Equatable {
    /// Steps done.
    var step = 0
    /// Epochs done, with the part of the current one.
    var epoch = 0.0
    /// Mean over the row's steps.
    var loss = 0.0
    /// The last step's learning rate.
    var learningRate = 0.0
    /// The last step's gradient norm.
    var gradientNorm = 0.0
    /// Real tokens a second over the row's steps.
    var tokensPerSecond = 0.0
    /// The last step's extras.
    var extras: [StepExtra: Double] = [:]
}

/// Collects steps into rows. A checkpoint keeps what has been collected, but for the time, which is that of the process.
struct TrainingLogWindow: Equatable {
    var losses = 0.0
    var steps = 0
    private var tokens = 0
    private var seconds = 0.0

    init(losses: Double = 0, steps: Int = 0) { (self.losses, self.steps) = (losses, steps) }

    mutating func add(_ report: StepReport) {
        losses += report.loss
        steps += 1
        tokens += report.realTokens
        seconds += report.seconds
    }

    /// The row that ends with this step; the next one starts empty.
    mutating func row(endingWith report: StepReport, epoch: Double) -> TrainingLogRow {
        let row = TrainingLogRow(
            step: report.step, epoch: epoch, loss: losses / Double(max(1, steps)),
            learningRate: report.learningRate, gradientNorm: report.gradientNorm,
            tokensPerSecond: seconds > 0 ? Double(tokens) / seconds : 0, extras: report.extras)
        self = TrainingLogWindow()
        return row
    }
}
