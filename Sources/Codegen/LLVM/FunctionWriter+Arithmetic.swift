/// Signed comparisons have an `s`, unsigned ones a `u`.
enum IntegerPredicate: String {
    case eq, ne, slt, sle, sgt, sge, ult, uge
}

/// Ordered comparisons are false where either number is NaN, unordered ones true.
enum FloatPredicate: String {
    case oeq, olt, ole, ogt, oge, une, ult, uno
}

// MARK: Sizes and indices

/// Arithmetic on `I64`, which leaves out what constants make needless.
extension FunctionWriter {
    mutating func add(_ a: I64, _ b: I64) -> I64 {
        if a.text == "0" { return b }
        return b.text == "0" ? a : binary("add", a, b)
    }

    mutating func sub(_ a: I64, _ b: I64) -> I64 { b.text == "0" ? a : binary("sub", a, b) }

    mutating func mul(_ a: I64, _ b: I64) -> I64 {
        if a.text == "0" || b.text == "0" { return 0 }
        if a.text == "1" { return b }
        return b.text == "1" ? a : binary("mul", a, b)
    }

    mutating func min(_ a: I64, _ b: I64) -> I64 {
        a.text == b.text ? a : call("llvm.smin.i64", [a, b], returning: a.type)
    }

    mutating func max(_ a: I64, _ b: I64) -> I64 {
        a.text == b.text ? a : call("llvm.smax.i64", [a, b], returning: a.type)
    }

    mutating func add(_ a: I64, _ b: Int) -> I64 { add(a, I64(b)) }
    mutating func sub(_ a: I64, _ b: Int) -> I64 { sub(a, I64(b)) }
    mutating func mul(_ a: I64, _ b: Int) -> I64 { mul(a, I64(b)) }
    mutating func min(_ a: I64, _ b: Int) -> I64 { min(a, I64(b)) }
    mutating func max(_ a: I64, _ b: Int) -> I64 { max(a, I64(b)) }
    mutating func udiv(_ a: I64, _ b: Int) -> I64 { udiv(a, I64(b)) }
    mutating func urem(_ a: I64, _ b: Int) -> I64 { urem(a, I64(b)) }

    mutating func negative(_ a: I64) -> I64 { binary("sub", 0, a) }

    /// `(a + b - 1) / b` of a non-negative `a` and a constant `b`.
    mutating func ceilDivide(_ a: I64, _ b: Int) -> I64 {
        if let number = a.constant { return I64((number + b - 1) / b) }
        return udiv(add(a, b - 1), b)
    }

    /// The same of a divisor that may be known only when the kernel runs.
    mutating func ceilDivide(_ a: I64, _ b: I64) -> I64 {
        b.constant.map { ceilDivide(a, $0) } ?? udiv(add(a, sub(b, 1)), b)
    }

    /// The next multiple of `step`.
    mutating func roundUp(_ a: I64, to step: Int) -> I64 { step == 1 ? a : mul(ceilDivide(a, step), step) }
}

// MARK: Integers

extension FunctionWriter {
    mutating func add<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("add", a, b) }
    mutating func sub<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("sub", a, b) }
    mutating func mul<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("mul", a, b) }
    mutating func sdiv<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("sdiv", a, b) }
    mutating func udiv<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("udiv", a, b) }
    mutating func urem<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("urem", a, b) }
    mutating func and<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("and", a, b) }
    mutating func or<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("or", a, b) }
    mutating func xor<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("xor", a, b) }
    mutating func shl<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("shl", a, b) }
    mutating func lshr<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("lshr", a, b) }
    mutating func ashr<V: IntegerValue>(_ a: V, _ b: V) -> V { binary("ashr", a, b) }

    mutating func not(_ a: I1) -> I1 { xor(a, true) }

    mutating func compare<V: IntegerValue>(_ predicate: IntegerPredicate, _ a: V, _ b: V) -> V.Condition {
        compare("icmp \(predicate)", a, b, isFloat: false)
    }
}

// MARK: Floats

extension FunctionWriter {
    mutating func fadd<V: FloatValue>(_ a: V, _ b: V) -> V { binary("fadd", a, b, isFloat: true) }
    mutating func fsub<V: FloatValue>(_ a: V, _ b: V) -> V { binary("fsub", a, b, isFloat: true) }
    mutating func fmul<V: FloatValue>(_ a: V, _ b: V) -> V { binary("fmul", a, b, isFloat: true) }
    mutating func fdiv<V: FloatValue>(_ a: V, _ b: V) -> V { binary("fdiv", a, b, isFloat: true) }
    mutating func fneg<V: FloatValue>(_ a: V) -> V { define(a.type, "fneg \(a)") }

    /// `a · b + c`, rounded once.
    mutating func fma<V: FloatValue>(_ a: V, _ b: V, _ c: V) -> V {
        call("llvm.fma.\(a.type.suffix)", [a, b, c], returning: a.type)
    }

    /// A function of one number that LLVM has as an intrinsic.
    mutating func intrinsic<V: FloatValue>(_ function: String, _ x: V) -> V {
        call("llvm.\(function).\(x.type.suffix)", [x], returning: x.type)
    }

    mutating func compare<V: FloatValue>(_ predicate: FloatPredicate, _ a: V, _ b: V) -> V.Condition {
        compare("fcmp \(predicate)", a, b, isFloat: true)
    }
}

// MARK: Text

extension FunctionWriter {
    private mutating func binary<V: LLVMValue>(_ name: String, _ a: V, _ b: V, isFloat: Bool = false) -> V {
        precondition(a.type == b.type && a.type.scalar.isFloat == isFloat, "\(name) \(a), \(b)")
        return define(a.type, "\(name) \(a), \(b.text)")
    }

    private mutating func compare<V: LLVMValue>(_ name: String, _ a: V, _ b: V, isFloat: Bool) -> V.Condition
    {
        precondition(a.type == b.type && a.type.scalar.isFloat == isFloat, "\(name) \(a), \(b)")
        return define(a.type.with(.i1), "\(name) \(a), \(b.text)")
    }

    /// Calls a function that has a result.
    mutating func call<V: LLVMValue>(
        _ function: String, _ arguments: [any LLVMValue], returning type: LLVMType
    ) -> V {
        define(type, "call \(type) @\(function)(\(list(arguments)))")
    }

    /// Calls a function that has none.
    mutating func call(_ function: String, _ arguments: [any LLVMValue]) {
        declare(function, arguments)
        perform("call void @\(function)(\(list(arguments)))")
    }

    private func list(_ arguments: [any LLVMValue]) -> String {
        arguments.map(\.description).joined(separator: ", ")
    }
}
