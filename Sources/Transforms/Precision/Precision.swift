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
    /// For inference: products with weights of i8 operands, one scale for each row of an activation and each output of a
    /// weight, added up exactly; everything else f32.
    case int8
    /// f32, of which large products split the operands into sums of two bf16 terms and add up 3 products of them in
    /// f32, where bf16 products are fast enough (AMX); `fp32` elsewhere. An error of at most 2^-15 of each product.
    case bf16x3
    /// The same with three terms and 6 products: as exact as `fp32`.
    case bf16x6

    /// Those with which graphs are trained.
    public static let forTraining = allCases.filter { $0 != .int8 }

    /// The element type of low-precision operands.
    package var element: ElementType {
        switch self {
        case .fp32, .int8, .bf16x3, .bf16x6: .f32
        case .bf16: .bf16
        case .fp16: .f16
        }
    }

    /// Into how many bf16 terms products may split f32 operands.
    package var terms: Int {
        switch self {
        case .fp32, .bf16, .fp16, .int8: 1
        case .bf16x3: 2
        case .bf16x6: 3
        }
    }
}
