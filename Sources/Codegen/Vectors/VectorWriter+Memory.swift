import GraphIR

/// Loads and stores of the storage formats: bf16 is in memory as i16, bool as a byte.
extension VectorWriter {
    /// What is in memory; lanes outside of the mask are not read and 0.
    func load<Element: ScalarValue>(
        _ w: inout FunctionWriter, _ element: Element.Type, _ place: Pointer, mask: Mask? = nil
    ) -> Vector<Element> {
        guard lanes > 1, let mask else { return w.load(type(Element.scalar), place) }
        return w.load(type(Element.scalar), place, mask: mask)
    }

    /// Lanes outside of the mask are not written.
    func store(
        _ w: inout FunctionWriter, _ value: some LLVMValue, _ place: Pointer, mask: Mask? = nil
    ) {
        guard lanes > 1, let mask else { return w.store(value, place) }
        w.store(value, place, mask: mask)
    }

    /// Loads elements of `type` and converts to what is computed with.
    func load(
        _ w: inout FunctionWriter, as type: ElementType, _ place: Pointer, mask: Mask? = nil
    ) -> AnyVector {
        switch type {
        case .f32, .bf16, .f16: AnyVector(loadFloats(&w, as: type, place, mask: mask))
        case .i8: AnyVector(w.convert(.sext, load(&w, I8.self, place, mask: mask), to: I32.self))
        case .i32: AnyVector(load(&w, I32.self, place, mask: mask))
        case .i64: AnyVector(load(&w, I64.self, place, mask: mask))
        case .bool: AnyVector(w.compare(.ne, load(&w, I8.self, place, mask: mask), zero()))
        }
    }

    /// The same of a float type.
    func loadFloats(
        _ w: inout FunctionWriter, as type: ElementType, _ place: Pointer, mask: Mask? = nil
    ) -> Vector<F32> {
        switch type {
        case .f32: return load(&w, F32.self, place, mask: mask)
        case .f16: return w.convert(.fpext, load(&w, F16.self, place, mask: mask))
        case .bf16: return widenedBF16(&w, load(&w, I16.self, place, mask: mask))
        case .i8, .i32, .i64, .bool: preconditionFailure("\(type) is not a float")
        }
    }

    /// Converts to elements of `type`, rounding to nearest, and stores.
    func store(
        _ w: inout FunctionWriter, _ value: some LLVMValue, as type: ElementType, _ place: Pointer,
        mask: Mask? = nil
    ) {
        let value = AnyVector(value)
        switch type {
        case .f32, .i32, .i64:
            precondition(value.type == self.type(type.computed), "\(value) as \(type)")
            store(&w, value, place, mask: mask)
        case .i8: store(&w, w.convert(.trunc, value.of(I32.self), to: I8.self), place, mask: mask)
        case .bool: store(&w, w.convert(.zext, value.of(I1.self), to: I8.self), place, mask: mask)
        case .f16: store(&w, w.convert(.fptrunc, value.of(F32.self), to: F16.self), place, mask: mask)
        case .bf16: store(&w, bf16Bits(&w, value.of(F32.self)), place, mask: mask)
        }
    }
}
