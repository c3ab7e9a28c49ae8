import GraphIR

/// Losses of classes against scores, along axis 1.
enum Losses {
    static let rules: [String: OperatorRule] = [
        "NegativeLogLikelihoodLoss": { site in
            let x = try site.input(0)
            return [site.value(x.element, try loss(site, x.tensor))]
        },
        "SoftmaxCrossEntropyLoss": { site in
            let x = try site.input(0)
            let shifted = x.tensor - x.tensor.max(axes: [1], keepDimensions: true)
            let logs = shifted - shifted.exp().sum(axes: [1], keepDimensions: true).log()
            return [site.value(x.element, try loss(site, logs)), site.value(x.element, logs)]
        },
    ]

    private static func loss(_ site: NodeSite, _ logs: Tensor) throws -> Tensor {
        let g = site.g
        let labels = try site.tensor(1).cast(.i32)
        let own = logs.type.element
        let classes = try site.fixed([logs.shape[1]], "the classes")[0]
        var single = logs.shape
        single[1] = 1
        let isLabel = g.compare(.eq, labels.reshaped(single), g.iota(.i32, logs.shape, axis: 1))
        let picked = g.select(isLabel, logs, logs.number(0)).sum(axes: [1])
        var weight = g.constant(1, TensorType(own, labels.shape))
        if let weights = site.optional(2)?.tensor {
            let shape = logs.shape.indices.map { $0 == 1 ? Dimension.fixed(classes) : 1 }
            weight = g.select(isLabel, weights.reshaped(shape), g.scalar(0, own)).sum(axes: [1])
        }
        if let ignored = try site.int("ignore_index") {
            weight = g.select(
                g.compare(.ne, labels, labels.number(Double(ignored))), weight, weight.filled(0))
        }
        let losses = -(picked * weight)
        switch try site.choice("reduction", ["mean", "sum", "none"]) {
        case "none": return losses
        case "sum": return losses.sum()
        default: return losses.sum() / weight.sum()
        }
    }
}
