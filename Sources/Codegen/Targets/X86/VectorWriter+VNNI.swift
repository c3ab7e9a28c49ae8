// Products of i8: `vpdpbusd` where there is VNNI, `vpmaddwd` of 16 bits elsewhere. Neither saturates.

extension VectorWriter {
    private var bitCount: Int { 32 * lanes }

    /// `vpdpbusd`: `sum + Σ a b` over the four bytes of each lane, those of `a` unsigned.
    func x86Dot(
        _ w: inout FunctionWriter, _ a: Vector<I32>, _ b: Vector<I32>, _ sum: Vector<I32>
    ) -> Vector<I32> {
        w.call("llvm.x86.avx512.vpdpbusd.\(bitCount)", [sum, a, b], returning: sum.type)
    }

    /// `vpmaddwd`: the sum of both products of pairs of 16 bits in each lane.
    func x86MultiplyPairs(
        _ w: inout FunctionWriter, _ a: Vector<I16>, _ b: Vector<I16>
    ) -> Vector<I32> {
        let name = lanes == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd"
        return w.call(name, [a, b], returning: type(.i32))
    }
}
