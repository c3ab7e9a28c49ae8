import GraphIR
import KernelIR

/// Writes the copies into panels that the register tile reads in order.
struct PackWriter {
    let tile: ContractionTile
    /// The elements of the matrix that is packed: f32, or the tile's element.
    private let source: ElementType
    private let cells: PackCells
    private var v: VectorWriter { cells.v }
    private var storage: ScalarType { source.stored }

    init(tile: ContractionTile, source: ElementType? = nil) {
        let source = source ?? tile.element
        self.tile = tile
        self.source = source
        cells = PackCells(source: source, tile: tile, lanes: tile.lanes)
    }

    /// A right operand of k x n elements; distances in elements.
    struct Matrix {
        var source: Pointer
        let rowStride: I64
        let columnStride: I64
        let k: I64
        let n: I64
    }

    /// `rows` rows of a transposed left operand from `source` on: element (i, k) is at i + k * depthStride.
    struct TransposedRows {
        let source: Pointer
        let depthStride: I64
        let rows: I64
        let depth: I64
    }

    // MARK: Panels

    /// Packs columns `column ..< column + tile.columns` (zero from `n` on) into `panel`.
    func packRight(_ w: inout FunctionWriter, _ matrix: Matrix, column: I64, panel: Pointer) {
        var part = matrix
        let header = panel
        let panel = cells.address(&w, panel, I64(tile.columns * tile.headerSteps))
        precondition(tile.headerSteps == 0 || matrix.rowStride.constant == 1, "i8 is packed from rows")
        if matrix.columnStride.constant == 1 {
            part.source = w.address(matrix.source, storage, column)
            copyRows(&w, part, limit: w.sub(matrix.n, column), panel: panel)
            return
        }
        for block in 0..<tile.vectors {
            let first = w.add(column, block * tile.lanes)
            let target = cells.address(&w, panel, I64(block * tile.lanes))
            part.source = w.address(matrix.source, storage, w.mul(first, matrix.columnStride))
            transpose(&w, part, columns: w.sub(matrix.n, first), target: target)
            guard tile.headerSteps > 0 else { continue }
            let sum = v.headerSum(&w, steps: w.ceilDivide(matrix.k, tile.depthStep)) { w, step in
                w.load(v.type(.i32), cells.address(&w, target, w.mul(step, tile.columns)))
            }
            w.store(sum, cells.address(&w, header, I64(block * tile.lanes)))
        }
    }

    /// Packs rows into the panels `[depth][tile.packedRows]` of a block, or `[⌈depth / 2⌉][tile.packedRows][2]` of bf16,
    /// zero beyond the rows that there are. What a panel has beyond the tile's rows is not read.
    ///
    /// All rows of the block are read at once: the places of one row apart lie far from each other.
    func packLeft(_ w: inout FunctionWriter, _ left: TransposedRows, target: Pointer) {
        let narrow = PackCells(source: self.source, tile: tile, lanes: tile.packedRows)
        let steps = w.ceilDivide(left.depth, tile.depthStep)
        let panels = (0..<(tile.blockRows / tile.rows)).map { panel -> (mask: Mask, target: Pointer) in
            let first = panel * tile.rows
            let mask = narrow.v.mask(&w, below: w.sub(left.rows, first))
            return (mask, narrow.address(&w, target, w.mul(steps, panel * tile.packedRows)))
        }
        w.loop(from: 0, to: steps, by: 1) { w, step in
            let k = w.mul(step, tile.depthStep)
            let row = w.address(left.source, storage, w.mul(k, left.depthStride))
            let place = w.mul(step, tile.packedRows)
            for (index, panel) in panels.enumerated() {
                let from = w.address(row, storage, index * tile.rows)
                let x = narrow.rows(
                    &w, from, next: left.depthStride, left: w.sub(left.depth, k), panel.mask)
                narrow.store(&w, x, to: narrow.address(&w, panel.target, place), plane: 0)
            }
        }
    }

    /// Rows of a panel from rows of the matrix, of which `limit` columns are left, one or a pair at a time.
    private func copyRows(_ w: inout FunctionWriter, _ matrix: Matrix, limit: I64, panel: Pointer) {
        let masks = (0..<tile.vectors).map { v.mask(&w, below: w.sub(limit, $0 * tile.lanes)) }
        let steps = w.ceilDivide(matrix.k, tile.depthStep)
        let plane = w.mul(steps, tile.columns)
        w.loop(from: 0, to: steps, by: 1) { w, step in
            let row = w.mul(step, tile.depthStep)
            let from = w.address(matrix.source, storage, w.mul(row, matrix.rowStride))
            let to = cells.address(&w, panel, w.mul(step, tile.columns))
            for (part, mask) in masks.enumerated() {
                let place = w.address(from, storage, part * tile.lanes)
                let x = cells.rows(&w, place, next: matrix.rowStride, left: w.sub(matrix.k, row), mask)
                cells.store(&w, x, to: cells.address(&w, to, I64(part * tile.lanes)), plane: plane)
            }
        }
    }

    /// Transposes `lanes` columns of length k (zero from `columns` on) of a matrix whose rows are neighbours into columns
    /// of a panel, one square block of cells in registers at a time.
    private func transpose(_ w: inout FunctionWriter, _ matrix: Matrix, columns: I64, target: Pointer) {
        let n = tile.lanes
        let present = (0..<n).map { w.compare(.slt, I64($0), columns) }
        let steps = w.ceilDivide(matrix.k, tile.depthStep)
        let plane = w.mul(steps, tile.columns)
        w.loop(from: 0, to: steps, by: n) { w, step in
            let first = w.mul(step, tile.depthStep)
            let inside = cells.masks(&w, left: w.sub(matrix.k, first))
            let rows = (0..<n).map { row -> [AnyVector] in
                let start = w.add(w.mul(I64(row), matrix.columnStride), first)
                let place = w.address(matrix.source, storage, start)
                return cells.columns(&w, place, inside, isPresent: present[row])
            }
            for (index, column) in transposed(&w, rows).enumerated() {
                let row = w.add(step, index)
                let place = cells.address(&w, target, w.mul(row, tile.columns))
                w.when(w.compare(.slt, row, steps)) { w in
                    cells.store(&w, column, to: place, plane: plane)
                }
            }
        }
    }

    // MARK: Planes

    /// Copies at most `tile.blockRows` rows into planes of bf16 `[term][tile.blockRows][stride]`, zero beyond the rows
    /// that there are and, up to whole cache lines, beyond the depth.
    func packPlanes(_ w: inout FunctionWriter, _ left: TransposedRows, stride: I64, planes: Pointer) {
        let n = tile.lanes
        // Pairs of the depth are rows of a square block of cells, and become its columns.
        let span = 2 * n
        let plane = w.mul(w.udiv(stride, 2), tile.blockRows)
        for first in Swift.stride(from: 0, to: tile.blockRows, by: n) {
            let mask = v.mask(&w, below: w.sub(left.rows, first))
            let target = w.address(planes, .i16, w.mul(stride, first))
            let from = w.address(left.source, storage, first)
            func block(_ w: inout FunctionWriter, _ k: I64, rest: I64?) {
                let pairs = (0..<n).map { pair -> [AnyVector] in
                    let row = w.add(k, 2 * pair)
                    let place = w.address(from, storage, w.mul(row, left.depthStride))
                    guard let rest else {
                        return cells.rows(&w, place, next: left.depthStride, left: 2, mask)
                    }
                    let reached = w.sub(rest, 2 * pair)
                    let inside = w.select(w.compare(.sgt, reached, 0), mask, v.zero())
                    return cells.rows(&w, place, next: left.depthStride, left: reached, inside)
                }
                for (row, cell) in transposed(&w, pairs).enumerated() {
                    let place = w.address(target, .i16, w.add(w.mul(stride, row), k))
                    cells.store(&w, cell, to: place, plane: plane)
                }
            }
            let rest = w.urem(left.depth, span)
            let whole = w.sub(left.depth, rest)
            w.loop(from: 0, to: whole, by: span) { w, k in block(&w, k, rest: nil) }
            w.when(w.compare(.ne, rest, 0)) { w in block(&w, whole, rest: rest) }
        }
    }

    // MARK: Transposition

    /// The columns of a square block of cells, given its rows.
    private func transposed(_ w: inout FunctionWriter, _ rows: [[AnyVector]]) -> [[AnyVector]] {
        let n = rows.count
        var columns = rows
        for term in rows[0].indices {
            var distance = 1
            while distance < n {
                for row in 0..<n where row & distance == 0 {
                    (columns[row][term], columns[row + distance][term]) = exchange(
                        &w, columns[row][term], columns[row + distance][term], distance)
                }
                distance *= 2
            }
        }
        return columns
    }

    /// One butterfly of the transposition: swaps the off-diagonal blocks of size `step` of two rows.
    private func exchange(
        _ w: inout FunctionWriter, _ a: AnyVector, _ b: AnyVector, _ step: Int
    ) -> (AnyVector, AnyVector) {
        let n = tile.lanes
        let low = w.shuffle(a, b, (0..<n).map { $0 & step == 0 ? $0 : n + $0 - step })
        let high = w.shuffle(a, b, (0..<n).map { $0 & step == 0 ? $0 + step : n + $0 })
        return (low, high)
    }
}
