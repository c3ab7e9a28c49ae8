import KernelIR
import Target

/// Pairs of bf16 elements, neighbours along the depth of a product, in the i32 lanes of a vector: the element of the
/// even place in the low half.
extension VectorWriter {
    /// Two vectors of bf16, as the low and the high halves of i32 lanes.
    func bf16Pairs(_ w: inout FunctionWriter, low: Vector<I16>, high: Vector<I16>) -> Vector<I32> {
        let wideLow = w.convert(.zext, low, to: I32.self)
        let wideHigh = w.convert(.zext, high, to: I32.self)
        return w.or(wideLow, w.shl(wideHigh, bits(16)))
    }

    /// Whether the target has instructions for pairs of bf16; they take whole vectors.
    private func multipliesPairs(_ target: Target) -> Bool {
        target.units.bf16.multipliesPairs && lanes == target.lanes
    }

    /// f32 rounded to bf16, to nearest with ties to even; NaN stays NaN.
    func bf16Bits(_ w: inout FunctionWriter, _ x: Vector<F32>) -> Vector<I16> {
        if multipliesPairs(w.target) {
            switch w.target.architecture {
            case .x86: return x86BF16Bits(&w, x)
            }
        }
        let bits = w.bits(of: x)
        let lsb = w.and(w.lshr(bits, self.bits(16)), self.bits(1))
        let bias = w.add(lsb, self.bits(0x7FFF))
        let rounded = w.add(bits, bias)
        let isNaN = w.compare(.uno, x, x)
        let quiet = w.or(bits, self.bits(0x40_0000))
        let chosen = w.select(isNaN, quiet, rounded)
        let high = w.lshr(chosen, self.bits(16))
        return w.convert(.trunc, high)
    }

    /// bf16 widened to f32.
    func widenedBF16(_ w: inout FunctionWriter, _ x: Vector<I16>) -> Vector<F32> {
        let wide = w.convert(.zext, x, to: I32.self)
        return w.float(of: w.shl(wide, bits(16)))
    }

    /// `sum + low(a) · low(b) + high(a) · high(b)` for vectors of pairs.
    func dot(
        _ w: inout FunctionWriter, _ a: Vector<I32>, _ b: Vector<I32>, _ sum: Vector<F32>
    ) -> Vector<F32> {
        if multipliesPairs(w.target) {
            switch w.target.architecture {
            case .x86: return x86Dot(&w, a, b, sum)
            }
        }
        let low = w.fma(lowOfPairs(&w, a), lowOfPairs(&w, b), sum)
        return w.fma(highOfPairs(&w, a), highOfPairs(&w, b), low)
    }

    /// The elements of even places as f32.
    func lowOfPairs(_ w: inout FunctionWriter, _ pairs: Vector<I32>) -> Vector<F32> {
        w.float(of: w.shl(pairs, bits(16)))
    }

    /// The elements of odd places as f32.
    func highOfPairs(_ w: inout FunctionWriter, _ pairs: Vector<I32>) -> Vector<F32> {
        w.float(of: w.and(pairs, bits(-65536)))
    }
}
