/// What the graphs of a training step call the inputs, outputs and parameters that they have beside those of the forward
/// graph. Whoever writes these graphs and whoever runs them take the names from here.
public enum TrainingNames {
    // MARK: Outputs

    /// The forward graph's loss, f32[], unless a client calls it something else.
    public static let loss = "loss"
    /// L2 norm of all gradients before clipping, f32[].
    public static let gradientNorm = "gradient_norm"
    /// The weighted sum of the terms of a micro-batch's loss, f32[].
    package static let weightedLoss = "weighted_loss"

    // MARK: Inputs

    /// The learning rate, f32[].
    public static let learningRate = "learning_rate"
    /// 1 - β₁ᵗ and 1 - β₂ᵗ of the moments in step t, f32[].
    package static let corrections = ["correction1", "correction2"]
    /// The share of the new weights in their average, f32[].
    package static let averageWeight = "average_weight"
    /// What the loss is multiplied by, f32[].
    package static let lossScale = "loss_scale"
    /// What each term of a micro-batch's loss is multiplied by, f32[terms].
    package static let lossWeights = "loss_weights"
    /// What the sums of gradients are multiplied by before a micro-batch is added, f32[]: 0 starts new ones.
    package static let carry = "carry"
    /// The squared norm of each gradient that is clipped, f32[gradients], where processes share the update.
    package static let gradientSquares = "gradient_squares"
    /// The key of the generator that rounds moments in bf16, i64[2].
    package static let roundingGenerator = "rounding_rng"
    /// The key of dropout's generator in a forward graph, i64[2].
    public static let generator = "rng"

    // MARK: Parameters

    /// The moving averages of a parameter's gradient and of its square.
    package static func moments(of name: String) -> [String] { ["\(name).exp_avg", "\(name).exp_avg_sq"] }

    /// The moving average of a parameter.
    package static func average(of name: String) -> String { "\(name).ema" }

    /// The accumulator with the sum of a parameter's gradients.
    package static func gradientSum(of name: String) -> String { "\(name).grad" }

    /// Whether a parameter is a sum of gradients.
    package static func isGradientSum(_ name: String) -> Bool { name.hasSuffix(gradientSum(of: "")) }
}
