import GraphIR
import KernelIR

/// What packing moves: one element of a panel a lane, as f32, or a pair of bf16 as i32; with terms one vector of pairs
/// a term.
struct PackCells {
    /// Of the matrix that is packed.
    let source: ElementType
    /// Of the panels.
    let target: ElementType
    private let terms: TermWriter
    let v: VectorWriter

    init(source: ElementType, tile: ContractionTile, lanes: Int) {
        precondition(
            source == .f32 || source == tile.panelElement && tile.terms == 1,
            "\(source) can't be packed as \(tile.panelElement)")
        self.source = source
        target = tile.panelElement
        terms = TermWriter(terms: tile.terms, lanes: lanes)
        v = VectorWriter(lanes: lanes)
    }

    private var holdsPairs: Bool { target == .bf16 }

    /// The vector of cells in LLVM's text.
    var type: String { v.name(holdsPairs ? .i32 : .f32) }

    /// The address of cell `index` of a panel.
    func address(_ w: inout FunctionWriter, _ base: String, _ index: String) -> String {
        w.address(base, holdsPairs ? "i32" : VectorWriter.storageName(target), index)
    }

    /// A cell of one value, or of a pair.
    func cell(_ w: inout FunctionWriter, _ values: [String]) -> [String] {
        holdsPairs ? terms.splitPairs(&w, low: values[0], high: values[1]) : values
    }

    // MARK: Loads

    /// Neighbours in a row, one a lane; pairs take the row `next` elements further on too, where `left` rows, counted
    /// from this one, reach it.
    func rows(
        _ w: inout FunctionWriter, _ place: String, next: String, left: String, _ mask: String
    ) -> [String] {
        guard holdsPairs else { return [load(&w, place, mask, v.lanes)] }
        let exists = w.value("icmp sgt i64 \(left), 1")
        let second = w.address(place, VectorWriter.storageName(source), next)
        let both = w.value(
            "select i1 \(exists), \(v.vector("i1")) \(mask), \(v.vector("i1")) zeroinitializer")
        if source == .f32 {
            return cell(&w, [load(&w, place, mask, v.lanes), load(&w, second, both, v.lanes)])
        }
        let (low, high) = (load(&w, place, mask, v.lanes), load(&w, second, both, v.lanes))
        return [v.bf16Pairs(&w, lowBits: low, highBits: high)]
    }

    /// Masks for `columns`: cells along a row of which `left` elements are left.
    func masks(_ w: inout FunctionWriter, left: String) -> [String] {
        guard holdsPairs else { return [v.mask(&w, below: left)] }
        if source == .f32 { return [v.mask(&w, below: left), v.mask(&w, below: w.sub(left, "\(v.lanes)"))] }
        return [VectorWriter(lanes: 2 * v.lanes).mask(&w, below: left)]
    }

    /// Cells along a row; zero where the row is not present.
    func columns(
        _ w: inout FunctionWriter, _ place: String, _ masks: [String], isPresent: String
    ) -> [String] {
        let lanes = holdsPairs && source != .f32 ? 2 * v.lanes : v.lanes
        let parts = masks.enumerated().map { index, inside -> String in
            let type = "<\(lanes) x i1>"
            let mask = w.value("select i1 \(isPresent), \(type) \(inside), \(type) zeroinitializer")
            let from = w.address(place, VectorWriter.storageName(source), "\(index * lanes)")
            return load(&w, from, mask, lanes)
        }
        guard holdsPairs else { return parts }
        guard source == .f32 else {
            return [w.value("bitcast <\(lanes) x i16> \(parts[0]) to \(type)")]
        }
        // Neighbours become pairs: the low half of the lanes of both parts, then the high half.
        let order = (0..<(2 * lanes)).map { "i32 \($0)" }.joined(separator: ", ")
        return zip(terms.split(&w, parts[0]), terms.split(&w, parts[1])).map { first, second in
            let all = w.value(
                "shufflevector \(v.vector("i16")) \(first), \(v.vector("i16")) \(second), <\(2 * lanes) x i32> <\(order)>"
            )
            return w.value("bitcast <\(2 * lanes) x i16> \(all) to \(type)")
        }
    }

    /// Elements of the matrix, zero outside the mask: bf16 as i16, others as f32.
    private func load(_ w: inout FunctionWriter, _ place: String, _ mask: String, _ lanes: Int) -> String {
        let vector = VectorWriter(lanes: lanes)
        return source == .bf16
            ? vector.loadStored(&w, source, place, mask: mask) : vector.load(&w, source, place, mask: mask)
    }

    // MARK: Stores

    private func stored(_ w: inout FunctionWriter, _ cell: String) -> (value: String, type: String) {
        guard target == .f16 else { return (cell, type) }
        return (w.value("fptrunc \(type) \(cell) to \(v.vector("half"))"), v.vector("half"))
    }

    /// Stores a cell.
    /// - Parameter plane: cells from one term to the next.
    func store(_ w: inout FunctionWriter, _ cell: [String], to place: String, plane: String) {
        let align = v.lanes * (holdsPairs ? 4 : target.byteCount)
        for (term, part) in cell.enumerated() {
            let (value, type) = stored(&w, part)
            let to = address(&w, place, w.mul(plane, "\(term)"))
            w.line("store \(type) \(value), ptr \(to), align \(align)")
        }
    }
}
