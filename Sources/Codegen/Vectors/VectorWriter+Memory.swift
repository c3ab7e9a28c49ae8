import GraphIR

/// Loads and stores of the storage formats: bf16 is in memory as i16, bool as a byte.
extension VectorWriter {
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

    /// What is in memory; lanes without a bit in `mask` are not read and 0.
    func loadStored(_ w: inout FunctionWriter, _ type: ElementType, _ place: String, mask: String? = nil)
        -> String
    {
        let vector = vector(Self.storageName(type))
        guard lanes > 1, let mask else {
            return w.value("load \(vector), ptr \(place), align \(type.byteCount)")
        }
        return w.value(
            "call \(vector) @llvm.masked.load.v\(lanes)\(Self.suffix(type)).p0(ptr \(place), i32 \(type.byteCount), \(name(.bool)) \(mask), \(vector) zeroinitializer)"
        )
    }

    /// Lanes without a bit in `mask` are not written.
    func storeStored(
        _ w: inout FunctionWriter, _ type: ElementType, _ value: String, _ place: String, mask: String? = nil
    ) {
        let vector = vector(Self.storageName(type))
        guard lanes > 1, let mask else {
            return w.line("store \(vector) \(value), ptr \(place), align \(type.byteCount)")
        }
        w.line(
            "call void @llvm.masked.store.v\(lanes)\(Self.suffix(type)).p0(\(vector) \(value), ptr \(place), i32 \(type.byteCount), \(name(.bool)) \(mask))"
        )
    }

    /// Loads and converts to the type that is computed in.
    func load(_ w: inout FunctionWriter, _ type: ElementType, _ place: String, mask: String? = nil) -> String
    {
        let raw = loadStored(&w, type, place, mask: mask)
        let vector = vector(Self.storageName(type))
        switch type {
        case .f32, .i32, .i64: return raw
        case .bool: return w.value("icmp ne \(vector) \(raw), \(lanes == 1 ? "0" : "zeroinitializer")")
        case .f16: return w.value("fpext \(vector) \(raw) to \(name(.f32))")
        case .bf16: return widenedBF16(&w, raw)
        }
    }

    /// Converts from the type that is computed in, rounding to nearest, and stores.
    func store(
        _ w: inout FunctionWriter, _ type: ElementType, _ value: String, _ place: String, mask: String? = nil
    ) {
        let vector = vector(Self.storageName(type))
        let narrow =
            switch type {
            case .f32, .i32, .i64: value
            case .bool: w.value("zext \(name(.bool)) \(value) to \(vector)")
            case .f16: w.value("fptrunc \(name(.f32)) \(value) to \(vector)")
            case .bf16: bf16Bits(&w, value)
            }
        storeStored(&w, type, narrow, place, mask: mask)
    }
}
