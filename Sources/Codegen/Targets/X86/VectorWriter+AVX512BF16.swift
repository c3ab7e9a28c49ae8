// AVX512-BF16 on 64-byte vectors.

extension VectorWriter {
    /// f32 rounded to bf16, to nearest with ties to even.
    func x86BF16Bits(_ w: inout FunctionWriter, _ x: Vector<F32>) -> Vector<I16> {
        let narrow: Vector<BF16> = w.call(
            "llvm.x86.avx512bf16.cvtneps2bf16.512", [x], returning: type(.bfloat))
        return w.convert(.bitcast, narrow)
    }

    /// `vdpbf16ps`: `sum + low(a) · low(b) + high(a) · high(b)` for vectors of pairs.
    func x86Dot(
        _ w: inout FunctionWriter, _ a: Vector<I32>, _ b: Vector<I32>, _ sum: Vector<F32>
    ) -> Vector<F32> {
        let pairs = LLVMType(.bfloat, lanes: 32)
        let left: Vector<BF16> = w.bitcast(a, pairs)
        let right: Vector<BF16> = w.bitcast(b, pairs)
        return w.call("llvm.x86.avx512bf16.dpbf16ps.512", [sum, left, right], returning: sum.type)
    }
}
