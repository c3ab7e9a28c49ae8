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

    /// The terms of a vector as i16.
    func split(_ w: inout FunctionWriter, _ x: String) -> [String] {
        var rest = x
        return (0..<terms).map { term in
            let bits = v.bf16Bits(&w, rest)
            if term < terms - 1 { rest = v.op(&w, "fsub", rest, v.widenedBF16(&w, bits)) }
            return bits
        }
    }

    /// The terms of two vectors, as pairs in i32 lanes: rows 2k and 2k + 1 of a panel.
    func splitPairs(_ w: inout FunctionWriter, low: String, high: String) -> [String] {
        let (lows, highs) = (split(&w, low), split(&w, high))
        return zip(lows, highs).map { low, high in v.bf16Pairs(&w, lowBits: low, highBits: high) }
    }

    /// Rows of f32 and where their planes of terms go; distances in elements.
    struct Rows {
        let source: String
        let sourceRow: String
        let rows: String
        let columns: String
        let planes: String
        let planeRow: String
        let planeTerm: String
    }

    /// Splits rows into one plane a term.
    func writeRows(_ w: inout FunctionWriter, _ r: Rows) {
        let (wide, narrow) = (v.name(.f32), v.vector("i16"))
        w.loop(from: "0", to: r.rows, by: 1) { w, row, _ in
            let source = w.address(r.source, "float", w.mul(row, r.sourceRow))
            let target = w.address(r.planes, "i16", w.mul(row, r.planeRow))
            w.loop(from: "0", to: r.columns, by: lanes) { w, column, _ in
                let mask = "<\(lanes) x i1> \(v.mask(&w, below: w.sub(r.columns, column)))"
                let from = w.address(source, "float", column)
                let x = w.value(
                    "call \(wide) @llvm.masked.load.v\(lanes)f32.p0(ptr \(from), i32 4, \(mask), \(wide) zeroinitializer)"
                )
                for (term, bits) in split(&w, x).enumerated() {
                    let plane = w.address(target, "i16", w.mul(r.planeTerm, "\(term)"))
                    let to = w.address(plane, "i16", column)
                    w.line(
                        "call void @llvm.masked.store.v\(lanes)i16.p0(\(narrow) \(bits), ptr \(to), i32 2, \(mask))"
                    )
                }
                return []
            }
            return []
        }
    }
}
