import KernelIR

/// The rows of one sequence, as `offsets` and `lengths` give them, kept within the tensor whatever they say.
struct SegmentRows {
    /// First row.
    let start: I64
    /// Real rows.
    let count: I64
    /// Rows that this sequence's task writes: its own, and for the first and last sequence what lies before and
    /// after all of them.
    let first: I64
    let end: I64

    init(
        _ w: inout FunctionWriter, sequence: I64, offsets: Int, lengths: Int, sequences: Extent,
        tokens: Extent
    ) {
        func integer(_ w: inout FunctionWriter, _ buffer: Int, _ index: I64) -> I64 {
            let loaded = w.load(I32.self, w.address(w.buffer(buffer), .i32, index))
            return w.convert(.sext, loaded)
        }
        let total = w.extent(tokens)
        let next = w.add(sequence, 1)
        start = w.max(w.min(integer(&w, offsets, sequence), total), 0)
        let slotEnd = w.max(w.min(integer(&w, offsets, next), total), start)
        count = w.max(w.min(integer(&w, lengths, sequence), w.sub(slotEnd, start)), 0)
        let isFirst = w.compare(.eq, sequence, 0)
        let isLast = w.compare(.eq, next, w.extent(sequences))
        first = w.select(isFirst, 0, start)
        end = w.select(isLast, total, slotEnd)
    }

    /// Whether `row` is one of the real rows.
    func isReal(_ w: inout FunctionWriter, _ row: I64) -> I1 {
        // One unsigned comparison: row - start < count.
        w.compare(.ult, w.sub(row, start), count)
    }
}
