import KernelIR

/// Rows `from ..< from + count` of a sequence.
struct RowRange {
    let from: I64
    let count: I64
}

// What of a sequence a task works on.

extension AttentionTemplate {
    /// What a task works on.
    struct Part {
        let rows: SegmentRows
        let head: I64
        let number: I64
        /// The part's rows within the sequence: `from ..< to`.
        let from: I64
        let to: I64
        /// Rows of a part, and how many parts have any.
        let size: I64
        let count: I64
        let mask: MaskGrid?
        let bias: BiasRows?
    }

    func part(_ w: inout FunctionWriter, sequence: I64, head: I64, number: I64) -> Part {
        let rows = SegmentRows(
            &w, sequence: sequence, offsets: kernel.offsets, lengths: kernel.lengths,
            sequences: kernel.sequences, tokens: kernel.tokens)
        let size = partSize(&w, of: kernel.biasGradient == nil ? rows.count : biasLength(&w))
        let from = w.min(w.mul(number, size), rows.count)
        let to = w.min(w.add(from, size), rows.count)
        let count = w.udiv(w.sub(w.add(rows.count, size), 1), size)
        return Part(
            rows: rows, head: head, number: number, from: from, to: to, size: size, count: count,
            mask: kernel.maskTable.map { MaskGrid(&w, table: w.buffer($0), head: head, tile: tile) },
            bias: kernel.bias.map { BiasRows(&w, $0, at: w.buffer($0.buffer), head: head) })
    }

    /// Rows of the parts of a sequence of `length` tokens: an even share, in whole tiles.
    func partSize(_ w: inout FunctionWriter, of length: I64) -> I64 {
        let unit = Swift.max(tile.queries, tile.keys)
        let share = w.ceilDivide(length, kernel.parts)
        return w.max(w.mul(w.ceilDivide(share, unit), unit), tile.partRows)
    }

    /// What a task stands for: parts run fastest, then heads, then sequences or groups of them. With a bias of pairs
    /// sequences run fastest, so that what a head's part reads of it stays in the cache.
    func numbers(_ w: inout FunctionWriter, _ task: I64) -> (sequence: I64, head: I64, part: I64) {
        func split(_ w: inout FunctionWriter, _ number: I64, _ count: I64) -> (I64, I64) {
            (w.urem(number, count), w.udiv(number, count))
        }
        let parts = I64(kernel.parts)
        if kernel.bias?.kind == .pairs {
            let count = kernel.groups.map { I64($0) } ?? w.extent(kernel.sequences)
            let (sequence, rest) = split(&w, task, count)
            let (part, head) = split(&w, rest, parts)
            return (sequence, head, part)
        }
        let (part, rest) = split(&w, task, parts)
        let (head, sequence) = split(&w, rest, I64(kernel.heads))
        return (sequence, head, part)
    }

    func part(_ w: inout FunctionWriter, _ task: I64) -> Part {
        let (sequence, head, number) = numbers(&w, task)
        return part(&w, sequence: sequence, head: head, number: number)
    }

    /// Runs `body` for each padding row of the sequence; the first part does it.
    func forPadding(_ w: inout FunctionWriter, _ part: Part, _ body: (inout FunctionWriter, I64) -> Void) {
        w.when(w.compare(.eq, part.number, 0)) { w in
            w.loop(from: part.rows.first, to: part.rows.end, by: 1) { w, row in
                w.when(w.not(part.rows.isReal(&w, row))) { w in body(&w, row) }
            }
        }
    }
}
