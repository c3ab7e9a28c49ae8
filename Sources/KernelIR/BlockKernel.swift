import GraphIR

// Sizes of a block kernel, as lowering, the generator and the executor agree on them.

extension BlockKernel {
    /// Columns of a full chunk; `nil` when one chunk has all columns.
    public var chunkColumns: Int? {
        guard let chunkPanels else { return nil }
        let width = chunkPanels * tile.columns
        if let columns = columns.fixedValue, columns <= width { return nil }
        return width
    }

    /// Chunks of columns under `symbols`.
    public func chunkCount(_ symbols: [String: Int]) -> Int {
        chunkColumns.map { (columns.value(symbols) + $0 - 1) / $0 } ?? 1
    }

    /// Elements between the rows of a chunk's scratch: whole panels, so that register tiles need no masks.
    public var chunkStride: Extent { chunkColumns.map(Extent.fixed) ?? tile.padded(columns) }

    /// Elements between the rows of a scratch buffer.
    public func rowStride(_ scratch: Scratch) -> Extent {
        switch scratch.shape {
        case .rows(let columns): columns
        case .chunk: chunkStride
        }
    }

    /// The scratch that `buffer` stands for, if it does.
    public func scratch(_ buffer: Int) -> Scratch? { scratch.first { $0.buffer == buffer } }

    /// Elements between the rows of a product's target.
    public func targetStride(_ product: Product) -> Extent {
        scratch(product.target).map(rowStride) ?? columns
    }

    /// Bytes of a scratch buffer: whole cache lines, since a block has 32 rows.
    public func byteCount(_ scratch: Scratch) -> Extent {
        .fixed(tile.blockRows * scratch.element.byteCount) * rowStride(scratch)
    }

    /// Bytes of the packed left block, which the task's memory begins with; none when no product needs it.
    public var packedLeftByteCount: Int {
        products.contains { $0.left.isTransposed } ? tile.leftBlockByteCount : 0
    }
}

extension MatrixAccess {
    /// Whether neighbours in memory are neighbours in a column.
    public var isTransposed: Bool { rowStride == .one && columnStride != .one }
}

extension ContractionTile {
    /// Bytes of a block of the left operand, packed when it comes transposed.
    public var leftBlockByteCount: Int { blockRows * depth * element.byteCount }

    /// At least `depth` rounded up to whole steps; one row more when it is symbolic.
    public func paddedDepth(_ depth: Extent) -> Extent {
        guard depthStep > 1 else { return depth }
        guard let count = depth.fixedValue else {
            return Extent(depth.symbols.map { $0 + 1 } + [.fixed(depth.factor)])
        }
        return .fixed(paddedDepth(count))
    }

    public func paddedDepth(_ depth: Int) -> Int { (depth + depthStep - 1) / depthStep * depthStep }

    /// At least `columns` rounded up to whole panels; one panel more when they are symbolic.
    public func padded(_ columns: Extent) -> Extent {
        guard let count = columns.fixedValue else {
            return Extent(columns.symbols.map { $0 + self.columns } + [.fixed(columns.factor)])
        }
        return .fixed((count + self.columns - 1) / self.columns * self.columns)
    }
}
