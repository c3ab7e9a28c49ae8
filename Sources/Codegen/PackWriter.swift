import GraphIR
import KernelIR

/// Writes the copies into panels that the register tile reads in order.
struct PackWriter {
    let tile: ContractionTile
    private var v: VectorWriter { VectorWriter(lanes: tile.lanes) }

    /// Packs columns `column ..< column + tile.columns` (zero from `n` on) of a k x n matrix into `panel`
    /// `[k][tile.columns]`.
    func packRight(
        _ w: inout FunctionWriter, source: String, rowStride: String, columnStride: String, column: String,
        n: String,
        k: String, panel: String
    ) {
        if columnStride == "1" {
            copyRows(
                &w, source: w.address(source, "float", column), stride: rowStride, count: k,
                width: tile.columns,
                limit: w.sub(n, column), target: panel, targetStride: tile.columns)
        } else {
            for block in 0..<tile.vectors {
                let first = w.add(column, "\(block * tile.lanes)")
                transpose(
                    &w, source: w.address(source, "float", w.mul(first, columnStride)), stride: columnStride,
                    rows: w.sub(n, first), k: k, target: w.address(panel, "float", "\(block * tile.lanes)"))
            }
        }
    }

    /// Packs `rows` rows of a transposed left operand, from `source` on (element (i, k) at i + k * depthStride),
    /// into the panels `[depth][tile.rows]` of a block, zero beyond `rows`.
    ///
    /// All rows of the block are read at once: the places of one row apart lie far from each other.
    func packLeft(
        _ w: inout FunctionWriter, source: String, depthStride: String, rows: String, depth: String,
        target: String
    ) {
        let v = VectorWriter(lanes: tile.rows)
        let type = v.name(.f32)
        let panels = (0..<(tile.blockRows / tile.rows)).map { panel -> (mask: String, target: String) in
            let first = panel * tile.rows
            let mask = v.mask(&w, below: w.sub(rows, "\(first)"))
            return (mask, w.address(target, "float", w.mul(depth, "\(first)")))
        }
        w.loop(from: "0", to: depth, by: 1) { w, k, _ in
            let row = w.address(source, "float", w.mul(k, depthStride))
            let place = w.mul(k, "\(tile.rows)")
            for (index, panel) in panels.enumerated() {
                let from = w.address(row, "float", "\(index * tile.rows)")
                let x = w.value(
                    "call \(type) @llvm.masked.load.v\(tile.rows)f32.p0(ptr \(from), i32 4, <\(tile.rows) x i1> \(panel.mask), \(type) zeroinitializer)"
                )
                let to = w.address(panel.target, "float", place)
                w.line("store \(type) \(x), ptr \(to), align \(tile.rows * 4)")
            }
            return []
        }
    }

    /// `target[i][0 ..< width] = source[i][0 ..< min(width, limit)]`, zero beyond, for `count` rows.
    private func copyRows(
        _ w: inout FunctionWriter, source: String, stride: String, count: String, width: Int, limit: String,
        target: String, targetStride: Int
    ) {
        let lanes = Swift.min(width, tile.lanes)
        let vectors = VectorWriter(lanes: lanes)
        let type = vectors.name(.f32)
        let clipped = w.min(limit, "\(width)")
        let count32 = w.value("trunc i64 \(clipped) to i32")
        let bound = vectors.splat(&w, count32, "i32")
        let masks = (0..<(width / lanes)).map { part in
            let numbers = vectors.integer(&w, "add", vectors.laneNumbers, vectors.bits(part * lanes))
            return w.value("icmp slt \(vectors.name(.i32)) \(numbers), \(bound)")
        }
        w.loop(from: "0", to: count, by: 1) { w, row, _ in
            let from = w.address(source, "float", w.mul(row, stride))
            let to = w.address(target, "float", w.mul(row, "\(targetStride)"))
            for (part, mask) in masks.enumerated() {
                let place = w.address(from, "float", "\(part * lanes)")
                let x = w.value(
                    "call \(type) @llvm.masked.load.v\(lanes)f32.p0(ptr \(place), i32 4, <\(lanes) x i1> \(mask), \(type) zeroinitializer)"
                )
                w.line(
                    "store \(type) \(x), ptr \(w.address(to, "float", "\(part * lanes)")), align \(lanes * 4)"
                )
            }
            return []
        }
    }

    /// Transposes `lanes` rows of length k (zero from `rows` on) into columns of a panel, one square block in
    /// registers at a time.
    private func transpose(
        _ w: inout FunctionWriter, source: String, stride: String, rows: String, k: String, target: String
    ) {
        let n = tile.lanes
        let type = v.name(.f32)
        let present = (0..<n).map { w.value("icmp slt i64 \($0), \(rows)") }
        let none = "zeroinitializer"
        w.loop(from: "0", to: k, by: n) { w, first, _ in
            let left = w.value("trunc i64 \(w.sub(k, first)) to i32")
            let inside = w.value("icmp slt \(v.name(.i32)) \(v.laneNumbers), \(v.splat(&w, left, "i32"))")
            var block = (0..<n).map { row -> String in
                let mask = w.value("select i1 \(present[row]), <\(n) x i1> \(inside), <\(n) x i1> \(none)")
                let place = w.address(source, "float", w.add(w.mul("\(row)", stride), first))
                return w.value(
                    "call \(type) @llvm.masked.load.v\(n)f32.p0(ptr \(place), i32 4, <\(n) x i1> \(mask), \(type) zeroinitializer)"
                )
            }
            var step = 1
            while step < n {
                for row in 0..<n where row & step == 0 {
                    (block[row], block[row + step]) = exchange(&w, block[row], block[row + step], step)
                }
                step *= 2
            }
            for (index, column) in block.enumerated() {
                let row = w.add(first, "\(index)")
                let exists = w.value("icmp slt i64 \(row), \(k)")
                let mask = w.value("insertelement <\(n) x i1> poison, i1 \(exists), i64 0")
                let all = w.value(
                    "shufflevector <\(n) x i1> \(mask), <\(n) x i1> poison, <\(n) x i32> zeroinitializer")
                let place = w.address(target, "float", w.mul(row, "\(tile.columns)"))
                w.line(
                    "call void @llvm.masked.store.v\(n)f32.p0(\(type) \(column), ptr \(place), i32 4, <\(n) x i1> \(all))"
                )
            }
            return []
        }
    }

    /// One butterfly of the transposition: swaps the off-diagonal blocks of size `step` of two rows.
    private func exchange(_ w: inout FunctionWriter, _ a: String, _ b: String, _ step: Int) -> (
        String, String
    ) {
        let n = tile.lanes
        let type = v.name(.f32)
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
            let target = w.address(w.buffer(panels), "float", w.mul(column, w.extent(k)))
            switch source {
            case .matrix(let matrix):
                PackWriter(tile: tile).packRight(
                    &w, source: w.buffer(matrix.buffer), rowStride: w.extent(matrix.rowStride),
                    columnStride: matrix.columnStride == .one ? "1" : w.extent(matrix.columnStride),
                    column: column, n: w.extent(n), k: w.extent(k), panel: target)
            case .program(let ops, let value):
                packProgram(&w, ops, value, column: column, target: target)
            }
            return []
        }
    }

    /// Evaluates `value` row by row for the columns of one panel.
    private func packProgram(
        _ w: inout FunctionWriter, _ ops: [ElementOp], _ value: ElementID, column: String, target: String
    ) {
        let elements = ElementWriter(program: ops, lanes: tile.lanes)
        let v = elements.vectors
        let isWhole = n.fixedValue.map { $0 % tile.columns == 0 } ?? false
        let parts = (0..<tile.vectors).map { part -> (column: String, mask: String?) in
            let first = w.add(column, "\(part * tile.lanes)")
            return (first, isWhole ? nil : v.mask(&w, below: w.sub(w.extent(n), first)))
        }
        w.loop(from: "0", to: w.extent(k), by: 1) { w, row, _ in
            var rowValues: [ElementID: String] = [:]
            let spread = elements.spread(&w, [value], row: row, &rowValues)
            let place = w.address(target, "float", w.mul(row, "\(tile.columns)"))
            for (part, columns) in parts.enumerated() {
                var values = spread
                let at = ElementWriter.Place(row: row, column: columns.column, mask: columns.mask)
                var x = elements.elementValue(&w, value, at: at, &values)
                if let mask = columns.mask { x = v.select(&w, mask, .f32, x, v.float(0)) }
                let pointer = w.address(place, "float", "\(part * tile.lanes)")
                w.line("store \(v.name(.f32)) \(x), ptr \(pointer), align \(tile.lanes * 4)")
            }
            return []
        }
    }
}
