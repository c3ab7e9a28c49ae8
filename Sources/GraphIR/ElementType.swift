/// The type of one tensor element.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
    case f32, bf16, f16, i32, i64, bool

    /// Bytes that one element takes in memory.
    public var byteCount: Int {
        switch self {
        case .i64: 8
        case .f32, .i32: 4
        case .bf16, .f16: 2
        case .bool: 1
        }
    }

    public var isFloat: Bool {
        switch self {
        case .f32, .bf16, .f16: true
        case .i32, .i64, .bool: false
        }
    }

    public var isInteger: Bool { self == .i32 || self == .i64 }

    /// Whether a constant of this type can be `number`: floats round, others hold whole numbers of their range.
    func holds(_ number: Double) -> Bool {
        switch self {
        case .f32, .bf16, .f16: true
        case .i32: Int32(exactly: number) != nil
        case .i64: Int64(exactly: number) != nil
        case .bool: number == 0 || number == 1
        }
    }
}
