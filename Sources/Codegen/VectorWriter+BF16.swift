import KernelIR

/// Pairs of bf16 elements, neighbours along the depth of a product, in the i32 lanes of a vector: the element of the
/// even place in the low half.
extension VectorWriter {
    /// Two f32 vectors, rounded, as the low and the high halves of i32 lanes.
    func bf16Pairs(_ w: inout FunctionWriter, low: String, high: String) -> String {
        let (first, second) = (bf16Bits(&w, low), bf16Bits(&w, high))
        return bf16Pairs(&w, lowBits: first, highBits: second)
    }

    /// The same of bf16 as i16.
    func bf16Pairs(_ w: inout FunctionWriter, lowBits: String, highBits: String) -> String {
        let wideLow = w.value("zext \(vector("i16")) \(lowBits) to \(name(.i32))")
        let wideHigh = w.value("zext \(vector("i16")) \(highBits) to \(name(.i32))")
        return integer(&w, "or", wideLow, integer(&w, "shl", wideHigh, bits(16)))
    }

    /// f32 rounded to bf16, to nearest with ties to even, as i16; NaN stays NaN.
    func bf16Bits(_ w: inout FunctionWriter, _ x: String) -> String {
        if w.bf16 != .widening, lanes == 16 {
            let narrow = w.value(
                "call <16 x bfloat> @llvm.x86.avx512bf16.cvtneps2bf16.512(<16 x float> \(x))")
            return w.value("bitcast <16 x bfloat> \(narrow) to <16 x i16>")
        }
        let bits = bitsOf(&w, x)
        let lsb = integer(&w, "and", integer(&w, "lshr", bits, self.bits(16)), self.bits(1))
        let bias = integer(&w, "add", lsb, self.bits(0x7FFF))
        let rounded = integer(&w, "add", bits, bias)
        let isNaN = compareFloat(&w, "uno", x, x)
        let quiet = integer(&w, "or", bits, self.bits(0x40_0000))
        let chosen = select(&w, isNaN, .i32, quiet, rounded)
        let high = integer(&w, "lshr", chosen, self.bits(16))
        return w.value("trunc \(name(.i32)) \(high) to \(vector("i16"))")
    }

    /// bf16 as i16 widened to f32.
    func widenedBF16(_ w: inout FunctionWriter, _ x: String) -> String {
        let wide = w.value("zext \(vector("i16")) \(x) to \(name(.i32))")
        return floatOf(&w, integer(&w, "shl", wide, bits(16)))
    }

    /// `sum + low(a) · low(b) + high(a) · high(b)` for vectors of pairs.
    func dot(_ w: inout FunctionWriter, _ a: String, _ b: String, _ sum: String) -> String {
        if w.bf16 != .widening, lanes == 16 {
            let left = w.value("bitcast <16 x i32> \(a) to <32 x bfloat>")
            let right = w.value("bitcast <16 x i32> \(b) to <32 x bfloat>")
            return w.value(
                "call <16 x float> @llvm.x86.avx512bf16.dpbf16ps.512(<16 x float> \(sum), <32 x bfloat> \(left), <32 x bfloat> \(right))"
            )
        }
        let low = fma(&w, lowOfPairs(&w, a), lowOfPairs(&w, b), sum)
        return fma(&w, highOfPairs(&w, a), highOfPairs(&w, b), low)
    }

    /// The elements of even places as f32.
    func lowOfPairs(_ w: inout FunctionWriter, _ pairs: String) -> String {
        floatOf(&w, integer(&w, "shl", pairs, bits(16)))
    }

    /// The elements of odd places as f32.
    func highOfPairs(_ w: inout FunctionWriter, _ pairs: String) -> String {
        floatOf(&w, integer(&w, "and", pairs, bits(-65536)))
    }
}
