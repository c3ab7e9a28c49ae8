import GraphIR

/// How exactly products and attention are computed. Parameters, their updates, normalisation, statistics of
/// softmax, losses and sums are f32 with each.
public enum Precision: String, Hashable, Sendable, CaseIterable {
    /// f32 throughout.
    case fp32
    /// Operands of bf16, added up in f32.
    case bf16
    /// Operands of f16, added up in f32.
    case fp16

    /// The element type of low-precision operands.
    public var element: ElementType {
        switch self {
        case .fp32: .f32
        case .bf16: .bf16
        case .fp16: .f16
        }
    }
}
