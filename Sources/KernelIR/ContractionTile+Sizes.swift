import GraphIR

extension ContractionTile {
    /// Rows of a packed panel of the left operand: those of the register tile, rounded up to a power of two, which vectors
    /// can have.
    package var packedRows: Int { 1 << (Int.bitWidth - (rows - 1).leadingZeroBitCount) }

    /// Elements between the rows of a widened block of the left operand: a cache line more than its depth, so that
    /// rows don't displace each other in the level-1 cache.
    package var widenedRow: Int { depth + 16 }

    /// Bytes of a block of the left operand, packed when it comes transposed, widened where tiles do that.
    package var leftBlockByteCount: Int {
        let rows = max(blockRows / rows * packedRows * depth, widens ? blockRows * widenedRow : 0)
        return rows * multiplied.element.byteCount
    }

    /// Bytes of that and, behind it, of a block of a panel that is widened.
    package var operandByteCount: Int { leftBlockByteCount + (widens ? depth * columns * 4 : 0) }

    /// Bytes of panels for each element.
    package var panelCellByteCount: Int { terms * panelElement.byteCount }

    /// What the elements between the rows of a plane are a multiple of, but for one cache line: an odd number of cache
    /// lines, so that rows one below the other don't displace each other in the level-1 cache.
    package static let planeStep = 64
    /// Elements of bf16 in a cache line.
    package static let planeLine = 32

    /// At least the elements between the rows of a plane of `depth` columns.
    func planeStride(_ depth: Extent) -> Extent {
        guard let count = depth.fixedValue else {
            let more = Self.planeStep - 1 + Self.planeLine
            return Extent(depth.symbols.map { $0 + more } + [.fixed(depth.factor)])
        }
        return .fixed((count + Self.planeStep - 1) / Self.planeStep * Self.planeStep + Self.planeLine)
    }

    /// At least the rows of a panel: `depth` rounded up to whole steps, and its header; one row more when it is symbolic.
    package func paddedDepth(_ depth: Extent) -> Extent {
        guard depthStep > 1 else { return depth }
        guard let count = depth.fixedValue else {
            precondition(headerSteps == 0, "products of i8 have a fixed depth")
            return Extent(depth.symbols.map { $0 + 1 } + [.fixed(depth.factor)])
        }
        return .fixed(paddedDepth(count))
    }

    package func paddedDepth(_ depth: Int) -> Int {
        ((depth + depthStep - 1) / depthStep + headerSteps) * depthStep
    }

    /// At least `columns` rounded up to whole panels; one panel more when they are symbolic.
    package func padded(_ columns: Extent) -> Extent {
        guard let count = columns.fixedValue else {
            return Extent(columns.symbols.map { $0 + self.columns } + [.fixed(columns.factor)])
        }
        return .fixed((count + self.columns - 1) / self.columns * self.columns)
    }

    /// `columns` rounded up to whole panels.
    package func paddedColumns(_ count: Int) -> Int { (count + columns - 1) / columns * columns }
}

extension ContractionTile: CustomStringConvertible {
    package var description: String {
        "\(rows)x\(columns)x\(depth)\(runsOnTiles ? " on AMX" : "")\(inTerms)"
    }

    var inTerms: String { terms > 1 ? " in \(terms) terms" : "" }
}
