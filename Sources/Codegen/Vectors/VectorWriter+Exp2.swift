/// How close functions come: to f32, or to what is computed with products of 16-bit elements, which have 8 to 11 bits
/// themselves.
enum FunctionPrecision {
    case full, short

    /// Least relative error of 2^r for r in [-1/2, 1/2], highest power first: 9e-8 and 3e-6.
    fileprivate var exp2Coefficients: [Double] {
        switch self {
        case .full:
            [1.32647272e-3, 9.67151264e-3, 5.550733743e-2, 2.402224209e-1, 6.931469776e-1, 1]
        case .short: [9.582853095e-3, 5.59064246e-2, 2.402409861e-1, 6.931241934e-1, 1]
        }
    }
}

extension VectorWriter {
    /// `a > b ? a : b`, one instruction; `b` where either is NaN.
    func larger(_ w: inout FunctionWriter, _ a: Vector<F32>, _ b: Vector<F32>) -> Vector<F32> {
        w.select(w.compare(.ogt, a, b), a, b)
    }

    /// 2^x of numbers up to 127: x = n + r, a polynomial in r, and 2^n from its exponent's bits. Results below the
    /// normal range are 0; NaN stays NaN.
    func exp2(_ w: inout FunctionWriter, _ input: Vector<F32>, _ precision: FunctionPrecision = .full)
        -> Vector<F32>
    {
        // At -127 the exponent's bits are 0, and so is the result.
        let x = larger(&w, float(-127), input)
        // Adding 1.5 · 2^23 rounds to an integer; 127 more puts the biased exponent into the lowest bits.
        let magic = 12_582_912.0 + 127
        let shifted = w.fadd(x, float(magic))
        let r = w.fsub(x, w.fsub(shifted, float(magic)))
        let p = polynomial(&w, precision.exp2Coefficients, r)
        return w.fmul(p, w.float(of: w.shl(w.bits(of: shifted), bits(23))))
    }
}
