import KernelIR

/// Splits f32 numbers into sums of bf16 terms, the largest first, for products with `TileKernel.terms` of
/// them.
///
/// A term is what those before it leave, rounded: the difference is exact, so two terms keep 16 of f32's 24
/// bits and three keep all. Terms below 2^-126 are zero where the processor rounds to bf16 itself, and an
/// infinity leaves NaN.
struct TermWriter {
    let terms: Int
    let lanes: Int
    private var v: VectorWriter { VectorWriter(lanes: lanes) }

    /// The terms of a vector.
    func split(_ w: inout FunctionWriter, _ x: Vector<F32>) -> [Vector<I16>] {
        var rest = x
        return (0..<terms).map { term in
            let bits = v.bf16Bits(&w, rest)
            if term < terms - 1 { rest = w.fsub(rest, v.widenedBF16(&w, bits)) }
            return bits
        }
    }

    /// The terms of two vectors, as pairs: rows 2k and 2k + 1 of a panel.
    func splitPairs(_ w: inout FunctionWriter, low: Vector<F32>, high: Vector<F32>) -> [Vector<I32>] {
        let (lows, highs) = (split(&w, low), split(&w, high))
        return zip(lows, highs).map { low, high in v.bf16Pairs(&w, low: low, high: high) }
    }

    /// Rows of f32 and where their planes of terms go; distances in elements.
    struct Rows {
        let source: Pointer
        let sourceRow: I64
        let rows: I64
        let columns: I64
        let planes: Pointer
        let planeRow: I64
        let planeTerm: I64
    }

    /// Splits rows into one plane per term.
    func writeRows(_ w: inout FunctionWriter, _ r: Rows) {
        w.loop(from: 0, to: r.rows, by: 1) { w, row in
            let source = w.address(r.source, .float, w.mul(row, r.sourceRow))
            let target = w.address(r.planes, .i16, w.mul(row, r.planeRow))
            w.loop(from: 0, to: r.columns, by: lanes) { w, column in
                let mask = v.mask(&w, below: w.sub(r.columns, column))
                let x = v.load(&w, F32.self, w.address(source, .float, column), mask: mask)
                for (term, bits) in split(&w, x).enumerated() {
                    let plane = w.address(target, .i16, w.mul(r.planeTerm, term))
                    v.store(&w, bits, w.address(plane, .i16, column), mask: mask)
                }
            }
        }
    }
}
