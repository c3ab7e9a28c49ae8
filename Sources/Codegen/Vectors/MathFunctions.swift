import GraphIR

// Polynomial and rational approximations in f32, accurate to a few units in the last place.

extension VectorWriter {
    /// exp(x): x = n ln 2 + r, a degree-7 polynomial in r (Cephes `expf`, Moshier 1992), and 2^n in two factors so
    /// that results below the normal range and overflow come out right.
    func exp(_ w: inout FunctionWriter, _ input: String) -> String {
        let x = clamp(&w, input, -104, 89)
        let magic = 12_582_912.0  // 1.5 · 2^23: adding it rounds to an integer
        let shifted = fma(&w, x, float(1.44269504088896341), float(magic))
        let n = op(&w, "fsub", shifted, float(magic))
        var r = fma(&w, n, float(-0.693359375), x)
        r = fma(&w, n, float(2.12194440e-4), r)
        let p = polynomial(
            &w,
            [
                1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
                5.0000001201e-1,
            ], r)
        let y = op(&w, "fadd", fma(&w, p, op(&w, "fmul", r, r), r), float(1))
        let exponent = integer(&w, "sub", bitsOf(&w, shifted), bits(0x4B40_0000))
        let half = integer(&w, "ashr", exponent, bits(1))
        let rest = integer(&w, "sub", exponent, half)
        func power(_ e: String) -> String {
            floatOf(&w, integer(&w, "shl", integer(&w, "add", e, bits(127)), bits(23)))
        }
        return op(&w, "fmul", op(&w, "fmul", y, power(half)), power(rest))
    }

    /// log(x): x = 2^e m with m in [√½, √2), a degree-9 polynomial in m - 1 (Cephes `logf`).
    func log(_ w: inout FunctionWriter, _ x: String) -> String {
        let tiny = compareFloat(&w, "olt", x, float(1.17549435e-38))
        let scaled = select(&w, tiny, .f32, op(&w, "fmul", x, float(8_388_608)), x)
        let bias = select(&w, tiny, .f32, float(126 + 23), float(126))
        let pattern = bitsOf(&w, scaled)
        let exponent = integer(&w, "lshr", pattern, bits(23))
        var e = op(&w, "fsub", w.value("sitofp \(name(.i32)) \(exponent) to \(name(.f32))"), bias)
        let mantissa = integer(&w, "or", integer(&w, "and", pattern, bits(0x7F_FFFF)), bits(0x3F00_0000))
        var m = floatOf(&w, mantissa)
        let low = compareFloat(&w, "olt", m, float(0.707106781186547524))
        e = op(&w, "fsub", e, select(&w, low, .f32, float(1), float(0)))
        m = op(&w, "fsub", op(&w, "fadd", m, select(&w, low, .f32, m, float(0))), float(1))
        let z = op(&w, "fmul", m, m)
        let p = polynomial(
            &w,
            [
                7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
            ], m)
        var y = op(&w, "fmul", op(&w, "fmul", p, m), z)
        y = fma(&w, e, float(-2.12194440e-4), y)
        y = fma(&w, z, float(-0.5), y)
        let finite = fma(&w, e, float(0.693359375), op(&w, "fadd", m, y))
        // Infinity stays, zero gives -infinity, negative numbers and NaN give NaN.
        let infinite = compareFloat(&w, "oeq", x, float(.infinity))
        var result = select(&w, infinite, .f32, x, finite)
        let zero = compareFloat(&w, "oeq", x, float(0))
        result = select(&w, zero, .f32, float(-.infinity), result)
        let outside = compareFloat(&w, "ult", x, float(0))
        return select(&w, outside, .f32, float(.nan), result)
    }

    /// erf(x) = x P(x²) / Q(x²) on [-4, 4], ±1 beyond in f32 (the 13/8 rational of Eigen's `generic_fast_erf_float`).
    func erf(_ w: inout FunctionWriter, _ input: String) -> String {
        let x = clamp(&w, input, -4, 4)
        let z = op(&w, "fmul", x, x)
        let p = polynomial(
            &w,
            [
                -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05,
                -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02,
            ], z)
        let q = polynomial(
            &w,
            [
                -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03,
                -1.42647390514189e-02,
            ], z)
        return op(&w, "fdiv", op(&w, "fmul", x, p), q)
    }

    /// tanh(x) = x P(x²) / Q(x²) on [-7.9, 7.9], ±1 beyond in f32 (the 13/6 rational of Eigen's `ptanh_float`).
    func tanh(_ w: inout FunctionWriter, _ input: String) -> String {
        let x = clamp(&w, input, -7.90531110763549805, 7.90531110763549805)
        let z = op(&w, "fmul", x, x)
        let p = polynomial(
            &w,
            [
                -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
                1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
            ], z)
        let q = polynomial(
            &w, [1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03], z)
        return op(&w, "fdiv", op(&w, "fmul", x, p), q)
    }

    /// a^b = exp(b log |a|), with the sign of an odd integer power; NaN for a negative base and a fractional power.
    func pow(_ w: inout FunctionWriter, _ a: String, _ b: String) -> String {
        let magnitude = exp(&w, op(&w, "fmul", b, log(&w, intrinsic(&w, "fabs", a))))
        let whole = compareFloat(&w, "oeq", intrinsic(&w, "floor", b), b)
        let half = op(&w, "fmul", b, float(0.5))
        let even = compareFloat(&w, "oeq", intrinsic(&w, "floor", half), half)
        let opposite = w.value("fneg \(name(.f32)) \(magnitude)")
        let signed = select(&w, even, .f32, magnitude, opposite)
        let negative = select(&w, whole, .f32, signed, float(.nan))
        let isNegative = compareFloat(&w, "olt", a, float(0))
        let result = select(&w, isNegative, .f32, negative, magnitude)
        let trivial = compareFloat(&w, "oeq", b, float(0))
        return select(&w, trivial, .f32, float(1), result)
    }
}
