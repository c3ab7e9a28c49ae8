extension VectorWriter {
    /// `a > b ? a : b`, one instruction; `b` where either is NaN.
    func larger(_ w: inout FunctionWriter, _ a: String, _ b: String) -> String {
        select(&w, compareFloat(&w, "ogt", a, b), .f32, a, b)
    }

    /// 2^x of numbers up to 127: x = n + r, a degree-6 polynomial in r (Shibata & Petrogalli, SLEEF's `exp2f`), and
    /// 2^n from its exponent's bits. Results below the normal range are 0; NaN stays NaN.
    func exp2(_ w: inout FunctionWriter, _ input: String) -> String {
        // At -127 the exponent's bits are 0, and so is the result.
        let x = larger(&w, float(-127), input)
        // Adding 1.5 · 2^23 rounds to an integer; 127 more puts the biased exponent into the lowest bits.
        let magic = 12_582_912.0 + 127
        let shifted = op(&w, "fadd", x, float(magic))
        let r = op(&w, "fsub", x, op(&w, "fsub", shifted, float(magic)))
        let p = polynomial(
            &w,
            [
                1.535920892e-4, 1.339262701e-3, 9.618384764e-3, 5.550347269e-2, 2.402264476e-1,
                6.931471825e-1,
                1,
            ], r)
        return op(&w, "fmul", p, floatOf(&w, integer(&w, "shl", bitsOf(&w, shifted), bits(23))))
    }
}
