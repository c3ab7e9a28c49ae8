import GraphIR
import KernelIR

/// What packing moves: one element of a panel a lane, as f32, or a pair of bf16 or four i8 as i32; with terms one vector of
/// pairs a term.
struct PackCells {
    /// The elements of the matrix that is packed.
    let source: ElementType
    /// The elements of the panels.
    let target: ElementType
    private let terms: TermWriter
    let v: VectorWriter

    init(source: ElementType, tile: ContractionTile, lanes: Int) {
        precondition(
            source == .f32 || [source, .f32].contains(tile.panelElement) && tile.terms == 1,
            "\(source) can't be packed as \(tile.panelElement)")
        self.source = source
        target = tile.panelElement
        terms = TermWriter(terms: tile.terms, lanes: lanes)
        v = VectorWriter(lanes: lanes)
    }

    private var holdsPairs: Bool { target == .bf16 }
    private var holdsQuads: Bool { target == .i8 }

    /// The address of cell `index` of a panel.
    func address(_ w: inout FunctionWriter, _ base: Pointer, _ index: I64) -> Pointer {
        w.address(base, holdsPairs || holdsQuads ? .i32 : target.stored, index)
    }

    /// A cell of one value, or of a pair.
    func cell(_ w: inout FunctionWriter, _ values: [Vector<F32>]) -> [AnyVector] {
        holdsPairs
            ? terms.splitPairs(&w, low: values[0], high: values[1]).map { AnyVector($0) }
            : values.map { AnyVector($0) }
    }

    // MARK: Loads

    /// Neighbours in a row, one per lane; pairs take the row `next` elements further on too, where `left` rows, counted
    /// from this one, reach it.
    func rows(
        _ w: inout FunctionWriter, _ place: Pointer, next: I64, left: I64, _ mask: Mask
    ) -> [AnyVector] {
        guard holdsPairs else { return [AnyVector(v.loadFloats(&w, as: source, place, mask: mask))] }
        let exists = w.compare(.sgt, left, 1)
        let second = w.address(place, source.stored, next)
        let both = w.select(exists, mask, v.zero())
        if source == .f32 {
            return cell(
                &w, [v.load(&w, F32.self, place, mask: mask), v.load(&w, F32.self, second, mask: both)])
        }
        let (low, high) = (v.load(&w, I16.self, place, mask: mask), v.load(&w, I16.self, second, mask: both))
        return [AnyVector(v.bf16Pairs(&w, low: low, high: high))]
    }

    /// Masks for `columns`: cells along a row of which `left` elements are left.
    func masks(_ w: inout FunctionWriter, left: I64) -> [Mask] {
        // The depth of i8 is whole fours.
        if holdsQuads { return [v.mask(&w, below: w.udiv(left, 4))] }
        guard holdsPairs else { return [v.mask(&w, below: left)] }
        if source == .f32 { return [v.mask(&w, below: left), v.mask(&w, below: w.sub(left, v.lanes))] }
        return [VectorWriter(lanes: 2 * v.lanes).mask(&w, below: left)]
    }

    /// Cells along a row; zero where the row is not present.
    func columns(
        _ w: inout FunctionWriter, _ place: Pointer, _ masks: [Mask], isPresent: I1
    ) -> [AnyVector] {
        func part(_ index: Int) -> (place: Pointer, mask: Mask) {
            let lanes = masks[index].lanes
            let mask = w.select(isPresent, masks[index], .zero(lanes: lanes))
            return (w.address(place, source.stored, index * lanes), mask)
        }
        if holdsQuads {
            let (place, mask) = part(0)
            return [AnyVector(v.load(&w, I32.self, place, mask: mask))]
        }
        if holdsPairs, source != .f32 {
            let (place, mask) = part(0)
            let elements = VectorWriter(lanes: 2 * v.lanes).load(&w, I16.self, place, mask: mask)
            return [w.bitcast(elements, v.type(.i32))]
        }
        let parts = masks.indices.map { index -> Vector<F32> in
            let (place, mask) = part(index)
            return v.loadFloats(&w, as: source, place, mask: mask)
        }
        guard holdsPairs else { return parts.map { AnyVector($0) } }
        // Neighbours become pairs: the low half of the lanes of both parts, then the high half.
        return zip(terms.split(&w, parts[0]), terms.split(&w, parts[1])).map { first, second in
            w.bitcast(w.shuffle(first, second, Array(0..<(2 * v.lanes))), v.type(.i32))
        }
    }

    // MARK: Stores

    /// Stores a cell.
    /// - Parameter plane: cells from one term to the next.
    func store(_ w: inout FunctionWriter, _ cell: [AnyVector], to place: Pointer, plane: I64) {
        let align = v.lanes * (holdsPairs || holdsQuads ? 4 : target.byteCount)
        for (term, part) in cell.enumerated() {
            let value = target == .f16 ? w.convert(.fptrunc, part, to: .half) : part
            w.store(value, address(&w, place, w.mul(plane, term)), align: align)
        }
    }
}
