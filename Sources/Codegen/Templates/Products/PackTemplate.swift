import GraphIR
import KernelIR

extension PackPanels {
    func write(_ w: inout FunctionWriter) {
        w.forEachTask { w, panel in
            let column = w.mul(panel, tile.columns)
            let rows = w.mul(tile.panelDepth(&w, w.extent(k)), tile.terms)
            let target = w.address(w.buffer(panels), tile.panelElement.stored, w.mul(column, rows))
            switch source {
            case .matrix(let matrix, let element):
                let operand = PackWriter.Matrix(
                    source: w.buffer(matrix.buffer), rowStride: w.extent(matrix.rowStride),
                    columnStride: w.extent(matrix.columnStride), k: w.extent(k), n: w.extent(n))
                PackWriter(tile: tile, source: element).packRight(&w, operand, column: column, panel: target)
            case .program(let ops, let value):
                packProgram(&w, ops, value, column: column, target: target)
            }
        }
    }

    /// Evaluates `value` row by row, or in pairs of rows, for the columns of one panel.
    private func packProgram(
        _ w: inout FunctionWriter, _ ops: [ElementOp], _ value: ElementID, column: I64, target: Pointer
    ) {
        let elements = ElementWriter(program: ops, lanes: tile.lanes)
        let v = elements.vectors
        let cells = PackCells(source: .f32, tile: tile, lanes: tile.lanes)
        let isWhole = n.fixedValue.map { $0 % tile.columns == 0 } ?? false
        let parts = (0..<tile.vectors).map { part -> (column: I64, mask: Mask?) in
            let first = w.add(column, part * tile.lanes)
            return (first, isWhole ? nil : v.mask(&w, below: w.sub(w.extent(n), first)))
        }
        let depth = w.extent(k)
        let steps = w.ceilDivide(depth, tile.depthStep)
        let plane = w.mul(steps, tile.columns)
        w.loop(from: 0, to: steps, by: 1) { w, step in
            let place = cells.address(&w, target, w.mul(step, tile.columns))
            let first = w.mul(step, tile.depthStep)
            let rows = (0..<tile.depthStep).map { offset -> (row: I64, exists: I1?) in
                let row = w.add(first, offset)
                guard offset > 0 else { return (row, nil) }
                // The last row once more, where there is no other.
                return (w.min(row, w.sub(depth, 1)), w.compare(.slt, row, depth))
            }
            let spreads = rows.map { row, _ -> [ElementID: AnyVector] in
                var rowValues: [ElementID: AnyVector] = [:]
                return elements.spread(&w, [value], row: row, &rowValues)
            }
            for (part, columns) in parts.enumerated() {
                let values = zip(rows, spreads).map { row, spread -> Vector<F32> in
                    var values = spread
                    let at = ElementWriter.Place(row: row.row, column: columns.column, mask: columns.mask)
                    var x = elements.elementValue(&w, value, at: at, &values).of(F32.self)
                    if let mask = columns.mask { x = w.select(mask, x, v.float(0)) }
                    return row.exists.map { w.select($0, x, v.float(0)) } ?? x
                }
                let pointer = cells.address(&w, place, I64(part * tile.lanes))
                cells.store(&w, cells.cell(&w, values), to: pointer, plane: plane)
            }
        }
    }
}

extension ContractionTile {
    /// Rows of a panel (`paddedDepth`) of a depth that may be known only when the kernel runs.
    func panelDepth(_ w: inout FunctionWriter, _ depth: I64) -> I64 {
        w.add(w.roundUp(depth, to: depthStep), headerSteps * depthStep)
    }
}
