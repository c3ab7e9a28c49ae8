import GraphIR
import KernelIR

// Loads and stores of an element program: addressing, tail masks, and the storage formats.

extension ElementWriter {
    private func address(_ w: inout FunctionWriter, _ access: Access, _ place: Place) -> Pointer {
        var row = place.row
        if access.rowStride != .fixed(0) {
            if access.divisor != .one { row = w.udiv(row, w.extent(access.divisor)) }
            if let modulus = access.modulus { row = w.urem(row, w.extent(modulus)) }
            if let indirection = access.indirection {
                let slot = w.address(w.buffer(indirection.ids), .i32, row)
                // Row numbers are never stored by the kernel that reads them, which lets a loop load them once.
                let loaded = w.load(I32.self, slot, isInvariant: true)
                row = w.clampedRow(loaded, of: indirection.rows)
            }
        }
        var index = w.mul(row, w.extent(access.rowStride))
        if access.hasColumns { index = w.add(index, place.column) }
        index = w.add(index, w.extent(access.offset))
        return w.address(w.buffer(access.buffer), access.element.stored, index)
    }

    func load(_ w: inout FunctionWriter, _ v: VectorWriter, _ access: Access, _ place: Place) -> AnyVector {
        v.load(&w, as: access.element, address(&w, access, place), mask: place.mask)
    }

    func store(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ access: Access, _ value: AnyVector, _ place: Place
    ) {
        switch access.layout {
        case .rowMajor: v.store(&w, value, as: access.element, address(&w, access, place), mask: place.mask)
        case .panels(let width, let depth):
            let panels = PanelWriter(element: access.element, width: width, depth: depth, v: v)
            panels.storeColumns(&w, w.buffer(access.buffer), value.of(F32.self), place)
        case .transposedPanels(let width, let depth):
            let panels = PanelWriter(element: access.element, width: width, depth: depth, v: v)
            panels.storeRows(&w, w.buffer(access.buffer), value.of(F32.self), place)
        }
    }
}

extension FunctionWriter {
    /// The row that an id names, or the nearest one of the table.
    mutating func clampedRow(_ id: I32, of rows: Extent) -> I64 {
        let wide = convert(.sext, id, to: I64.self)
        return max(min(wide, sub(extent(rows), 1)), 0)
    }
}
