import KernelIR

/// The rows of one sequence, as `offsets` and `lengths` give them, kept within the tensor whatever they say.
struct SegmentRows {
    /// First row.
    let start: String
    /// Real rows.
    let count: String
    /// Rows that this sequence's task writes: its own, and for the first and last sequence what lies before and
    /// after all of them.
    let first: String
    let end: String

    init(
        _ w: inout FunctionWriter, sequence: String, offsets: Int, lengths: Int, sequences: Extent,
        tokens: Extent
    ) {
        func integer(_ w: inout FunctionWriter, _ buffer: Int, _ index: String) -> String {
            let loaded = w.value("load i32, ptr \(w.address(w.buffer(buffer), "i32", index)), align 4")
            return w.value("sext i32 \(loaded) to i64")
        }
        let total = w.extent(tokens)
        let next = w.value("add i64 \(sequence), 1")
        start = w.max(w.min(integer(&w, offsets, sequence), total), "0")
        let slotEnd = w.max(w.min(integer(&w, offsets, next), total), start)
        count = w.max(w.min(integer(&w, lengths, sequence), w.sub(slotEnd, start)), "0")
        let isFirst = w.value("icmp eq i64 \(sequence), 0")
        let isLast = w.value("icmp eq i64 \(next), \(w.extent(sequences))")
        first = w.value("select i1 \(isFirst), i64 0, i64 \(start)")
        end = w.value("select i1 \(isLast), i64 \(total), i64 \(slotEnd)")
    }

    /// Whether `row` is one of the real rows (i1).
    func isReal(_ w: inout FunctionWriter, _ row: String) -> String {
        // One unsigned comparison: row - start < count.
        w.value("icmp ult i64 \(w.sub(row, start)), \(count)")
    }
}
