/// The type of one tensor element.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
    /// IEEE 754 numbers of 32 bits, bfloat16, IEEE 754 numbers of 16 bits; signed integers; true and false in one byte.
    /// `i8` holds quantised numbers: `quantize` makes them, products multiply them, nothing else computes with them.
    case f32, bf16, f16, i8, i32, i64, bool

    /// Bytes that one element takes in memory.
    public var byteCount: Int {
        switch self {
        case .i64: 8
        case .f32, .i32: 4
        case .bf16, .f16: 2
        case .bool, .i8: 1
        }
    }

    /// Whether it is one of `f32`, `bf16` and `f16`, which have gradients.
    public var isFloat: Bool {
        switch self {
        case .f32, .bf16, .f16: true
        case .i8, .i32, .i64, .bool: false
        }
    }

    /// Whether it is `i32` or `i64`.
    public var isInteger: Bool { self == .i32 || self == .i64 }

    /// Whether a constant of this type can be `number`: floats round, others hold whole numbers of their range.
    func holds(_ number: Double) -> Bool {
        switch self {
        case .f32, .bf16, .f16: true
        case .i8: Int8(exactly: number) != nil
        case .i32: Int32(exactly: number) != nil
        case .i64: Int64(exactly: number) != nil
        case .bool: number == 0 || number == 1
        }
    }
}
