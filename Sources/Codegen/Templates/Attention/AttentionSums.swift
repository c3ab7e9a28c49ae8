import GraphIR
import KernelIR

// Sums of what tasks of the gradient step leave in planes of their own.

extension AttentionTemplate {
    /// Adds the shares of dq in the order of the parts; one task per sequence and share of its rows.
    func writeSum(_ w: inout FunctionWriter, _ task: I64, dq: Int, partial: Int) {
        let number = w.urem(task, kernel.parts)
        let sequence = w.udiv(task, kernel.parts)
        let part = part(&w, sequence: sequence, head: 0, number: number)
        guard let isWhole = isOneTile(&w, part) else { return writeSum(&w, part, dq: dq, partial: partial) }
        w.when(w.not(isWhole)) { w in writeSum(&w, part, dq: dq, partial: partial) }
    }

    private func writeSum(_ w: inout FunctionWriter, _ part: Part, dq: Int, partial: Int) {
        guard kernel.rowStride(dq) == tokenStride else {
            return writeRowsOfSum(&w, part, dq: dq, partial: partial)
        }
        let first = w.mul(w.add(part.rows.start, part.from), tokenStride)
        let count = w.mul(w.sub(part.to, part.from), tokenStride)
        let total = share(&w, of: 0, dq: dq, partial: partial)
        w.loop(from: 1, to: part.count, by: 1) { w, other in
            let source = share(&w, of: other, dq: dq, partial: partial)
            if let table = kernel.maskTable {
                writeMaskedSum(&w, part, table: table, of: other, from: source, to: total)
            } else {
                addElements(
                    &w, w.address(source.start, .float, first), to: w.address(total.start, .float, first),
                    count: count)
            }
        }
        guard kernel.element != .f32 else { return }
        let target = w.address(w.buffer(dq), kernel.element.stored, first)
        forVectors(&w, count: count) { w, index, mask in
            let sum = loadVector(
                &w, w.address(w.address(total.start, .float, first), .float, index), mask: mask)
            let place = w.address(target, kernel.element.stored, index)
            v.store(&w, sum, as: kernel.element, place, mask: mask)
        }
    }

    /// The same where the rows of dq lie apart: token by token.
    private func writeRowsOfSum(_ w: inout FunctionWriter, _ part: Part, dq: Int, partial: Int) {
        let total = share(&w, of: 0, dq: dq, partial: partial)
        func row(_ w: inout FunctionWriter, _ rows: TokenRows, _ token: I64) -> Pointer {
            w.address(rows.start, rows.element.stored, w.mul(token, rows.stride))
        }
        w.loop(from: 1, to: part.count, by: 1) { w, other in
            let source = share(&w, of: other, dq: dq, partial: partial)
            if let table = kernel.maskTable {
                writeMaskedSum(&w, part, table: table, of: other, from: source, to: total)
            } else {
                w.loop(from: part.from, to: part.to, by: 1) { w, index in
                    let token = w.add(part.rows.start, index)
                    let from = row(&w, source, token)
                    addElements(&w, from, to: row(&w, total, token), count: I64(tokenStride))
                }
            }
        }
        guard kernel.element != .f32 else { return }
        let target = TokenRows(start: w.buffer(dq), element: kernel.element, stride: rowStride(dq))
        w.loop(from: part.from, to: part.to, by: 1) { w, index in
            let token = w.add(part.rows.start, index)
            let (from, to) = (row(&w, total, token), row(&w, target, token))
            forVectors(&w, count: I64(tokenStride)) { w, index, mask in
                let sum = loadVector(&w, w.address(from, .float, index), mask: mask)
                let place = w.address(to, kernel.element.stored, index)
                v.store(&w, sum, as: kernel.element, place, mask: mask)
            }
        }
    }

    /// Adds the plane of part `other` where the mask gave it a tile.
    private func writeMaskedSum(
        _ w: inout FunctionWriter, _ part: Part, table: Int, of other: I64, from source: TokenRows,
        to target: TokenRows
    ) {
        let keys = w.mul(other, part.size)
        let end = w.min(w.add(keys, part.size), part.rows.count)
        w.loop(from: 0, to: I64(kernel.heads), by: 1) { w, head in
            let mask = MaskGrid(&w, table: w.buffer(table), head: head, tile: tile)
            w.loop(from: part.from, to: part.to, by: tile.queries) { w, row in
                w.when(mask.hasTiles(&w, row: row, from: keys, to: end)) { w in
                    let rows = w.min(w.sub(part.to, row), tile.queries)
                    w.loop(from: 0, to: rows, by: 1) { w, index in
                        let token = w.add(w.add(part.rows.start, row), index)
                        let from = element(&w, source, token, head)
                        let isApart = source.stride.text != target.stride.text
                        let to = isApart ? element(&w, target, token, head) : from
                        addElements(
                            &w, w.address(source.start, .float, from),
                            to: w.address(target.start, .float, to),
                            count: I64(kernel.headSize))
                    }
                }
            }
        }
    }

    /// `target[index] += source[index]` below `count`.
    func addElements(_ w: inout FunctionWriter, _ source: Pointer, to target: Pointer, count: I64) {
        forVectors(&w, count: count) { w, index, mask in
            let place = w.address(target, .float, index)
            let share = loadVector(&w, w.address(source, .float, index), mask: mask)
            let sum = w.fadd(loadVector(&w, place, mask: mask), share)
            storeVector(&w, sum, place, mask: mask)
        }
    }

    private func forVectors(
        _ w: inout FunctionWriter, count: I64,
        _ body: (inout FunctionWriter, _ index: I64, _ mask: Mask) -> Void
    ) {
        w.loop(from: 0, to: count, by: tile.lanes) { w, index in
            body(&w, index, v.mask(&w, below: w.min(w.sub(count, index), tile.lanes)))
        }
    }
}
