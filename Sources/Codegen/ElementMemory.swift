import GraphIR
import KernelIR

// Loads and stores of an element program: addressing, tail masks, and the storage formats.

extension ElementWriter {
    /// The storage type in LLVM's text; bool takes a byte.
    static func storageName(_ type: ElementType) -> String {
        switch type {
        case .f32: "float"
        case .bf16: "i16"
        case .f16: "half"
        case .i32: "i32"
        case .i64: "i64"
        case .bool: "i8"
        }
    }

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
        return w.address(w.buffer(access.buffer), Self.storageName(access.element), index)
    }

    func load(_ w: inout FunctionWriter, _ v: VectorWriter, _ access: Access, _ place: Place) -> String {
        let pointer = address(&w, access, place)
        let storage = Self.storageName(access.element)
        let align = access.element.byteCount
        let vector = v.vector(storage)
        let raw: String
        if v.lanes > 1, let mask = place.mask {
            raw = w.value(
                "call \(vector) @llvm.masked.load.v\(v.lanes)\(Self.suffix(access.element)).p0(ptr \(pointer), i32 \(align), <\(v.lanes) x i1> \(mask), \(vector) zeroinitializer)"
            )
        } else {
            raw = w.value("load \(vector), ptr \(pointer), align \(align)")
        }
        switch access.element {
        case .f32, .i32, .i64: return raw
        case .bool: return w.value("icmp ne \(vector) \(raw), \(v.lanes == 1 ? "0" : "zeroinitializer")")
        case .f16: return w.value("fpext \(vector) \(raw) to \(v.name(.f32))")
        case .bf16: return v.widenedBF16(&w, raw)
        }
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
        let storage = Self.storageName(access.element)
        let vector = v.vector(storage)
        let narrowed: String
        switch access.element {
        case .f32, .i32, .i64: narrowed = value
        case .bool: narrowed = w.value("zext \(v.name(.bool)) \(value) to \(vector)")
        case .f16: narrowed = w.value("fptrunc \(v.name(.f32)) \(value) to \(vector)")
        case .bf16: narrowed = v.bf16Bits(&w, value)
        }
        let align = access.element.byteCount
        if v.lanes > 1, let mask = place.mask {
            w.line(
                "call void @llvm.masked.store.v\(v.lanes)\(Self.suffix(access.element)).p0(\(vector) \(narrowed), ptr \(pointer), i32 \(align), <\(v.lanes) x i1> \(mask))"
            )
        } else {
            w.line("store \(vector) \(narrowed), ptr \(pointer), align \(align)")
        }
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

    private static func suffix(_ type: ElementType) -> String {
        switch type {
        case .f32: "f32"
        case .bf16: "i16"
        case .f16: "f16"
        case .i32: "i32"
        case .i64: "i64"
        case .bool: "i8"
        }
    }
}
