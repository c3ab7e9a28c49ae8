import GraphIR

// Polynomial and rational approximations in f32, accurate to a few units in the last place, or shorter ones with the
// precision `.short`.

extension VectorWriter {
    /// exp(x): x = n ln 2 + r, a degree-7 polynomial in r (Cephes `expf`, Moshier 1992), and 2^n in two factors so
    /// that results below the normal range and overflow come out right. With `.short`: 2^(x log₂ e), a relative error of
    /// 1e-5 at most, and 0 below the normal range.
    func exp(_ w: inout FunctionWriter, _ input: Vector<F32>) -> Vector<F32> {
        if precision == .short {
            // 2^128 is infinite.
            let power = w.fmul(input, float(1.44269504088896341))
            return exp2(&w, w.select(w.compare(.olt, float(128), power), float(128), power), precision)
        }
        let x = clamp(&w, input, -104, 89)
        let magic = 12_582_912.0  // 1.5 · 2^23: adding it rounds to an integer
        let shifted = w.fma(x, float(1.44269504088896341), float(magic))
        let n = w.fsub(shifted, float(magic))
        var r = w.fma(n, float(-0.693359375), x)
        r = w.fma(n, float(2.12194440e-4), r)
        let p = polynomial(
            &w,
            [
                1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
                5.0000001201e-1,
            ], r)
        let y = w.fadd(w.fma(p, w.fmul(r, r), r), float(1))
        let exponent = w.sub(w.bits(of: shifted), bits(0x4B40_0000))
        let half = w.ashr(exponent, bits(1))
        let rest = w.sub(exponent, half)
        func power(_ e: Vector<I32>) -> Vector<F32> {
            w.float(of: w.shl(w.add(e, bits(127)), bits(23)))
        }
        return w.fmul(w.fmul(y, power(half)), power(rest))
    }

    /// log(x): x = 2^e m with m in [√½, √2), a degree-9 polynomial in m - 1 (Cephes `logf`).
    func log(_ w: inout FunctionWriter, _ x: Vector<F32>) -> Vector<F32> {
        let tiny = w.compare(.olt, x, float(1.17549435e-38))
        let scaled = w.select(tiny, w.fmul(x, float(8_388_608)), x)
        let bias = w.select(tiny, float(126 + 23), float(126))
        let pattern = w.bits(of: scaled)
        let exponent = w.lshr(pattern, bits(23))
        var e = w.fsub(w.convert(.sitofp, exponent, to: F32.self), bias)
        let mantissa = w.or(w.and(pattern, bits(0x7F_FFFF)), bits(0x3F00_0000))
        var m = w.float(of: mantissa)
        let low = w.compare(.olt, m, float(0.707106781186547524))
        e = w.fsub(e, w.select(low, float(1), float(0)))
        m = w.fsub(w.fadd(m, w.select(low, m, float(0))), float(1))
        let z = w.fmul(m, m)
        let p = polynomial(
            &w,
            [
                7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
            ], m)
        var y = w.fmul(w.fmul(p, m), z)
        y = w.fma(e, float(-2.12194440e-4), y)
        y = w.fma(z, float(-0.5), y)
        let finite = w.fma(e, float(0.693359375), w.fadd(m, y))
        // Infinity stays, zero gives -infinity, negative numbers and NaN give NaN.
        let infinite = w.compare(.oeq, x, float(.infinity))
        var result = w.select(infinite, x, finite)
        let zero = w.compare(.oeq, x, float(0))
        result = w.select(zero, float(-.infinity), result)
        let outside = w.compare(.ult, x, float(0))
        return w.select(outside, float(.nan), result)
    }

    /// erf(x) = x P(x²) / Q(x²) on [-4, 4], ±1 beyond in f32 (the 13/8 rational of Eigen's `generic_fast_erf_float`).
    /// With `.short`: x P(x²) on [-3.02, 3.02], ±1 beyond; P has the least greatest error, 2.5e-5, of those that
    /// come to 1 in f32 at the end.
    func erf(_ w: inout FunctionWriter, _ input: Vector<F32>) -> Vector<F32> {
        if precision == .short {
            let x = clamp(&w, input, -3.02, 3.02)
            let p = polynomial(
                &w,
                [
                    3.926155756e-08, -1.892085152e-06, 4.029166303e-05, -5.051310291e-04, 4.209808074e-03,
                    -2.504045889e-02, 1.109997556e-01, -3.752701581e-01, 1.128261209,
                ], w.fmul(x, x))
            return w.fmul(x, p)
        }
        let x = clamp(&w, input, -4, 4)
        let z = w.fmul(x, x)
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
        return w.fdiv(w.fmul(x, p), q)
    }

    /// tanh(x) = x P(x²) / Q(x²) on [-7.9, 7.9], ±1 beyond in f32 (the 13/6 rational of Eigen's `ptanh_float`).
    func tanh(_ w: inout FunctionWriter, _ input: Vector<F32>) -> Vector<F32> {
        let x = clamp(&w, input, -7.90531110763549805, 7.90531110763549805)
        let z = w.fmul(x, x)
        let p = polynomial(
            &w,
            [
                -2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08,
                1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03,
            ], z)
        let q = polynomial(
            &w, [1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03], z)
        return w.fdiv(w.fmul(x, p), q)
    }

    /// sin(x + n π/2): x = k π/2 + r with r in [-π/4, π/4], where one of two polynomials in r has the sine or the cosine, up to
    /// its sign (Cephes `sinf` and `cosf`). π/2 in three parts leaves an r that is right to 2^-25 up to the greatest angle.
    func sine(_ w: inout FunctionWriter, _ x: Vector<F32>, quarterTurns: Int) -> Vector<F32> {
        let magic = 12_582_912.0  // 1.5 · 2^23: adding it rounds to an integer
        let shifted = w.fma(x, float(2 / Double.pi), float(magic))
        let k = w.fsub(shifted, float(magic))
        var r = x
        for part in [1.57079637050628662, -4.37113882867379e-8, -1.71512451000590e-15] {
            r = w.fma(k, float(-part), r)
        }
        let z = w.fmul(r, r)
        let odd = polynomial(&w, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], z)
        let sine = w.fma(w.fmul(odd, z), r, r)
        let even = polynomial(&w, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2], z)
        let cosine = w.fma(w.fmul(even, z), z, w.fma(z, float(-0.5), float(1)))
        // The magic number's own bits end in zeros, but for one far above these two.
        let quarter = w.add(w.bits(of: shifted), bits(quarterTurns))
        let isOdd = w.compare(.ne, w.and(quarter, bits(1)), bits(0))
        let value = w.select(isOdd, cosine, sine)
        let sign = w.shl(w.and(quarter, bits(2)), bits(30))
        let signed = w.float(of: w.xor(w.bits(of: value), sign))
        let inside = w.compare(.ole, w.intrinsic("fabs", x), float(0x1p20))
        return w.select(inside, signed, float(.nan))
    }

    /// a^b = exp(b log |a|), with the sign of an odd integer power; NaN for a negative base and a fractional power.
    func pow(_ w: inout FunctionWriter, _ a: Vector<F32>, _ b: Vector<F32>) -> Vector<F32> {
        let absolute = w.intrinsic("fabs", a)
        let power = exp(&w, w.fmul(b, log(&w, absolute)))
        // 1 to any power, infinite ones and NaN too, as in IEEE 754.
        let magnitude = w.select(w.compare(.oeq, absolute, float(1)), float(1), power)
        let whole = w.compare(.oeq, w.intrinsic("floor", b), b)
        let half = w.fmul(b, float(0.5))
        let even = w.compare(.oeq, w.intrinsic("floor", half), half)
        let opposite = w.fneg(magnitude)
        let signed = w.select(even, magnitude, opposite)
        let negative = w.select(whole, signed, float(.nan))
        let isNegative = w.compare(.olt, a, float(0))
        let result = w.select(isNegative, negative, magnitude)
        let trivial = w.compare(.oeq, b, float(0))
        return w.select(trivial, float(1), result)
    }
}
