/// An operand of an LLVM instruction: a register or a constant, with its type.
///
/// The Swift type says what the value is, so that a scalar can't be passed for a vector, nor an `I32` for an `I64`.
/// Where element types are known only when the compiler runs, there is `AnyVector`, which checks them then.
protocol LLVMValue: CustomStringConvertible {
    /// What comparing such values gives.
    associatedtype Condition: LLVMValue
    /// The operand without its type.
    var text: String { get }
    var type: LLVMType { get }
    /// - Precondition: `type` is one that such values have.
    init(text: String, type: LLVMType)
}

extension LLVMValue {
    /// The operand with its type: `<16 x float> %v3`.
    var description: String { "\(type) \(text)" }
}

protocol IntegerValue: LLVMValue {}
protocol FloatValue: LLVMValue {}

// MARK: Scalars

/// A value of one scalar type.
protocol ScalarValue: LLVMValue where Condition == I1 {
    static var scalar: ScalarType { get }
    init(text: String)
}

extension ScalarValue {
    var type: LLVMType { LLVMType(Self.scalar) }

    init(text: String, type: LLVMType) {
        precondition(type == LLVMType(Self.scalar), "\(text) is \(type), not \(Self.scalar)")
        self.init(text: text)
    }

    /// A parameter of the function that is written.
    init(parameter name: String) { self.init(text: "%\(name)") }
}

/// A truth value.
struct I1: ScalarValue, IntegerValue, ExpressibleByBooleanLiteral {
    typealias Condition = I1
    static let scalar = ScalarType.i1
    let text: String

    init(text: String) { self.text = text }
    init(_ constant: Bool) { text = "\(constant)" }
    init(booleanLiteral constant: Bool) { self.init(constant) }
}

/// An integer that has constants.
protocol IntegerScalar: ScalarValue, IntegerValue, ExpressibleByIntegerLiteral {}

extension IntegerScalar {
    init(_ constant: some BinaryInteger) { self.init(text: String(constant)) }
    init(integerLiteral constant: Int) { self.init(constant) }

    /// The number, if it is a constant.
    var constant: Int? { Int(text) }
}

struct I8: IntegerScalar {
    static let scalar = ScalarType.i8
    let text: String
}

struct I16: IntegerScalar {
    static let scalar = ScalarType.i16
    let text: String
}

struct I32: IntegerScalar {
    static let scalar = ScalarType.i32
    let text: String
}

/// A 64-bit integer: what indices, sizes and distances are.
struct I64: IntegerScalar {
    static let scalar = ScalarType.i64
    let text: String
}

/// What `half` is called here as an element type: a number of 16 bits, in memory only.
struct F16: ScalarValue, FloatValue {
    static let scalar = ScalarType.half
    let text: String
}

/// bf16 as a type of its own, which only a few instructions take; everywhere else it is `I16`.
struct BF16: ScalarValue, FloatValue {
    static let scalar = ScalarType.bfloat
    let text: String
}

struct F32: ScalarValue, FloatValue {
    static let scalar = ScalarType.float
    static let zero = F32(text: "0.0")
    let text: String

    init(text: String) { self.text = text }

    /// LLVM writes floats as the bits of the double with the same value.
    init(_ constant: Double) {
        let bits = String(Double(Float(constant)).bitPattern, radix: 16, uppercase: true)
        text = "0x" + String(repeating: "0", count: 16 - bits.count) + bits
    }
}

struct Pointer: ScalarValue {
    static let scalar = ScalarType.pointer
    static let null = Pointer(text: "null")
    let text: String
}

// MARK: Vectors

/// A vector of `Element`s. One of a single lane is written as a scalar, so that the same code writes both.
struct Vector<Element: ScalarValue>: LLVMValue {
    typealias Condition = Mask
    let text: String
    let lanes: Int

    var type: LLVMType { LLVMType(Element.scalar, lanes: lanes) }

    init(text: String, lanes: Int) {
        self.text = text
        self.lanes = lanes
    }

    init(text: String, type: LLVMType) {
        precondition(type.scalar == Element.scalar, "\(text) is \(type), not of \(Element.scalar)")
        self.init(text: text, lanes: type.lanes)
    }

    /// Different constants, one per lane.
    init(_ elements: [Element]) {
        lanes = elements.count
        text = lanes == 1 ? elements[0].text : "<" + elements.map(\.description).joined(separator: ", ") + ">"
    }

    /// The same constant in every lane.
    init(repeating constant: Element, lanes: Int) {
        self.lanes = lanes
        text = lanes == 1 ? constant.text : "splat (\(constant))"
    }

    static func zero(lanes: Int) -> Vector {
        Vector(text: lanes == 1 ? "0" : "zeroinitializer", lanes: lanes)
    }
}

extension Vector: IntegerValue where Element: IntegerValue {}
extension Vector: FloatValue where Element: FloatValue {}

/// Which lanes something is done for.
typealias Mask = Vector<I1>

/// A vector, or scalar, whose element type is known when the compiler runs: `FunctionWriter` checks it there.
struct AnyVector: IntegerValue, FloatValue {
    typealias Condition = Mask
    let text: String
    let type: LLVMType

    init(text: String, type: LLVMType) {
        self.text = text
        self.type = type
    }

    init(_ value: some LLVMValue) {
        text = value.text
        type = value.type
    }

    /// The same as a vector of `Element`s, which it must be.
    func of<Element: ScalarValue>(_ element: Element.Type) -> Vector<Element> {
        Vector(text: text, type: type)
    }
}
