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

    /// Address of (`panelled / width`, `inner`, `panelled % width`), for bf16 of its pair, as cells of `cell`.
    private func address(
        _ w: inout FunctionWriter, _ base: String, _ cell: String, panelled: String, inner: String
    ) -> String {
        let panel = w.value("udiv i64 \(panelled), \(width)")
        let within = w.value("urem i64 \(panelled), \(width)")
        let steps = step == 1 ? w.extent(depth) : w.value("udiv i64 \(w.extent(depth)), \(step)")
        let row = w.add(w.mul(panel, steps), step == 1 ? inner : w.value("udiv i64 \(inner), \(step)"))
        return w.address(base, cell, w.add(w.mul(row, "\(width)"), within))
    }

    /// Lanes are columns of one panel: neighbours in a row of it.
    func storeColumns(
        _ w: inout FunctionWriter, _ base: String, _ value: String, _ place: ElementWriter.Place
    ) {
        let mask = v.lanes > 1 ? place.mask : nil
        switch element {
        case .bf16:
            let to = address(&w, base, "i32", panelled: place.column, inner: place.row)
            storeHalves(&w, v.bf16Bits(&w, value), to: to, row: place.row, mask)
        default:
            let to = address(
                &w, base, VectorWriter.storageName(element), panelled: place.column, inner: place.row)
            let (stored, type) = narrowed(&w, value)
            guard let mask else {
                return w.line("store \(type) \(stored), ptr \(to), align \(element.byteCount)")
            }
            let suffix = element == .f16 ? "f16" : "f32"
            w.line(
                "call void @llvm.masked.store.v\(v.lanes)\(suffix).p0(\(type) \(stored), ptr \(to), i32 \(element.byteCount), <\(v.lanes) x i1> \(mask))"
            )
        }
    }

    /// The low halves of a row's pairs, zero in the high ones, or the high halves behind what the row before left:
    /// a task writes pairs of rows in order. (Stores of every other i16 are far slower than reading the pairs.)
    private func storeHalves(
        _ w: inout FunctionWriter, _ bits: String, to place: String, row: String, _ mask: String?
    ) {
        let type = v.name(.i32)
        let isOdd = w.value("trunc i64 \(row) to i1")
        func splat(_ w: inout FunctionWriter, odd: String, even: String) -> String {
            v.splat(&w, w.value("select i1 \(isOdd), i32 \(odd), i32 \(even)"), "i32")
        }
        let wide = w.value("zext \(v.vector("i16")) \(bits) to \(type)")
        let placed = v.integer(&w, "shl", wide, splat(&w, odd: "16", even: "0"))
        guard let mask else {
            let before = w.value("load \(type), ptr \(place), align 4")
            let low = v.integer(&w, "and", before, splat(&w, odd: "65535", even: "0"))
            return w.line("store \(type) \(v.integer(&w, "or", low, placed)), ptr \(place), align 4")
        }
        let lanes = "<\(v.lanes) x i1> \(mask)"
        let before = w.value(
            "call \(type) @llvm.masked.load.v\(v.lanes)i32.p0(ptr \(place), i32 4, \(lanes), \(type) zeroinitializer)"
        )
        let low = v.integer(&w, "and", before, splat(&w, odd: "65535", even: "0"))
        w.line(
            "call void @llvm.masked.store.v\(v.lanes)i32.p0(\(type) \(v.integer(&w, "or", low, placed)), ptr \(place), i32 4, \(lanes))"
        )
    }

    /// Lanes are rows of one panel: `width` cells apart. Pairs begin at an even place.
    func storeRows(
        _ w: inout FunctionWriter, _ base: String, _ value: String, _ place: ElementWriter.Place
    ) {
        switch element {
        case .bf16:
            let to = address(&w, base, "i32", panelled: place.row, inner: place.column)
            guard v.lanes > 1 else {
                let isOdd = w.value("and i64 \(place.column), 1")
                let bits = v.bf16Bits(&w, value)
                return w.line("store i16 \(bits), ptr \(w.address(to, "i16", isOdd)), align 2")
            }
            // A pair that the row ends within has zero in its high half.
            let zeroed = place.mask.map { v.select(&w, $0, .f32, value, v.float(0)) } ?? value
            let bits = v.bf16Bits(&w, zeroed)
            let pairs = v.lanes / 2
            let cells = w.value("bitcast \(v.vector("i16")) \(bits) to <\(pairs) x i32>")
            let even = (0..<pairs).map { "i32 \(2 * $0)" }.joined(separator: ", ")
            let mask = place.mask.map { mask in
                w.value(
                    "shufflevector <\(v.lanes) x i1> \(mask), <\(v.lanes) x i1> poison, <\(pairs) x i32> <\(even)>"
                )
            }
            scatter(&w, cells, "i32", lanes: pairs, to: to, mask)
        default:
            let cell = VectorWriter.storageName(element)
            let to = address(&w, base, cell, panelled: place.row, inner: place.column)
            let (stored, type) = narrowed(&w, value)
            guard v.lanes > 1 else {
                return w.line("store \(type) \(stored), ptr \(to), align \(element.byteCount)")
            }
            scatter(&w, stored, cell, lanes: v.lanes, to: to, place.mask)
        }
    }

    private func narrowed(_ w: inout FunctionWriter, _ value: String) -> (value: String, type: String) {
        guard element == .f16 else { return (value, v.name(.f32)) }
        return (w.value("fptrunc \(v.name(.f32)) \(value) to \(v.vector("half"))"), v.vector("half"))
    }

    /// Stores lanes `width` cells apart.
    private func scatter(
        _ w: inout FunctionWriter, _ value: String, _ cell: String, lanes: Int, to first: String,
        _ mask: String?
    ) {
        let offsets = "<" + (0..<lanes).map { "i64 \($0 * width)" }.joined(separator: ", ") + ">"
        let pointers = w.value("getelementptr \(cell), ptr \(first), <\(lanes) x i64> \(offsets)")
        let all = "<" + (0..<lanes).map { _ in "i1 true" }.joined(separator: ", ") + ">"
        let suffix = cell == "i32" ? "i32" : cell == "half" ? "f16" : "f32"
        let align = cell == "half" ? 2 : 4
        w.line(
            "call void @llvm.masked.scatter.v\(lanes)\(suffix).v\(lanes)p0(<\(lanes) x \(cell)> \(value), <\(lanes) x ptr> \(pointers), i32 \(align), <\(lanes) x i1> \(mask ?? all))"
        )
    }
}
