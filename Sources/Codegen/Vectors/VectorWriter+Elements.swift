import GraphIR
import KernelIR

// The functions of element programs.

extension VectorWriter {
    func unary(
        _ w: inout FunctionWriter, _ function: ElementUnary, _ x: AnyVector,
        _ type: ElementType
    ) -> AnyVector {
        let zero = constant(0, type)
        switch function {
        case .neg: return type.isFloat ? w.fneg(x) : w.sub(zero, x)
        case .abs:
            if type.isFloat { return w.intrinsic("fabs", x) }
            let negated = w.sub(zero, x)
            return w.select(w.compare(.slt, x, zero), negated, x)
        case .sign:
            let above = type.isFloat ? w.compare(.ogt, x, zero) : w.compare(.sgt, x, zero)
            let below = type.isFloat ? w.compare(.olt, x, zero) : w.compare(.slt, x, zero)
            // What is neither is 0, of its own sign, or NaN.
            let upper = w.select(above, constant(1, type), x)
            return w.select(below, constant(-1, type), upper)
        case .exp: return AnyVector(exp(&w, x.of(F32.self)))
        case .log: return AnyVector(log(&w, x.of(F32.self)))
        case .sqrt: return w.intrinsic("sqrt", x)
        case .tanh: return AnyVector(tanh(&w, x.of(F32.self)))
        case .erf: return AnyVector(erf(&w, x.of(F32.self)))
        case .sin: return AnyVector(sine(&w, x.of(F32.self), quarterTurns: 0))
        case .cos: return AnyVector(sine(&w, x.of(F32.self), quarterTurns: 1))
        case .not: return w.xor(x, constant(1, .bool))
        }
    }

    func binary(
        _ w: inout FunctionWriter, _ function: BinaryFunction, _ a: AnyVector,
        _ b: AnyVector, _ type: ElementType
    ) -> AnyVector {
        switch function {
        case .add: return type.isFloat ? w.fadd(a, b) : w.add(a, b)
        case .sub: return type.isFloat ? w.fsub(a, b) : w.sub(a, b)
        case .mul: return type.isFloat ? w.fmul(a, b) : w.mul(a, b)
        case .div: return type.isFloat ? w.fdiv(a, b) : divideIntegers(&w, type, a, b)
        case .max: return maximum(&w, a, b)
        case .min: return minimum(&w, a, b)
        case .pow:
            return type.isFloat
                ? AnyVector(pow(&w, a.of(F32.self), b.of(F32.self))) : powIntegers(&w, type, a, b)
        case .and: return w.and(a, b)
        case .or: return w.or(a, b)
        }
    }

    func compare(
        _ w: inout FunctionWriter, _ comparison: Comparison, _ a: AnyVector, _ b: AnyVector
    ) -> Mask {
        func either(_ float: FloatPredicate, _ integer: IntegerPredicate) -> Mask {
            a.type.scalar.isFloat ? w.compare(float, a, b) : w.compare(integer, a, b)
        }
        return switch comparison {
        case .eq: either(.oeq, .eq)
        case .ne: either(.une, .ne)
        case .lt: either(.olt, .slt)
        case .le: either(.ole, .sle)
        case .gt: either(.ogt, .sgt)
        case .ge: either(.oge, .sge)
        }
    }

    func cast(
        _ w: inout FunctionWriter, _ x: AnyVector, from: ElementType, to: ElementType
    ) -> AnyVector {
        let target = to.computed
        if to == .i8, from.isFloat { return AnyVector(roundedToInteger(&w, x.of(F32.self))) }
        switch (from.computeType, to.computeType) {
        case (let a, let b) where a == b: return x
        case (.f32, .bool): return AnyVector(w.compare(.une, x, constant(0, .f32)))
        case (_, .bool): return AnyVector(w.compare(.ne, x, constant(0, from)))
        case (.bool, .f32): return w.convert(.uitofp, x, to: target)
        case (.bool, _): return w.convert(.zext, x, to: target)
        case (.f32, _):
            // Saturates; NaN gives 0.
            let type = type(target)
            return w.call("llvm.fptosi.sat.\(type.suffix).\(x.type.suffix)", [x], returning: type)
        case (_, .f32): return w.convert(.sitofp, x, to: target)
        case (.i32, _): return w.convert(.sext, x, to: target)
        default: return w.convert(.trunc, x, to: target)
        }
    }

    /// A small number rounded to nearest, ties to even: beside 1.5 · 2^23 an f32 has no room for fractions, and its low bits are
    /// the integer.
    private func roundedToInteger(_ w: inout FunctionWriter, _ x: Vector<F32>) -> Vector<I32> {
        let shift = 0x1.8p23
        return w.sub(w.bits(of: w.fadd(x, float(shift))), bits(Int(Float(shift).bitPattern)))
    }
}
