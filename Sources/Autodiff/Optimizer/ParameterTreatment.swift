/// How an optimiser treats one parameter.
public struct ParameterTreatment: Hashable, Sendable {
    /// What the learning rate is multiplied by.
    public var rateScale: Double
    /// Whether weights decay.
    public var decays: Bool
    /// Whether the gradient counts towards the global norm and is scaled down with it.
    public var isClipped: Bool
    /// Whether the parameter is left as it is, without gradient and states.
    public var isFrozen: Bool

    /// A parameter that learns, decays and is clipped as all others do, but for what is given.
    public init(rateScale: Double = 1, decays: Bool = true, isClipped: Bool = true, isFrozen: Bool = false) {
        self.rateScale = rateScale
        self.decays = decays
        self.isClipped = isClipped
        self.isFrozen = isFrozen
    }

    /// What most models want, by the names that PyTorch and Hugging Face commonly give: biases and the weights of
    /// normalisations do not decay.
    public static func usual(of name: String) -> ParameterTreatment {
        let isNorm = ["LayerNorm", "layer_norm", "norm."].contains { name.contains($0) }
        return ParameterTreatment(decays: !isNorm && !name.hasSuffix("bias"))
    }
}
