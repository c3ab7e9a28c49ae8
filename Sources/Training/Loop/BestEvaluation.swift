import Pipelines

/// The evaluation that later ones have to beat.
struct BestEvaluation: Equatable {
    /// Steps before it.
    var step: Int
    /// The value of the metric that decides; `nil` where it is not defined.
    var value: Double?
    var loss: Double

    /// Whether it is better than another: by the metric, of which an undefined value is the worst. Where that does not
    /// decide, because the values are equal or neither is defined, the lower loss does; the earlier one wins if that is equal
    /// too.
    func isBetter(than other: BestEvaluation, by metric: Metric) -> Bool {
        switch (value, other.value) {
        case (let value?, let old?) where value != old: metric.isBetter(value, than: old)
        case (_?, nil): true
        case (nil, _?): false
        case (_?, _?), (nil, nil): loss < other.loss
        }
    }
}
