/// How fast steps go: exponential averages, so that the estimate follows the run.
struct Pace {
    /// Weight of the past; about the last twenty steps count.
    private static let memory = 0.95
    private var secondsPerStep: Double?
    private var tokensPerStep = 0.0
    /// Totals of this process.
    private(set) var seconds = 0.0
    private(set) var tokens = 0

    mutating func add(seconds: Double, tokens: Int) {
        self.seconds += seconds
        self.tokens += tokens
        guard let old = secondsPerStep else {
            (secondsPerStep, tokensPerStep) = (seconds, Double(tokens))
            return
        }
        secondsPerStep = old * Self.memory + seconds * (1 - Self.memory)
        tokensPerStep = tokensPerStep * Self.memory + Double(tokens) * (1 - Self.memory)
    }

    /// Real tokens a second over the last steps.
    var tokensPerSecond: Double { secondsPerStep.map { $0 > 0 ? tokensPerStep / $0 : 0 } ?? 0 }

    /// Real tokens a second over all steps.
    var meanTokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }

    func secondsLeft(steps: Int) -> Double { (secondsPerStep ?? 0) * Double(steps) }
}
