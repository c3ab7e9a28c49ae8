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
                // Row numbers are never stored by the kernel that reads them, which lets a loop load them once.
                let loaded = w.value("load i32, ptr \(slot), align 4, !invariant.load !{}")
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
        switch access.layout {
        case .rowMajor: v.store(&w, access.element, value, address(&w, access, place), mask: place.mask)
        case .panels(let width, let depth):
            let panels = PanelWriter(element: access.element, width: width, depth: depth, v: v)
            panels.storeColumns(&w, w.buffer(access.buffer), value, place)
        case .transposedPanels(let width, let depth):
            let panels = PanelWriter(element: access.element, width: width, depth: depth, v: v)
            panels.storeRows(&w, w.buffer(access.buffer), value, place)
        }
    }
}
