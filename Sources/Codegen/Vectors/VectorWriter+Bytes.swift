import KernelIR
import Target

/// Four i8 elements, neighbours along the depth of a product, in the i32 lanes of a vector.
extension VectorWriter {
    /// A left operand as products take it, made once for all columns.
    enum Quads {
        /// Each element plus 128, as an unsigned number.
        case shifted(Vector<I32>)
        /// The elements of even and of odd places, widened to 16 bits.
        case widened(even: Vector<I16>, odd: Vector<I16>)
    }

    /// Prepares the left operand of `dot`.
    func quads(_ w: inout FunctionWriter, _ a: Vector<I32>) -> Quads {
        guard w.target.units.i8.multipliesPairs else {
            let halves = widened(&w, a)
            return .widened(even: halves.even, odd: halves.odd)
        }
        return .shifted(w.xor(a, bits(Self.signBits)))
    }

    /// `sum + Σ a b` over the four elements of each lane; of shifted operands the sum of `(a + 128) b`.
    func dot(_ w: inout FunctionWriter, _ a: Quads, _ b: Vector<I32>, _ sum: Vector<I32>) -> Vector<I32> {
        switch a {
        case .shifted(let a):
            switch w.target.architecture {
            case .x86: return x86Dot(&w, a, b, sum)
            }
        case .widened(let even, let odd):
            let right = widened(&w, b)
            switch w.target.architecture {
            case .x86:
                let first = w.add(sum, x86MultiplyPairs(&w, even, right.even))
                return w.add(first, x86MultiplyPairs(&w, odd, right.odd))
            }
        }
    }

    /// What sums of `dot` must start with to be those of the elements as they are, given the cells of a column from the loop
    /// `cells`: -128 times their sum.
    func headerSum(
        _ w: inout FunctionWriter, steps: I64, _ cell: (inout FunctionWriter, I64) -> Vector<I32>
    ) -> Vector<I32> {
        guard w.target.units.i8.multipliesPairs else { return zero() }
        let shifted = Quads.shifted(bits(Self.signBits))
        let sums = w.loop(from: 0, to: steps, by: 1, carrying: [zero(I32.self)]) { w, step, carried in
            [dot(&w, shifted, cell(&w, step), carried[0])]
        }
        return w.sub(zero(), sums[0])
    }

    /// The sign of each of four elements: adding 128 changes nothing else. As unsigned numbers these are four times 128.
    private static let signBits = Int(Int32(bitPattern: 0x8080_8080))

    private func widened(
        _ w: inout FunctionWriter, _ quads: Vector<I32>
    ) -> (even: Vector<I16>, odd: Vector<I16>) {
        let halves: Vector<I16> = w.bitcast(quads, LLVMType(.i16, lanes: 2 * lanes))
        let byte = Vector(repeating: I16(8), lanes: 2 * lanes)
        return (w.ashr(w.shl(halves, byte), byte), w.ashr(halves, byte))
    }
}
