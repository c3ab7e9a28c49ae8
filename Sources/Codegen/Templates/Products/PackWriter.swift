import GraphIR
import KernelIR

/// Writes the copies into panels that the register tile reads in order.
struct PackWriter {
    let tile: ContractionTile
    /// Of the matrix that is packed: f32, or the tile's element.
    private let source: ElementType
    private let cells: PackCells
    private var v: VectorWriter { cells.v }
    private var storage: String { VectorWriter.storageName(source) }

    init(tile: ContractionTile, source: ElementType? = nil) {
        let source = source ?? tile.element
        self.tile = tile
        self.source = source
        cells = PackCells(source: source, tile: tile, lanes: tile.lanes)
    }

    /// Packs columns `column ..< column + tile.columns` (zero from `n` on) of a k x n matrix into `panel`.
    func packRight(
        _ w: inout FunctionWriter, source: String, rowStride: String, columnStride: String, column: String,
        n: String,
        k: String, panel: String
    ) {
        if columnStride == "1" {
            copyRows(
                &w, source: w.address(source, storage, column), stride: rowStride, k: k,
                limit: w.sub(n, column), panel: panel)
        } else {
            for block in 0..<tile.vectors {
                let first = w.add(column, "\(block * tile.lanes)")
                let target = cells.address(&w, panel, "\(block * tile.lanes)")
                transpose(
                    &w, source: w.address(source, storage, w.mul(first, columnStride)), stride: columnStride,
                    rows: w.sub(n, first), k: k, target: target)
            }
        }
    }

    /// Packs `rows` rows of a transposed left operand, from `source` on (element (i, k) at i + k * depthStride),
    /// into the panels `[depth][tile.rows]` of a block, or `[⌈depth / 2⌉][tile.rows][2]` of bf16, zero beyond `rows`.
    ///
    /// All rows of the block are read at once: the places of one row apart lie far from each other.
    func packLeft(
        _ w: inout FunctionWriter, source: String, depthStride: String, rows: String, depth: String,
        target: String
    ) {
        let narrow = PackCells(source: self.source, tile: tile, lanes: tile.rows)
        let steps = w.ceilDivide(depth, tile.depthStep)
        let panels = (0..<(tile.blockRows / tile.rows)).map { panel -> (mask: String, target: String) in
            let first = panel * tile.rows
            let mask = narrow.v.mask(&w, below: w.sub(rows, "\(first)"))
            return (mask, narrow.address(&w, target, w.mul(steps, "\(first)")))
        }
        w.loop(from: "0", to: steps, by: 1) { w, step, _ in
            let k = w.mul(step, "\(tile.depthStep)")
            let row = w.address(source, storage, w.mul(k, depthStride))
            let place = w.mul(step, "\(tile.rows)")
            for (index, panel) in panels.enumerated() {
                let from = w.address(row, storage, "\(index * tile.rows)")
                let x = narrow.rows(&w, from, next: depthStride, left: w.sub(depth, k), panel.mask)
                narrow.store(&w, x, to: narrow.address(&w, panel.target, place), plane: "0")
            }
            return []
        }
    }

    /// Rows of a panel from rows of the matrix, one or a pair at a time.
    private func copyRows(
        _ w: inout FunctionWriter, source: String, stride: String, k: String, limit: String, panel: String
    ) {
        let masks = (0..<tile.vectors).map { v.mask(&w, below: w.sub(limit, "\($0 * tile.lanes)")) }
        let steps = w.ceilDivide(k, tile.depthStep)
        let plane = w.mul(steps, "\(tile.columns)")
        w.loop(from: "0", to: steps, by: 1) { w, step, _ in
            let row = w.mul(step, "\(tile.depthStep)")
            let from = w.address(source, storage, w.mul(row, stride))
            let to = cells.address(&w, panel, w.mul(step, "\(tile.columns)"))
            for (part, mask) in masks.enumerated() {
                let place = w.address(from, storage, "\(part * tile.lanes)")
                let x = cells.rows(&w, place, next: stride, left: w.sub(k, row), mask)
                cells.store(&w, x, to: cells.address(&w, to, "\(part * tile.lanes)"), plane: plane)
            }
            return []
        }
    }

    /// Transposes `lanes` rows of length k (zero from `rows` on) into columns of a panel, one square block of cells in
    /// registers at a time.
    private func transpose(
        _ w: inout FunctionWriter, source: String, stride: String, rows: String, k: String, target: String
    ) {
        let n = tile.lanes
        let present = (0..<n).map { w.value("icmp slt i64 \($0), \(rows)") }
        let steps = w.ceilDivide(k, tile.depthStep)
        let plane = w.mul(steps, "\(tile.columns)")
        w.loop(from: "0", to: steps, by: n) { w, step, _ in
            let first = w.mul(step, "\(tile.depthStep)")
            let inside = cells.masks(&w, left: w.sub(k, first))
            let rows = (0..<n).map { row -> [String] in
                let place = w.address(source, storage, w.add(w.mul("\(row)", stride), first))
                return cells.columns(&w, place, inside, isPresent: present[row])
            }
            for (index, column) in transposed(&w, rows).enumerated() {
                let row = w.add(step, "\(index)")
                let place = cells.address(&w, target, w.mul(row, "\(tile.columns)"))
                w.when(w.value("icmp slt i64 \(row), \(steps)")) { w in
                    cells.store(&w, column, to: place, plane: plane)
                }
            }
            return []
        }
    }

    // MARK: Planes

    /// Copies `rows` (at most `tile.blockRows`) rows of a transposed left operand, from `source` on (element (i, k) at
    /// i + k * depthStride), into planes of bf16 `[term][tile.blockRows][stride]`, zero beyond `rows` and, up to whole
    /// cache lines, beyond `depth`.
    func packPlanes(
        _ w: inout FunctionWriter, source: String, depthStride: String, rows: String, depth: String,
        stride: String, planes: String
    ) {
        let n = tile.lanes
        // Pairs of the depth are rows of a square block of cells, and become its columns.
        let span = 2 * n
        let plane = w.mul(w.value("udiv i64 \(stride), 2"), "\(tile.blockRows)")
        for first in Swift.stride(from: 0, to: tile.blockRows, by: n) {
            let mask = v.mask(&w, below: w.sub(rows, "\(first)"))
            let target = w.address(planes, "i16", w.mul(stride, "\(first)"))
            let from = w.address(source, storage, "\(first)")
            func block(_ w: inout FunctionWriter, _ k: String, left: String?) {
                let pairs = (0..<n).map { pair -> [String] in
                    let row = w.add(k, "\(2 * pair)")
                    let place = w.address(from, storage, w.mul(row, depthStride))
                    guard let left else { return cells.rows(&w, place, next: depthStride, left: "2", mask) }
                    let rest = w.sub(left, "\(2 * pair)")
                    let type = v.vector("i1")
                    let exists = w.value("icmp sgt i64 \(rest), 0")
                    let inside = w.value("select i1 \(exists), \(type) \(mask), \(type) zeroinitializer")
                    return cells.rows(&w, place, next: depthStride, left: rest, inside)
                }
                for (row, cell) in transposed(&w, pairs).enumerated() {
                    let place = w.address(target, "i16", w.add(w.mul(stride, "\(row)"), k))
                    cells.store(&w, cell, to: place, plane: plane)
                }
            }
            let rest = w.value("urem i64 \(depth), \(span)")
            let whole = w.value("sub i64 \(depth), \(rest)")
            w.loop(from: "0", to: whole, by: span) { w, k, _ in
                block(&w, k, left: nil)
                return []
            }
            w.when(w.value("icmp ne i64 \(rest), 0")) { w in block(&w, whole, left: rest) }
        }
    }

    // MARK: Transposition

    /// The columns of a square block of cells, given its rows.
    private func transposed(_ w: inout FunctionWriter, _ rows: [[String]]) -> [[String]] {
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
    private func exchange(_ w: inout FunctionWriter, _ a: String, _ b: String, _ step: Int) -> (
        String, String
    ) {
        let n = tile.lanes
        let type = cells.type
        func shuffle(_ pick: (Int) -> Int) -> String {
            let mask = (0..<n).map { "i32 \(pick($0))" }.joined(separator: ", ")
            return w.value("shufflevector \(type) \(a), \(type) \(b), <\(n) x i32> <\(mask)>")
        }
        let low = shuffle { $0 & step == 0 ? $0 : n + $0 - step }
        let high = shuffle { $0 & step == 0 ? $0 + step : n + $0 }
        return (low, high)
    }
}

extension PackPanels {
    func write(_ w: inout FunctionWriter) {
        w.loop(from: "%task0", to: "%task1", by: 1) { w, panel, _ in
            let column = w.mul(panel, "\(tile.columns)")
            let rows = w.mul(w.roundUp(w.extent(k), to: tile.depthStep), "\(tile.terms)")
            let target = w.address(
                w.buffer(panels), VectorWriter.storageName(tile.panelElement), w.mul(column, rows))
            switch source {
            case .matrix(let matrix, let element):
                PackWriter(tile: tile, source: element).packRight(
                    &w, source: w.buffer(matrix.buffer), rowStride: w.extent(matrix.rowStride),
                    columnStride: matrix.columnStride == .one ? "1" : w.extent(matrix.columnStride),
                    column: column, n: w.extent(n), k: w.extent(k), panel: target)
            case .program(let ops, let value):
                packProgram(&w, ops, value, column: column, target: target)
            }
            return []
        }
    }

    /// Evaluates `value` row by row, or in pairs of rows, for the columns of one panel.
    private func packProgram(
        _ w: inout FunctionWriter, _ ops: [ElementOp], _ value: ElementID, column: String, target: String
    ) {
        let elements = ElementWriter(program: ops, lanes: tile.lanes)
        let v = elements.vectors
        let cells = PackCells(source: .f32, tile: tile, lanes: tile.lanes)
        let isWhole = n.fixedValue.map { $0 % tile.columns == 0 } ?? false
        let parts = (0..<tile.vectors).map { part -> (column: String, mask: String?) in
            let first = w.add(column, "\(part * tile.lanes)")
            return (first, isWhole ? nil : v.mask(&w, below: w.sub(w.extent(n), first)))
        }
        let depth = w.extent(k)
        let steps = w.ceilDivide(depth, tile.depthStep)
        let plane = w.mul(steps, "\(tile.columns)")
        w.loop(from: "0", to: steps, by: 1) { w, step, _ in
            let place = cells.address(&w, target, w.mul(step, "\(tile.columns)"))
            let first = w.mul(step, "\(tile.depthStep)")
            let rows = (0..<tile.depthStep).map { offset -> (row: String, exists: String?) in
                let row = w.add(first, "\(offset)")
                guard offset > 0 else { return (row, nil) }
                // The last row once more, where there is no other.
                return (w.min(row, w.sub(depth, "1")), w.value("icmp slt i64 \(row), \(depth)"))
            }
            let spreads = rows.map { row, _ -> [ElementID: String] in
                var rowValues: [ElementID: String] = [:]
                return elements.spread(&w, [value], row: row, &rowValues)
            }
            for (part, columns) in parts.enumerated() {
                let values = zip(rows, spreads).map { row, spread -> String in
                    var values = spread
                    let at = ElementWriter.Place(row: row.row, column: columns.column, mask: columns.mask)
                    var x = elements.elementValue(&w, value, at: at, &values)
                    if let mask = columns.mask { x = v.select(&w, mask, .f32, x, v.float(0)) }
                    guard let exists = row.exists else { return x }
                    return w.value("select i1 \(exists), \(v.name(.f32)) \(x), \(v.name(.f32)) \(v.float(0))")
                }
                let pointer = cells.address(&w, place, "\(part * tile.lanes)")
                cells.store(&w, cells.cell(&w, values), to: pointer, plane: plane)
            }
            return []
        }
    }
}
