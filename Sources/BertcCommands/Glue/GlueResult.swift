import Pipelines

/// What a task gave.
package struct GlueResult: Codable, Equatable {
    /// Steps before the best evaluation.
    var step: Int
    /// Wall time of training, as far as one process did it.
    var seconds: Double
    /// On the development files, then on test files that have labels.
    var scores: [GlueScore]
    /// Names of the files of predictions.
    var predictions: [String]

    package init(step: Int, seconds: Double, scores: [GlueScore] = [], predictions: [String] = []) {
        self.step = step
        self.seconds = seconds
        self.scores = scores
        self.predictions = predictions
    }
}

/// Figures on one file.
package struct GlueScore: Codable, Equatable {
    /// The leaderboard's name: `MRPC`, `MNLI-mm`; with ` test` after it for a test file.
    let name: String
    let examples: Int
    /// By the metric's name in configurations.
    let metrics: [String: Double]

    package init(name: String, metrics: EvaluationMetrics) {
        self.name = name
        examples = metrics.count
        let values = Metric.allCases.compactMap { metric in
            metrics.value(metric).map { (metric.rawValue, $0) }
        }
        self.metrics = Dictionary(uniqueKeysWithValues: values)
    }

    /// `nil` for a correlation that is not defined.
    func value(_ metric: Metric) -> Double? { metrics[metric.rawValue] }
}
