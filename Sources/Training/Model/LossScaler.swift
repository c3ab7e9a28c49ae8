/// Dynamic loss scaling (Micikevicius et al., "Mixed Precision Training", arXiv:1710.03740, 3.2) with the numbers of
/// `torch.amp.GradScaler`: gradients are computed of the loss times a scale, so that small ones do not vanish in f16;
/// the scale doubles after 2000 steps without an overflow, and a step with one is skipped and halves it.
package struct LossScaler: Equatable, Sendable {
    package static let growthInterval = 2000
    /// Where even this much smaller gradients overflow, a smaller scale does not help.
    package static let minimum = 1e-4
    /// The largest power of two that is finite in f32.
    private static let maximum = 0x1p127

    /// What the loss is multiplied by; a power of two unless a client sets another.
    package var scale = 65536.0
    /// Steps since the scale changed.
    package var steps = 0
    /// Steps that were skipped in all.
    package var skipped = 0

    package init() {}

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
