import GraphIR

/// How `trainingStep` updates parameters.
public struct OptimizerOptions: Sendable {
    public var adamW: AdamWAttributes
    /// Gradients are scaled so that their global L2 norm is at most this; `nil` leaves them alone.
    public var maxGradientNorm: Double?
    /// Names of parameters that get no weight decay.
    public var noDecay: @Sendable (String) -> Bool

    public init(
        adamW: AdamWAttributes = AdamWAttributes(), maxGradientNorm: Double? = nil,
        noDecay: @escaping @Sendable (String) -> Bool = OptimizerOptions.isBiasOrNorm
    ) {
        self.adamW = adamW
        self.maxGradientNorm = maxGradientNorm
        self.noDecay = noDecay
    }

    /// Biases and normalisation weights by the names that PyTorch and Hugging Face models commonly give them.
    public static let isBiasOrNorm: @Sendable (String) -> Bool = { name in
        name.hasSuffix("bias") || ["LayerNorm", "layer_norm", "norm."].contains { name.contains($0) }
    }
}
