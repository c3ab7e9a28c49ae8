import GraphIR

/// Constants of one vector width, memory accesses, and lane-wise functions without library calls.
struct VectorWriter {
    /// 1 writes scalar code.
    let lanes: Int
    /// How close `exp` and `erf` come.
    var precision = FunctionPrecision.full

    // MARK: Types and constants

    func type(_ scalar: ScalarType) -> LLVMType { LLVMType(scalar, lanes: lanes) }

    func constant(_ value: Double, _ type: ElementType) -> AnyVector {
        switch type {
        case .f32, .bf16, .f16: AnyVector(float(value))
        case .i8, .i32: AnyVector(bits(Int(value)))
        case .i64: AnyVector(Vector(repeating: I64(Int(value)), lanes: lanes))
        case .bool: AnyVector(Mask(repeating: I1(value != 0), lanes: lanes))
        }
    }

    func float(_ value: Double) -> Vector<F32> { Vector(repeating: F32(value), lanes: lanes) }

    /// A number or bit pattern of 32 bits.
    func bits(_ value: Int) -> Vector<I32> { Vector(repeating: I32(value), lanes: lanes) }

    func zero<Element>(_ element: Element.Type = Element.self) -> Vector<Element> { .zero(lanes: lanes) }

    func splat<Element>(_ w: inout FunctionWriter, _ scalar: Element) -> Vector<Element> {
        w.splat(scalar, lanes: lanes)
    }

    /// A scalar in every lane.
    func splat(_ w: inout FunctionWriter, scalar: AnyVector) -> AnyVector {
        switch scalar.type.scalar {
        case .float: AnyVector(splat(&w, F32(text: scalar.text, type: scalar.type)))
        case .i32: AnyVector(splat(&w, I32(text: scalar.text, type: scalar.type)))
        case .i64: AnyVector(splat(&w, I64(text: scalar.text, type: scalar.type)))
        case .i1: AnyVector(splat(&w, I1(text: scalar.text, type: scalar.type)))
        case .i8, .i16, .half, .bfloat, .pointer: preconditionFailure("\(scalar) is not computed with")
        }
    }

    /// 0, 1, 2, …
    var laneNumbers: Vector<I32> { Vector((0..<lanes).map { I32($0) }) }

    /// Lanes below `count`, which may lie outside 0 ... lanes.
    func mask(_ w: inout FunctionWriter, below count: I64) -> Mask {
        let narrow = w.convert(.trunc, count, to: I32.self)
        return w.compare(.slt, laneNumbers, splat(&w, narrow))
    }

    // MARK: Functions of floats

    /// Horner's rule, highest power first.
    func polynomial(_ w: inout FunctionWriter, _ coefficients: [Double], _ x: Vector<F32>) -> Vector<F32> {
        var result = float(coefficients[0])
        for coefficient in coefficients.dropFirst() { result = w.fma(result, x, float(coefficient)) }
        return result
    }

    /// `x` within [low, high]; NaN stays NaN.
    func clamp(_ w: inout FunctionWriter, _ x: Vector<F32>, _ low: Double, _ high: Double) -> Vector<F32> {
        let above = w.compare(.ogt, x, float(high))
        let upper = w.select(above, float(high), x)
        let below = w.compare(.olt, upper, float(low))
        return w.select(below, float(low), upper)
    }

    // MARK: Minimum, maximum, integer division

    /// The larger element; NaN when either is.
    func maximum(_ w: inout FunctionWriter, _ a: AnyVector, _ b: AnyVector) -> AnyVector {
        extreme(&w, a, b, float: .olt, integer: .slt)
    }

    /// The smaller element; NaN when either is.
    func minimum(_ w: inout FunctionWriter, _ a: AnyVector, _ b: AnyVector) -> AnyVector {
        extreme(&w, a, b, float: .ogt, integer: .sgt)
    }

    private func extreme(
        _ w: inout FunctionWriter, _ a: AnyVector, _ b: AnyVector, float: FloatPredicate,
        integer: IntegerPredicate
    ) -> AnyVector {
        guard a.type.scalar.isFloat else { return w.select(w.compare(integer, a, b), b, a) }
        // The machine's instruction gives its second operand when either is NaN; that leaves a NaN in `b`.
        let ordered = w.select(w.compare(float, a, b), b, a)
        return w.select(w.compare(.uno, b, b), b, ordered)
    }

    /// a / b toward zero without the machine's traps: division by zero gives 0, the lowest number by -1 wraps.
    func divideIntegers(
        _ w: inout FunctionWriter, _ type: ElementType, _ a: AnyVector, _ b: AnyVector
    ) -> AnyVector {
        let (zero, one, minusOne) = (constant(0, type), constant(1, type), constant(-1, type))
        let byZero = w.compare(.eq, b, zero)
        let byMinusOne = w.compare(.eq, b, minusOne)
        let special = w.or(byZero, byMinusOne)
        let quotient = w.sdiv(a, w.select(special, one, b))
        let negated = w.sub(zero, a)
        let signed = w.select(byMinusOne, negated, quotient)
        return w.select(byZero, zero, signed)
    }

    /// a^b by squaring, wrapping around; a negative power is the division of 1 by the positive one.
    func powIntegers(
        _ w: inout FunctionWriter, _ type: ElementType, _ a: AnyVector, _ b: AnyVector
    ) -> AnyVector {
        let (zero, one) = (constant(0, type), constant(1, type))
        var (result, square) = (one, a)
        for bit in 0..<type.byteCount * 8 - 1 {
            let isClear = w.compare(.eq, w.and(b, constant(Double(1 << bit), type)), zero)
            result = w.select(isClear, result, w.mul(result, square))
            square = w.mul(square, square)
        }
        let isEven = w.compare(.eq, w.and(b, one), zero)
        let alternating = w.select(isEven, one, a)
        let inverse = w.select(w.compare(.eq, a, constant(-1, type)), alternating, zero)
        let below = w.select(w.compare(.eq, a, one), one, inverse)
        return w.select(w.compare(.slt, b, zero), below, result)
    }
}

extension FunctionWriter {
    mutating func bits(of x: Vector<F32>) -> Vector<I32> { convert(.bitcast, x) }
    mutating func float(of bits: Vector<I32>) -> Vector<F32> { convert(.bitcast, bits) }
}
