import GraphIR
import KernelIR

// Scatter-add, coalesce, segment and copy templates: data movement along indices.

extension ScatterAdd {
    func write(_ w: inout FunctionWriter, lanes: Int) {
        let v = VectorWriter(lanes: lanes)
        w.loop(from: "%task0", to: "%task1", by: 1) { w, task, _ in
            // Columns in pieces of 16, so that tasks do not share cache lines.
            let width = w.extent(columns)
            let units = w.ceilDivide(width, 16)
            func boundary(_ w: inout FunctionWriter, _ index: String) -> String {
                let scaled = w.mul(index, units)
                let unit = w.value("udiv i64 \(scaled), \(tasks)")
                return w.min(w.mul(unit, "16"), width)
            }
            let from = boundary(&w, task)
            let to = boundary(&w, w.value("add i64 \(task), 1"))
            w.loop(from: "0", to: w.extent(count), by: 1) { w, index, _ in
                let slot = w.address(w.buffer(ids), "i32", index)
                let loaded = w.value("load i32, ptr \(slot), align 4")
                let row = clampedRow(&w, loaded, rows)
                let source = w.address(w.buffer(updates), "float", w.mul(index, width))
                let sum = w.address(w.buffer(target), "float", w.mul(row, width))
                forEachVector(&w, v, from: from, to: to) { w, column, mask in
                    let a = loadFloats(&w, v, w.address(sum, "float", column), mask)
                    let b = loadFloats(&w, v, w.address(source, "float", column), mask)
                    storeFloats(&w, v, v.op(&w, "fadd", a, b), w.address(sum, "float", column), mask)
                }
                return []
            }
            return []
        }
    }
}

extension CoalesceRows {
    func write(_ w: inout FunctionWriter) {
        w.loop(from: "%task0", to: "%task1", by: 1) { w, _, _ in
            let none = w.value("trunc i64 \(w.extent(count)) to i32")
            w.loop(from: "0", to: w.extent(count), by: 1, carrying: [("i32", "0")]) { w, index, found in
                let id = w.value("load i32, ptr \(w.address(w.buffer(ids), "i32", index)), align 4")
                let slot = w.address(w.buffer(slots), "i32", clampedRow(&w, id, rows))
                let old = w.value("load i32, ptr \(slot), align 4")
                let isNew = w.value("icmp eq i32 \(old), \(none)")
                let number = w.value("select i1 \(isNew), i32 \(found[0]), i32 \(old)")
                w.line("store i32 \(number), ptr \(slot), align 4")
                let position = w.address(w.buffer(positions), "i32", index)
                w.line("store i32 \(number), ptr \(position), align 4")
                let one = w.value("zext i1 \(isNew) to i32")
                return [w.value("add i32 \(found[0]), \(one)")]
            }
            return []
        }
    }
}

extension SegmentKernel {
    func write(_ w: inout FunctionWriter, lanes: Int) {
        w.loop(from: "%task0", to: "%task1", by: 1) { w, sequence, _ in
            let rows = SegmentRows(
                &w, sequence: sequence, offsets: offsets, lengths: lengths, sequences: sequences,
                tokens: tokens)
            switch direction {
            case .sum: writeSum(&w, lanes, sequence, rows)
            case .broadcast: writeBroadcast(&w, lanes, sequence, rows)
            }
            return []
        }
    }

    /// One vector (or element) of columns at a time, summed over the rows in order.
    private func writeSum(_ w: inout FunctionWriter, _ lanes: Int, _ sequence: String, _ rows: SegmentRows) {
        let elements = ElementWriter(program: [], lanes: lanes)
        let v = elements.vectors
        let width = w.extent(columns)
        forEachVector(&w, v, from: "0", to: width) { w, column, mask in
            let zero = element.isFloat ? v.float(0) : v.constant(0, element.computeType)
            let type = v.name(element.computeType)
            let sums = w.loop(from: "0", to: rows.count, by: 1, carrying: [(type, zero)]) { w, index, sum in
                let place = ElementWriter.Place(row: w.add(rows.start, index), column: column, mask: mask)
                let x = elements.load(&w, v, .elements(source, element, columns: columns), place)
                return [w.value("\(element.isFloat ? "fadd" : "add") \(type) \(sum[0]), \(x)")]
            }
            let place = ElementWriter.Place(row: sequence, column: column, mask: mask)
            elements.store(&w, v, .elements(target, element, columns: columns), sums[0], place)
        }
    }

    private func writeBroadcast(
        _ w: inout FunctionWriter, _ lanes: Int, _ sequence: String, _ rows: SegmentRows
    ) {
        let elements = ElementWriter(program: [], lanes: lanes)
        let v = elements.vectors
        w.loop(from: rows.first, to: rows.end, by: 1) { w, row, _ in
            let real = rows.isReal(&w, row)
            forEachVector(&w, v, from: "0", to: w.extent(columns)) { w, column, mask in
                let from = ElementWriter.Place(row: sequence, column: column, mask: mask)
                let x = elements.load(&w, v, .elements(source, element, columns: columns), from)
                let type = v.name(element.computeType)
                let y = w.value("select i1 \(real), \(type) \(x), \(type) zeroinitializer")
                let to = ElementWriter.Place(row: row, column: column, mask: mask)
                elements.store(&w, v, .elements(target, element, columns: columns), y, to)
            }
            return []
        }
    }
}

extension StridedCopy {
    func write(_ w: inout FunctionWriter, lanes: Int) {
        let type = VectorWriter.storageName(element)
        let outer = extents.dropLast()
        let rows = outer.reduce(.one, *)
        let inner = extents.last ?? .one
        let (sourceInner, targetInner) = (sourceStrides.last ?? .one, targetStrides.last ?? .one)
        w.loop(from: "%task0", to: "%task1", by: 1) { w, task, _ in
            let total = w.extent(rows)
            func boundary(_ w: inout FunctionWriter, _ index: String) -> String {
                guard tasks > 1 else { return index == "0" ? "0" : total }
                let scaled = w.mul(index, total)
                return w.value("udiv i64 \(scaled), \(tasks)")
            }
            let from = tasks > 1 ? boundary(&w, task) : "0"
            let to = tasks > 1 ? boundary(&w, w.value("add i64 \(task), 1")) : total
            w.loop(from: from, to: to, by: 1) { w, row, _ in
                var rest = row
                var source = w.extent(sourceOffset)
                var target = w.extent(targetOffset)
                for axis in outer.indices.reversed() {
                    let extent = w.extent(extents[axis])
                    let index = axis == 0 ? rest : w.value("urem i64 \(rest), \(extent)")
                    if axis > 0 { rest = w.value("udiv i64 \(rest), \(extent)") }
                    source = w.add(source, w.mul(index, w.extent(sourceStrides[axis])))
                    target = w.add(target, w.mul(index, w.extent(targetStrides[axis])))
                }
                let from = w.address(w.buffer(self.source), type, source)
                let to = w.address(w.buffer(self.target), type, target)
                if sourceInner == .one, targetInner == .one || inner == .one {
                    let bytes = w.mul(w.extent(inner), "\(element.byteCount)")
                    w.line("call void @llvm.memcpy.p0.p0.i64(ptr \(to), ptr \(from), i64 \(bytes), i1 false)")
                } else {
                    w.loop(from: "0", to: w.extent(inner), by: 1) { w, index, _ in
                        let a = w.address(from, type, w.mul(index, w.extent(sourceInner)))
                        let b = w.address(to, type, w.mul(index, w.extent(targetInner)))
                        let x = w.value("load \(type), ptr \(a), align \(element.byteCount)")
                        w.line("store \(type) \(x), ptr \(b), align \(element.byteCount)")
                        return []
                    }
                }
                return []
            }
            return []
        }
    }
}

/// The row that an id names, or the nearest one of the table.
private func clampedRow(_ w: inout FunctionWriter, _ id: String, _ rows: Extent) -> String {
    let wide = w.value("sext i32 \(id) to i64")
    return w.max(w.min(wide, w.sub(w.extent(rows), "1")), "0")
}

// MARK: Vector loops

/// Vectors of columns in [from, to): whole ones, then one with a mask.
private func forEachVector(
    _ w: inout FunctionWriter, _ v: VectorWriter, from: String, to: String,
    _ body: (inout FunctionWriter, _ column: String, _ mask: String?) -> Void
) {
    let span = w.sub(to, from)
    let rounds = w.value("udiv i64 \(span), \(v.lanes)")
    let middle = w.add(from, w.mul(rounds, "\(v.lanes)"))
    w.loop(from: from, to: middle, by: v.lanes) { w, column, _ in
        body(&w, column, nil)
        return []
    }
    let rest = w.value("icmp slt i64 \(middle), \(to)")
    w.when(rest) { w in
        let left = w.value("trunc i64 \(w.sub(to, middle)) to i32")
        let mask = w.value("icmp slt \(v.name(.i32)) \(v.laneNumbers), \(v.splat(&w, left, "i32"))")
        body(&w, middle, mask)
    }
}

private func loadFloats(_ w: inout FunctionWriter, _ v: VectorWriter, _ place: String, _ mask: String?)
    -> String
{
    let type = v.name(.f32)
    guard let mask else { return w.value("load \(type), ptr \(place), align 4") }
    return w.value(
        "call \(type) @llvm.masked.load.v\(v.lanes)f32.p0(ptr \(place), i32 4, <\(v.lanes) x i1> \(mask), \(type) zeroinitializer)"
    )
}

private func storeFloats(
    _ w: inout FunctionWriter, _ v: VectorWriter, _ x: String, _ place: String, _ mask: String?
) {
    let type = v.name(.f32)
    guard let mask else { return w.line("store \(type) \(x), ptr \(place), align 4") }
    w.line(
        "call void @llvm.masked.store.v\(v.lanes)f32.p0(\(type) \(x), ptr \(place), i32 4, <\(v.lanes) x i1> \(mask))"
    )
}
