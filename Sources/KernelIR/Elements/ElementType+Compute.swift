import GraphIR

extension ElementType {
    /// The type in which kernels compute with elements stored as this one.
    package var computeType: ElementType {
        switch self {
        case .f32, .bf16, .f16: .f32
        case .i8: .i32
        case .i32, .i64, .bool: self
        }
    }
}
