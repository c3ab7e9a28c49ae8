import GraphIR
import KernelIR

/// Stores f32 values into the panels that products read (`Access.Layout`).
struct PanelWriter {
    let element: ElementType
    /// Columns of a panel.
    let width: Int
    /// Rows of a panel, whole pairs for bf16.
    let depth: Extent
    let v: VectorWriter

    private var step: Int { element == .bf16 ? 2 : 1 }

    /// The address of (`panelled / width`, `inner`, `panelled % width`), for bf16 of its pair, as cells of `cell`.
    func address(
        _ w: inout FunctionWriter, _ base: Pointer, _ cell: ScalarType, panelled: I64, inner: I64
    ) -> Pointer {
        let panel = w.udiv(panelled, width)
        let within = w.urem(panelled, width)
        let steps = step == 1 ? w.extent(depth) : w.udiv(w.extent(depth), step)
        let row = w.add(w.mul(panel, steps), step == 1 ? inner : w.udiv(inner, step))
        return w.address(base, cell, w.add(w.mul(row, width), within))
    }

    /// Lanes are columns of one panel: neighbours in a row of it.
    func storeColumns(
        _ w: inout FunctionWriter, _ base: Pointer, _ value: Vector<F32>, _ place: ElementWriter.Place
    ) {
        if element == .bf16 {
            let to = address(&w, base, .i32, panelled: place.column, inner: place.row)
            storeHalves(&w, v.bf16Bits(&w, value), to: to, place)
        } else {
            let to = address(&w, base, element.stored, panelled: place.column, inner: place.row)
            v.store(&w, value, as: element, to, mask: place.mask)
        }
    }

    /// The low halves of a row's pairs, zero in the high ones, or the high halves behind what the row before left:
    /// a task writes pairs of rows in order. (Stores of every other i16 are far slower than reading the pairs.)
    private func storeHalves(
        _ w: inout FunctionWriter, _ bits: Vector<I16>, to pairs: Pointer, _ place: ElementWriter.Place
    ) {
        let isOdd = w.convert(.trunc, place.row, to: I1.self)
        func splat(_ w: inout FunctionWriter, odd: I32, even: I32) -> Vector<I32> {
            v.splat(&w, w.select(isOdd, odd, even))
        }
        let wide = w.convert(.zext, bits, to: I32.self)
        let placed = w.shl(wide, splat(&w, odd: 16, even: 0))
        let before = v.load(&w, I32.self, pairs, mask: place.mask)
        let low = w.and(before, splat(&w, odd: 65535, even: 0))
        v.store(&w, w.or(low, placed), pairs, mask: place.mask)
    }

    /// Lanes are rows of one panel: `width` cells apart. Pairs begin at an even place.
    func storeRows(
        _ w: inout FunctionWriter, _ base: Pointer, _ value: Vector<F32>, _ place: ElementWriter.Place
    ) {
        if element == .bf16 {
            storeRowPairs(&w, base, value, place)
            return
        }
        let to = address(&w, base, element.stored, panelled: place.row, inner: place.column)
        guard v.lanes > 1 else { return v.store(&w, value, as: element, to) }
        if element == .f16 {
            scatter(&w, w.convert(.fptrunc, value, to: F16.self), to: to, place.mask)
        } else {
            scatter(&w, value, to: to, place.mask)
        }
    }

    private func storeRowPairs(
        _ w: inout FunctionWriter, _ base: Pointer, _ value: Vector<F32>, _ place: ElementWriter.Place
    ) {
        let to = address(&w, base, .i32, panelled: place.row, inner: place.column)
        guard v.lanes > 1 else {
            let isOdd = w.and(place.column, 1)
            let bits = v.bf16Bits(&w, value)
            return v.store(&w, bits, w.address(to, .i16, isOdd))
        }
        // A pair that the row ends within has zero in its high half.
        let zeroed = place.mask.map { w.select($0, value, v.float(0)) } ?? value
        let bits = v.bf16Bits(&w, zeroed)
        let pairs = v.lanes / 2
        let cells: Vector<I32> = w.bitcast(bits, LLVMType(.i32, lanes: pairs))
        let mask = place.mask.map { mask in w.shuffle(mask, (0..<pairs).map { 2 * $0 }) }
        scatter(&w, cells, to: to, mask)
    }

    /// Stores lanes `width` cells apart.
    private func scatter<Cell>(
        _ w: inout FunctionWriter, _ cells: Vector<Cell>, to first: Pointer, _ mask: Mask?
    ) {
        let offsets = Vector((0..<cells.lanes).map { I64($0 * width) })
        let places = w.addresses(first, Cell.scalar, offsets)
        let all = Mask([I1](repeating: true, count: cells.lanes))
        w.scatter(cells, places, mask: mask ?? all)
    }
}
