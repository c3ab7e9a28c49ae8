import GraphIR

/// LLVM's scalar types.
enum ScalarType: String {
    case i1, i8, i16, i32, i64, half, bfloat, float
    case pointer = "ptr"

    var isFloat: Bool { self == .float || self == .half || self == .bfloat }

    /// Bytes in memory.
    var byteCount: Int {
        switch self {
        case .i1, .i8: 1
        case .i16, .half, .bfloat: 2
        case .i32, .float: 4
        case .i64, .pointer: 8
        }
    }

    /// The name in the suffix of an overloaded intrinsic.
    fileprivate var suffix: String {
        switch self {
        case .i1, .i8, .i16, .i32, .i64: rawValue
        case .half: "f16"
        case .bfloat: "bf16"
        case .float: "f32"
        case .pointer: "p0"
        }
    }
}

/// The type of an LLVM value: a scalar, or a vector of several.
struct LLVMType: Hashable, CustomStringConvertible {
    let scalar: ScalarType
    /// 1 for a scalar.
    let lanes: Int

    init(_ scalar: ScalarType, lanes: Int = 1) {
        self.scalar = scalar
        self.lanes = lanes
    }

    var description: String { lanes == 1 ? scalar.rawValue : "<\(lanes) x \(scalar.rawValue)>" }

    /// The suffix of an overloaded intrinsic, such as `v16f32`.
    var suffix: String { lanes == 1 ? scalar.suffix : "v\(lanes)\(scalar.suffix)" }

    /// As many lanes of another scalar.
    func with(_ scalar: ScalarType) -> LLVMType { LLVMType(scalar, lanes: lanes) }
}

extension ElementType {
    /// What an element is in registers, where bf16 and f16 are widened to f32.
    var computed: ScalarType {
        switch self {
        case .f32, .bf16, .f16: .float
        case .i8, .i32: .i32
        case .i64: .i64
        case .bool: .i1
        }
    }

    /// What an element is in memory: bf16 is in memory as i16, bool as a byte.
    var stored: ScalarType {
        switch self {
        case .f32: .float
        case .bf16: .i16
        case .f16: .half
        case .i32: .i32
        case .i64: .i64
        case .bool, .i8: .i8
        }
    }
}
