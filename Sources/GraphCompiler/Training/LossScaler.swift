/// Dynamic loss scaling (Micikevicius et al., "Mixed Precision Training", arXiv:1710.03740, 3.2) with the numbers of
/// `torch.amp.GradScaler`: gradients are computed of the loss times a scale, so that small ones do not vanish in f16;
/// the scale doubles after 2000 steps without an overflow, and a step with one is skipped and halves it.
public struct LossScaler: Equatable, Sendable {
    package static let growthInterval = 2000
    /// Where even this much smaller gradients overflow, a smaller scale does not help.
    package static let minimum = 1e-4
    /// The largest power of two that is finite in f32.
    private static let maximum = 0x1p127

    /// What the loss is multiplied by; a power of two unless a client sets another.
    public var scale = 65536.0
    /// Steps since the scale changed.
    public var steps = 0
    /// Steps that were skipped in all.
    public var skipped = 0

    /// A scale of 65536, before the first step.
    public init() {}

    /// Whether even the smallest scale overflows.
    package var isExhausted: Bool { scale < Self.minimum }

    /// Takes note of a step's result.
    package mutating func note(isSkipped: Bool) {
        steps += 1
        if isSkipped {
            skipped += 1
            (scale, steps) = (scale / 2, 0)
        } else if steps == Self.growthInterval {
            (scale, steps) = (min(scale * 2, Self.maximum), 0)
        }
    }
}

/// Gradients that overflow even with the smallest scale of the loss.
public struct LossScaleError: Error, CustomStringConvertible {
    /// What the loss was multiplied by last.
    public let scale: Double
    /// Steps that were skipped in all.
    public let skipped: Int

    public var description: String {
        "gradients overflow with the loss scaled by \(scale) still, after \(skipped) skipped steps; lower the learning "
            + "rate or use bf16"
    }
}
