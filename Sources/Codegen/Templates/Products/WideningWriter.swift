import GraphIR
import KernelIR

/// Writes the copies of operands of 16 bits as f32, for targets that multiply nothing narrower.
///
/// A block of an operand is widened once, and read by as many register tiles as there are; widening it in each of them
/// would take as long as the products.
struct WideningWriter {
    let tile: ContractionTile
    private var v: VectorWriter { VectorWriter(lanes: tile.lanes) }
    private var storage: ScalarType { tile.element.stored }

    /// `rows` rows of the left operand, `[rows][tile.widenedRow]`.
    func widenLeft(
        _ w: inout FunctionWriter, _ source: Pointer, rowStride: I64, rows: I64, depth: I64, target: Pointer
    ) {
        let rest = w.urem(depth, tile.lanes)
        let whole = w.sub(depth, rest)
        let mask = v.mask(&w, below: rest)
        w.loop(from: 0, to: rows, by: 1) { w, row in
            let from = w.address(source, storage, w.mul(row, rowStride))
            let to = w.address(target, .float, w.mul(row, tile.widenedRow))
            func copy(_ w: inout FunctionWriter, _ k: I64, _ mask: Mask?) {
                let x = v.loadFloats(&w, as: tile.element, w.address(from, storage, k), mask: mask)
                v.store(&w, x, w.address(to, .float, k), mask: mask)
            }
            w.loop(from: 0, to: whole, by: tile.lanes) { w, k in copy(&w, k, nil) }
            w.when(w.compare(.ne, rest, 0)) { w in copy(&w, whole, mask) }
        }
    }

    /// `depth` rows of a panel, `[depth][columns]`, rounded up to whole pairs.
    func widenPanel(_ w: inout FunctionWriter, _ source: Pointer, depth: I64, target: Pointer) {
        let align = tile.lanes * 4
        w.loop(from: 0, to: depth, by: tile.depthStep) { w, k in
            let from = w.address(source, storage, w.mul(k, tile.columns))
            let to = w.address(target, .float, w.mul(k, tile.columns))
            for first in stride(from: 0, to: tile.columns, by: tile.lanes) {
                let place = w.address(from, storage, first * tile.depthStep)
                for (row, x) in self.rows(&w, place).enumerated() {
                    w.store(x, w.address(to, .float, row * tile.columns + first), align: align)
                }
            }
        }
    }

    /// A vector of the rows that lie side by side at `place`.
    private func rows(_ w: inout FunctionWriter, _ place: Pointer) -> [Vector<F32>] {
        guard tile.element == .bf16 else { return [v.loadFloats(&w, as: tile.element, place)] }
        let pairs = v.load(&w, I32.self, place)
        return [v.lowOfPairs(&w, pairs), v.highOfPairs(&w, pairs)]
    }
}
