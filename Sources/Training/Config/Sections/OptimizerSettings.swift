import GraphCompiler

/// How long a run is, and what its steps do to the parameters.
public struct OptimizerSettings: Sendable, Equatable {
    /// Passes over the training data, unless `maxSteps` is set.
    public var epochs = 3
    /// Replaces `epochs`.
    public var maxSteps: Int?
    /// The update rule.
    public var kind = Optimizer.adamW
    /// How its moments are kept between steps.
    public var states = OptimizerStates.f32
    /// Whether each process of several keeps the states of its share of the parameters only, and updates these.
    public var isSharded = false
    /// The peak learning rate.
    public var learningRate = 5e-5
    /// How the learning rate falls after the warm-up.
    public var schedule = LearningRateSchedule.Shape.linear
    /// The exponent of the polynomial schedule.
    public var polynomialPower = 1.0
    /// Warm-up as a share of all steps.
    public var warmupRatio = 0.0
    /// Replaces `warmupRatio`.
    public var warmupSteps: Int?
    /// Decoupled weight decay, relative to the learning rate; none on biases and norms.
    public var weightDecay = 0.01
    /// The decay of the mean of gradients, 0 to 1.
    public var beta1 = 0.9
    /// The decay of the mean of squared gradients, 0 to 1.
    public var beta2 = 0.999
    /// What is added to the square root of the mean of squared gradients.
    public var epsilon = 1e-8
    /// What a layer's learning rate is of that of the layer above.
    public var layerwiseLearningRateDecay = 1.0
    /// How much of the weights' moving average stays in a step; no average when `nil`.
    public var ema: Double?
    /// Gradients are scaled down to this L2 norm; `nil` leaves them.
    public var maxGradientNorm: Double? = 1
    /// The share of the loss that goes to all labels alike, in [0, 1).
    public var labelSmoothing = 0.0
}

extension OptimizerSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init("epochs", \.epochs, "Passes over the training data.", atLeast: 1, effect: .selection),
            .init(
                "maxSteps", \.maxSteps, "Steps in all, replacing `epochs`.", atLeast: 1, effect: .selection),
            .init(
                "optimizer", \.kind,
                "The optimiser: AdamW with decoupled decay, none on biases and LayerNorm; or LAMB, for large batches."
            ),
            .init(
                "optimizerStates", \.states,
                "How the optimiser's moments are kept between steps: \"bf16\" takes half the memory, rounded so that the mean "
                    + "is exact."),
            .init(
                "shardOptimizer", \.isSharded,
                "Whether each process of several keeps the optimiser's states of its share of the parameters only, and updates "
                    + "these ([distributed.md](distributed.md#states-once-in-the-cluster)); the bits are the same.",
                effect: .none),
            .init(
                "learningRate", \.learningRate, "The learning rate at the end of the warm-up.",
                expectation: ConfigFloat.expectation
            ) { ConfigFloat.isLegal($0) },
            .init("schedule", \.schedule, "How the learning rate falls after the warm-up."),
            .init(
                "polynomialPower", \.polynomialPower, "The exponent of the polynomial schedule.",
                expectation: "a positive number"
            ) { $0 > 0 && $0.isFinite },
            .init(
                share: "warmupRatio", \.warmupRatio, "Warm-up as a share of all steps, rounded up.",
                included: true),
            .init("warmupSteps", \.warmupSteps, "Warm-up in steps, replacing `warmupRatio`.", atLeast: 0),
            .init(
                "weightDecay", \.weightDecay, "Decoupled weight decay.", expectation: ConfigFloat.expectation
            ) { ConfigFloat.isLegal($0) },
            .init(share: "beta1", \.beta1, "The decay of the mean of gradients."),
            .init(share: "beta2", \.beta2, "The decay of the mean of squared gradients."),
            .init(
                "epsilon", \.epsilon, "The optimiser's ε.", expectation: ConfigFloat.positive
            ) { $0 != 0 && ConfigFloat.isLegal($0) },
            .init(
                "maxGradientNorm", \.maxGradientNorm,
                "The global L2 norm that gradients are clipped to; null is off.",
                expectation: "\(ConfigFloat.positive), or null"
            ) { $0.map { $0 != 0 && ConfigFloat.isLegal($0) } ?? true },
            .init(
                share: "labelSmoothing", \.labelSmoothing,
                "The share of the loss that goes to all labels alike, as `torch.nn.CrossEntropyLoss` has it."),
            .init(
                "layerwiseLearningRateDecay", \.layerwiseLearningRateDecay,
                "What a layer's learning rate is of that of the layer above: the head has `learningRate`, the embeddings "
                    + "have the lowest.", expectation: "a positive number of at most 1"
            ) { $0 > 0 && $0 <= 1 },
            .init(
                "ema", \.ema,
                "How much of an exponential moving average of the weights stays in a step, such as 0.999: evaluations and "
                    + "the saved model have the averages. null keeps none.",
                expectation: "a positive number less than 1, or null"
            ) { $0.map { $0 > 0 && $0 < 1 } ?? true },
        ]
    }
}
