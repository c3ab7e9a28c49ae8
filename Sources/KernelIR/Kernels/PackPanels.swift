import GraphIR

/// Copies a k x n matrix into panels `[panel][k][tile.columns]` of the tile's element, zero beyond column n; for bf16
/// `[panel][⌈k / 2⌉][tile.columns][2]`, zero beyond k too; `[panel][term]...` where the tile splits operands. One task
/// a panel.
package struct PackPanels: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// A buffer of f32 or of the tile's element.
        case matrix(MatrixAccess, ElementType)
        /// What a program without reductions computes at (row k, column n).
        case program([ElementOp], value: ElementID)
    }
    package var source: Source
    package var k: Extent
    package var n: Extent
    package var tile: ContractionTile
    package var panels: Int

    package init(source: Source, k: Extent, n: Extent, tile: ContractionTile, panels: Int) {
        self.source = source
        self.k = k
        self.n = n
        self.tile = tile
        self.panels = panels
    }
}

extension PackPanels: KernelTemplate {
    package var templateName: String { "pack" }
    package var suffix: String { ".pack" }

    package func taskCount(_ symbols: [String: Int]) -> Int {
        tile.paddedColumns(n.value(symbols)) / tile.columns
    }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int { 0 }

    package var contractionElement: ElementType? { nil }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func flopCount(_ symbols: [String: Int]) -> Int { 0 }

    package func instructionCount(_ symbols: [String: Int]) -> Int { 0 }

    package func countTraffic(_ counter: inout TrafficCounter) {
        let (k, n) = (k.value(counter.symbols), n.value(counter.symbols))
        switch source {
        case .matrix(let matrix, _): counter.read(matrix.buffer, k * n)
        case .program(let ops, _): counter.read(ops, rows: k, columns: n)
        }
        counter.writePanels(panels, tile, k, n)
    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        switch source {
        case .matrix(let matrix, let element):
            try verifier.extents([matrix.rowStride, matrix.columnStride])
            try verifier.read(
                matrix.buffer, element, strides: [matrix.rowStride, matrix.columnStride])
        case .program(let ops, let value):
            let types = try verifier.check(ops, reduces: false)
            try verifier.require(
                .programs, types.indices.contains(value), "e\(value) is packed, which is not computed")
        }
        try verifier.writePanels(panels, tile, k: k, n: n)
    }
}

extension PackPanels {
    package var description: String {
        let shape = "[k \(k), n \(n)] in \(tile.panelElement) panels of \(tile.columns)\(tile.inTerms)"
        switch source {
        case .matrix(let matrix, _): return "  pack b\(panels) = \(matrix) \(shape)\n"
        case .program(let ops, let value):
            return "  pack b\(panels) = e\(value) \(shape) {\n" + ops.lines(indent: "    ") + "  }\n"
        }
    }
}
