import GraphIR

/// How `trainingStep` updates parameters.
public struct OptimizerOptions: Sendable {
    public var optimizer: Optimizer
    /// Decay rates, ε and weight decay, of LAMB too.
    public var adamW: AdamWAttributes
    /// Gradients, but for those of `noClipping`, are scaled so that their global L2 norm is at most this; `nil` leaves them
    /// alone.
    public var maxGradientNorm: Double?
    /// Names of parameters that get no weight decay.
    public var noDecay: @Sendable (String) -> Bool
    /// What the learning rate of a parameter is multiplied by, given its name.
    public var learningRateScale: @Sendable (String) -> Double
    /// Names of parameters whose gradients neither count towards the norm nor are scaled down with it.
    public var noClipping: @Sendable (String) -> Bool
    /// How much of an exponential moving average of the weights stays in a step; `nil` keeps no average.
    public var averageDecay: Double?
    /// Whether gradients are computed of the loss times the input `loss_scale`, and divided by it before they are
    /// used: in f16 small ones vanish otherwise (Micikevicius et al., arXiv:1710.03740, 3.2).
    public var scalesLoss: Bool

    public init(
        _ optimizer: Optimizer = .adamW, adamW: AdamWAttributes = AdamWAttributes(),
        maxGradientNorm: Double? = nil,
        noDecay: @escaping @Sendable (String) -> Bool = OptimizerOptions.isBiasOrNorm,
        learningRateScale: @escaping @Sendable (String) -> Double = { _ in 1 },
        noClipping: @escaping @Sendable (String) -> Bool = { _ in false },
        averageDecay: Double? = nil, scalesLoss: Bool = false
    ) {
        self.optimizer = optimizer
        self.adamW = adamW
        self.maxGradientNorm = maxGradientNorm
        self.noDecay = noDecay
        self.learningRateScale = learningRateScale
        self.noClipping = noClipping
        self.averageDecay = averageDecay
        self.scalesLoss = scalesLoss
    }

    /// The accumulator with the sum of a parameter's gradients.
    public static func sumName(_ name: String) -> String { "\(name).grad" }

    /// The state parameter with a parameter's moving average.
    public static func averageName(_ name: String) -> String { "\(name).ema" }

    /// Biases and normalisation weights by the names that PyTorch and Hugging Face models commonly give them.
    public static let isBiasOrNorm: @Sendable (String) -> Bool = { name in
        name.hasSuffix("bias") || ["LayerNorm", "layer_norm", "norm."].contains { name.contains($0) }
    }
}

/// What turns gradients into updates.
public enum Optimizer: String, Hashable, Sendable, CaseIterable {
    /// Adam with decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101).
    case adamW = "adamw"
    /// AdamW's update times ‖p‖ / ‖update‖ for each parameter with weight decay (You et al., arXiv:1904.00962, as
    /// NVIDIA apex's FusedLAMB without `use_nvlamb`).
    case lamb
}
