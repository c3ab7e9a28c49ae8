extension FunctionWriter {
    /// The address of element `index` of elements of `type`.
    mutating func address(_ base: Pointer, _ type: ScalarType, _ index: I64) -> Pointer {
        index.text == "0" ? base : element(base, type, index)
    }

    mutating func address(_ base: Pointer, _ type: ScalarType, _ index: Int) -> Pointer {
        address(base, type, I64(index))
    }

    /// The same in an instruction of its own whatever the index is.
    mutating func element(_ base: Pointer, _ type: ScalarType, _ index: I64) -> Pointer {
        define(base.type, "getelementptr \(type.rawValue), \(base), \(index)")
    }

    /// One address per lane.
    mutating func addresses(_ base: Pointer, _ type: ScalarType, _ indices: Vector<I64>) -> Vector<Pointer> {
        define(
            LLVMType(.pointer, lanes: indices.lanes), "getelementptr \(type.rawValue), \(base), \(indices)")
    }

    // MARK: Loads

    /// - Parameter align: known alignment of the address, that of the type unless it says otherwise.
    mutating func load<Value: ScalarValue>(
        _ type: Value.Type, _ place: Pointer, align: Int? = nil, isInvariant: Bool = false
    ) -> Value {
        load(LLVMType(Value.scalar), place, align: align, isInvariant: isInvariant)
    }

    mutating func load<Value: LLVMValue>(
        _ type: LLVMType, _ place: Pointer, align: Int? = nil, isInvariant: Bool = false
    ) -> Value {
        let metadata = isInvariant ? ", !invariant.load !{}" : ""
        return define(type, "load \(type), \(place), align \(align ?? type.scalar.byteCount)\(metadata)")
    }

    /// Lanes outside of the mask are not read, and 0.
    mutating func load<Value: LLVMValue>(_ type: LLVMType, _ place: Pointer, mask: Mask) -> Value {
        precondition(mask.lanes == type.lanes, "a mask of \(mask.lanes) lanes for \(type)")
        return call(
            "llvm.masked.load.\(type.suffix).p0",
            [place, I32(type.scalar.byteCount), mask, AnyVector(text: "zeroinitializer", type: type)],
            returning: type)
    }

    // MARK: Stores

    mutating func store(_ value: some LLVMValue, _ place: Pointer, align: Int? = nil) {
        perform("store \(value), \(place), align \(align ?? value.type.scalar.byteCount)")
    }

    /// Stores a whole line past the caches: nobody reads it soon. `fence` comes before whoever does.
    mutating func storeLine(_ value: some LLVMValue, _ place: Pointer) {
        perform("store \(value), \(place), align 64, !nontemporal !{i32 1}")
    }

    /// Makes stores of lines visible to other threads.
    mutating func fence() { perform("fence seq_cst") }

    /// Lanes outside of the mask are not written.
    mutating func store(_ value: some LLVMValue, _ place: Pointer, mask: Mask) {
        let type = value.type
        precondition(mask.lanes == type.lanes, "a mask of \(mask.lanes) lanes for \(type)")
        call("llvm.masked.store.\(type.suffix).p0", [value, place, I32(type.scalar.byteCount), mask])
    }

    /// Stores lanes at places of their own.
    mutating func scatter(_ value: some LLVMValue, _ places: Vector<Pointer>, mask: Mask) {
        let type = value.type
        precondition(
            mask.lanes == type.lanes && places.lanes == type.lanes, "\(places.lanes) places for \(type)")
        call(
            "llvm.masked.scatter.\(type.suffix).\(places.type.suffix)",
            [value, places, I32(type.scalar.byteCount), mask])
    }

    // MARK: Bytes

    /// Fetches a cache line into the level-2 cache.
    mutating func prefetch(_ place: Pointer) {
        call("llvm.prefetch.p0", [place, I32(0), I32(2), I32(1)])
    }

    /// Memory of the function itself.
    mutating func allocate(bytes: Int, align: Int) -> Pointer {
        define(LLVMType(.pointer), "alloca [\(bytes) x i8], align \(align)")
    }

    mutating func clear(_ place: Pointer, bytes: I64, align: Int = 1) {
        let place = align == 1 ? "\(place)" : "ptr align \(align) \(place.text)"
        perform("call void @llvm.memset.p0.i64(\(place), i8 0, \(bytes), i1 false)")
    }

    mutating func copy(_ source: Pointer, to target: Pointer, bytes: I64) {
        call("llvm.memcpy.p0.p0.i64", [target, source, bytes, I1(booleanLiteral: false)])
    }
}
