import GraphIR
import KernelIR

// Scatter-add, coalesce, segment and copy templates: data movement along indices.

extension ScatterAdd {
    func write(_ w: inout FunctionWriter, lanes: Int) {
        let v = VectorWriter(lanes: lanes)
        w.forEachTask { w, task in
            // Columns in pieces of 16, so that tasks do not share cache lines.
            let width = w.extent(columns)
            let (from, to) = w.piece(task, of: I64(tasks), total: width, multiple: 16)
            w.loop(from: 0, to: w.extent(count), by: 1) { w, index in
                let id = w.load(I32.self, w.address(w.buffer(ids), .i32, index))
                let row = w.clampedRow(id, of: rows)
                let source = w.address(w.buffer(updates), .float, w.mul(index, width))
                let sum = w.address(w.buffer(target), .float, w.mul(row, width))
                forEachVector(&w, v, from: from, to: to) { w, column, mask in
                    let a = v.load(&w, F32.self, w.address(sum, .float, column), mask: mask)
                    let b = v.load(&w, F32.self, w.address(source, .float, column), mask: mask)
                    v.store(&w, w.fadd(a, b), w.address(sum, .float, column), mask: mask)
                }
            }
        }
    }
}

extension CoalesceRows {
    func write(_ w: inout FunctionWriter) {
        w.forEachTask { w, _ in
            let none = w.convert(.trunc, w.extent(count), to: I32.self)
            _ = w.loop(from: 0, to: w.extent(count), by: 1, carrying: [I32(0)]) { w, index, found in
                let id = w.load(I32.self, w.address(w.buffer(ids), .i32, index))
                let slot = w.address(w.buffer(slots), .i32, w.clampedRow(id, of: rows))
                let old = w.load(I32.self, slot)
                let isNew = w.compare(.eq, old, none)
                let number = w.select(isNew, found[0], old)
                w.store(number, slot)
                w.store(number, w.address(w.buffer(positions), .i32, index))
                return [w.add(found[0], w.convert(.zext, isNew, to: I32.self))]
            }
        }
    }
}

extension SegmentKernel {
    func write(_ w: inout FunctionWriter, lanes: Int) {
        let elements = ElementWriter(program: [], lanes: lanes)
        w.forEachTask { w, sequence in
            let rows = SegmentRows(
                &w, sequence: sequence, offsets: offsets, lengths: lengths, sequences: sequences,
                tokens: tokens)
            switch direction {
            case .sum: writeSum(&w, elements, sequence, rows)
            case .broadcast: writeBroadcast(&w, elements, sequence, rows)
            }
        }
    }

    /// One vector (or element) of columns at a time, summed over the rows in order.
    private func writeSum(
        _ w: inout FunctionWriter, _ elements: ElementWriter, _ sequence: I64, _ rows: SegmentRows
    ) {
        let v = elements.vectors
        forEachVector(&w, v, from: 0, to: w.extent(columns)) { w, column, mask in
            let zero = v.constant(0, element.computeType)
            let sums = w.loop(from: 0, to: rows.count, by: 1, carrying: [zero]) { w, index, sum in
                let place = ElementWriter.Place(row: w.add(rows.start, index), column: column, mask: mask)
                let x = elements.load(&w, v, .elements(source, element, columns: columns), place)
                return [element.isFloat ? w.fadd(sum[0], x) : w.add(sum[0], x)]
            }
            let place = ElementWriter.Place(row: sequence, column: column, mask: mask)
            elements.store(&w, v, .elements(target, element, columns: columns), sums[0], place)
        }
    }

    private func writeBroadcast(
        _ w: inout FunctionWriter, _ elements: ElementWriter, _ sequence: I64, _ rows: SegmentRows
    ) {
        let v = elements.vectors
        w.loop(from: rows.first, to: rows.end, by: 1) { w, row in
            let real = rows.isReal(&w, row)
            forEachVector(&w, v, from: 0, to: w.extent(columns)) { w, column, mask in
                let from = ElementWriter.Place(row: sequence, column: column, mask: mask)
                let x = elements.load(&w, v, .elements(source, element, columns: columns), from)
                let y = w.select(real, x, AnyVector(text: "zeroinitializer", type: x.type))
                let to = ElementWriter.Place(row: row, column: column, mask: mask)
                elements.store(&w, v, .elements(target, element, columns: columns), y, to)
            }
        }
    }
}

extension StridedCopy {
    func write(_ w: inout FunctionWriter, lanes: Int) {
        let rows = extents.dropLast().reduce(.one, *)
        w.forEachTask { w, task in
            let total = w.extent(rows)
            func boundary(_ w: inout FunctionWriter, _ index: I64) -> I64 {
                w.udiv(w.mul(index, total), tasks)
            }
            let first = tasks > 1 ? boundary(&w, task) : 0
            let end = tasks > 1 ? boundary(&w, w.add(task, 1)) : total
            w.loop(from: first, to: end, by: 1) { w, row in
                let (from, to) = places(&w, row)
                copyRow(&w, from: from, to: to)
            }
        }
    }

    /// Where the elements of the innermost axis of a row start in the source and in the target.
    private func places(_ w: inout FunctionWriter, _ row: I64) -> (from: Pointer, to: Pointer) {
        var rest = row
        var source = w.extent(sourceOffset)
        var target = w.extent(targetOffset)
        for axis in extents.dropLast().indices.reversed() {
            let extent = w.extent(extents[axis])
            let index = axis == 0 ? rest : w.urem(rest, extent)
            if axis > 0 { rest = w.udiv(rest, extent) }
            source = w.add(source, w.mul(index, w.extent(sourceStrides[axis])))
            target = w.add(target, w.mul(index, w.extent(targetStrides[axis])))
        }
        let from = w.address(w.buffer(self.source), element.stored, source)
        return (from, w.address(w.buffer(self.target), element.stored, target))
    }

    private func copyRow(_ w: inout FunctionWriter, from: Pointer, to: Pointer) {
        let type = element.stored
        let inner = extents.last ?? .one
        let (sourceInner, targetInner) = (sourceStrides.last ?? .one, targetStrides.last ?? .one)
        if sourceInner == .one, targetInner == .one || inner == .one {
            w.copy(from, to: to, bytes: w.mul(w.extent(inner), element.byteCount))
            return
        }
        w.loop(from: 0, to: w.extent(inner), by: 1) { w, index in
            let a = w.address(from, type, w.mul(index, w.extent(sourceInner)))
            let b = w.address(to, type, w.mul(index, w.extent(targetInner)))
            let x: AnyVector = w.load(LLVMType(type), a)
            w.store(x, b)
        }
    }
}

/// Vectors of columns in [from, to): whole ones, then one with a mask.
private func forEachVector(
    _ w: inout FunctionWriter, _ v: VectorWriter, from: I64, to: I64,
    _ body: (inout FunctionWriter, _ column: I64, _ mask: Mask?) -> Void
) {
    let span = w.sub(to, from)
    let rounds = w.udiv(span, v.lanes)
    let middle = w.add(from, w.mul(rounds, v.lanes))
    w.loop(from: from, to: middle, by: v.lanes) { w, column in body(&w, column, nil) }
    w.when(w.compare(.slt, middle, to)) { w in
        let mask = v.mask(&w, below: w.sub(to, middle))
        body(&w, middle, mask)
    }
}
