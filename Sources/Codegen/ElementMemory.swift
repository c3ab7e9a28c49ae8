import GraphIR
import KernelIR

// Loads and stores of an element program: addressing, tail masks, and the storage formats.

extension ElementWriter {
    private func address(_ w: inout FunctionWriter, _ access: Access, _ place: Place) -> String {
        var row = place.row
        if access.rowStride != .fixed(0) {
            if access.divisor != .one { row = w.value("udiv i64 \(row), \(w.extent(access.divisor))") }
            if let modulus = access.modulus { row = w.value("urem i64 \(row), \(w.extent(modulus))") }
            if let indirection = access.indirection {
                let slot = w.address(w.buffer(indirection.ids), "i32", row)
                let loaded = w.value("load i32, ptr \(slot), align 4")
                let id = w.value("sext i32 \(loaded) to i64")
                let last = w.sub(w.extent(indirection.rows), "1")
                row = w.max(w.min(id, last), "0")
            }
        }
        var index = w.mul(row, w.extent(access.rowStride))
        if access.hasColumns { index = w.add(index, place.column) }
        index = w.add(index, w.extent(access.offset))
        return w.address(w.buffer(access.buffer), VectorWriter.storageName(access.element), index)
    }

    func load(_ w: inout FunctionWriter, _ v: VectorWriter, _ access: Access, _ place: Place) -> String {
        v.load(&w, access.element, address(&w, access, place), mask: place.mask)
    }

    func store(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ access: Access, _ value: String, _ place: Place
    ) {
        let pointer: String
        switch access.layout {
        case .rowMajor: pointer = address(&w, access, place)
        case .panels(let width, let depth):
            pointer = panelAddress(
                &w, access.buffer, width, depth, panelled: place.column, inner: place.row)
        case .transposedPanels(let width, let depth):
            let first = panelAddress(
                &w, access.buffer, width, depth, panelled: place.row, inner: place.column)
            return scatter(&w, v, value, to: first, stride: width, place)
        }
        v.store(&w, access.element, value, pointer, mask: place.mask)
    }

    /// Address `(panelled / width, inner, panelled % width)` of f32 panels with `depth` rows.
    private func panelAddress(
        _ w: inout FunctionWriter, _ buffer: Int, _ width: Int, _ depth: Extent, panelled: String,
        inner: String
    ) -> String {
        let panel = w.value("udiv i64 \(panelled), \(width)")
        let within = w.value("urem i64 \(panelled), \(width)")
        let row = w.add(w.mul(panel, w.extent(depth)), inner)
        return w.address(w.buffer(buffer), "float", w.add(w.mul(row, "\(width)"), within))
    }

    /// Stores f32 lanes `stride` elements apart.
    private func scatter(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ value: String, to first: String, stride: Int,
        _ place: Place
    ) {
        guard v.lanes > 1 else { return w.line("store float \(value), ptr \(first), align 4") }
        let offsets = "<" + (0..<v.lanes).map { "i64 \($0 * stride)" }.joined(separator: ", ") + ">"
        let pointers = w.value("getelementptr float, ptr \(first), <\(v.lanes) x i64> \(offsets)")
        let all = "<" + (0..<v.lanes).map { _ in "i1 true" }.joined(separator: ", ") + ">"
        w.line(
            "call void @llvm.masked.scatter.v\(v.lanes)f32.v\(v.lanes)p0(\(v.name(.f32)) \(value), <\(v.lanes) x ptr> \(pointers), i32 4, <\(v.lanes) x i1> \(place.mask ?? all))"
        )
    }
}
