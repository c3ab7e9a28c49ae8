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
        switch access.layout {
        case .rowMajor:
            let stored = stored(&w, v, access.element, value)
            store(&w, v, stored, access.element, to: address(&w, access, place), place.mask)
        case .panels(let width, let depth):
            let panels = PanelWriter(element: access.element, width: width, depth: depth, v: v)
            panels.storeColumns(&w, w.buffer(access.buffer), value, place)
        case .transposedPanels(let width, let depth):
            let panels = PanelWriter(element: access.element, width: width, depth: depth, v: v)
            panels.storeRows(&w, w.buffer(access.buffer), value, place)
        }
    }

    private func store(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ stored: String, _ element: ElementType,
        to pointer: String, _ mask: String?
    ) {
        let vector = v.vector(Self.storageName(element))
        let align = element.byteCount
        if v.lanes > 1, let mask {
            w.line(
                "call void @llvm.masked.store.v\(v.lanes)\(Self.suffix(element)).p0(\(vector) \(stored), ptr \(pointer), i32 \(align), <\(v.lanes) x i1> \(mask))"
            )
        } else {
            w.line("store \(vector) \(stored), ptr \(pointer), align \(align)")
        }
    }

    /// A value as memory holds it.
    private func stored(
        _ w: inout FunctionWriter, _ v: VectorWriter, _ element: ElementType, _ value: String
    ) -> String {
        let vector = v.vector(Self.storageName(element))
        switch element {
        case .f32, .i32, .i64: return value
        case .bool: return w.value("zext \(v.name(.bool)) \(value) to \(vector)")
        case .f16: return w.value("fptrunc \(v.name(.f32)) \(value) to \(vector)")
        case .bf16: return v.bf16Bits(&w, value)
        }
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
