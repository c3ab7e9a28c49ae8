import GraphIR
import KernelIR

// Queries and keys that are turned by angles as they are read, and their gradients, which are turned back as they are
// written. Elements of the first half of a head are turned with those of the second; halves need not be whole vectors.

extension AttentionTemplate {
    /// A part of a row that is turned.
    struct TurnedVector {
        /// The first element in the row.
        let first: Int
        let value: Vector<F32>
        /// The lanes that belong to the row and its padding; nil for all.
        let mask: Mask?
    }

    /// The first elements of the vectors of half a head, with the mask of one that is not full.
    private var halfVectors: [(first: Int, mask: Mask?)] {
        let half = kernel.headSize / 2
        return stride(from: 0, to: half, by: tile.lanes).map { first in (first, below(half - first)) }
    }

    private func below(_ count: Int) -> Mask? {
        count < tile.lanes ? Mask((0..<tile.lanes).map { I1($0 < count) }) : nil
    }

    /// The cosines and the sines of some elements of half a head.
    private func angles(
        _ w: inout FunctionWriter, _ row: Pointer, _ first: Int, _ mask: Mask?
    ) -> (cos: Vector<F32>, sin: Vector<F32>) {
        let places = [first, first + kernel.headSize / 2].map { w.address(row, .float, $0) }
        return (loadVector(&w, places[0], mask: mask), loadVector(&w, places[1], mask: mask))
    }

    /// A row of a head, turned, in the order in which its vectors are to be stored: one reaches over the next where halves
    /// are not whole vectors.
    ///
    /// - Parameters:
    ///   - angles: those of row 0.
    ///   - row: the row's number.
    func turnedVectors(
        _ w: inout FunctionWriter, _ source: Pointer, angles start: Pointer, row: I64
    ) -> [TurnedVector] {
        let half = kernel.headSize / 2
        let own = w.address(start, .float, w.mul(row, kernel.headSize))
        var (low, high): ([TurnedVector], [TurnedVector]) = ([], [])
        for (first, mask) in halfVectors {
            let (a, b) = (
                loadElements(&w, source, first, mask), loadElements(&w, source, half + first, mask)
            )
            let (cos, sin) = angles(&w, own, first, mask)
            low.append(
                TurnedVector(
                    first: first, value: w.fsub(w.fmul(a, cos), w.fmul(b, sin)),
                    mask: below(kernel.paddedSize - first)))
            high.append(
                TurnedVector(
                    first: half + first, value: w.fma(a, sin, w.fmul(b, cos)),
                    mask: below(kernel.paddedSize - half - first)))
        }
        return low + high
    }

    private func loadElements(
        _ w: inout FunctionWriter, _ source: Pointer, _ first: Int, _ mask: Mask?
    ) -> Vector<F32> {
        v.loadFloats(
            &w, as: kernel.element, w.address(source, kernel.element.stored, first), mask: mask)
    }

    /// Writes a row of a gradient, turned back and multiplied by `scale`.
    func writeTurnedBack(
        _ w: inout FunctionWriter, _ source: Pointer, to place: Pointer, _ target: OutputRows,
        scale: Vector<F32>, angles row: Pointer
    ) {
        let half = kernel.headSize / 2
        for (first, mask) in halfVectors {
            let a = w.fmul(loadVector(&w, w.address(source, .float, first), mask: mask), scale)
            let b = w.fmul(loadVector(&w, w.address(source, .float, half + first), mask: mask), scale)
            let (cos, sin) = angles(&w, row, first, mask)
            for (first, turned) in [
                (first, w.fma(b, sin, w.fmul(a, cos))),
                (half + first, w.fsub(w.fmul(b, cos), w.fmul(a, sin))),
            ] {
                let place = w.address(place, target.element.stored, first)
                let y =
                    target.adds
                    ? w.fadd(turned, v.loadFloats(&w, as: target.element, place, mask: mask)) : turned
                v.store(&w, y, as: target.element, place, mask: mask)
            }
        }
    }
}
