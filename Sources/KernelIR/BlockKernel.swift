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

    /// Elements of a scratch buffer.
    public func elementCount(_ scratch: Scratch) -> Extent { .fixed(tile.blockRows) * rowStride(scratch) }

    /// Elements of the packed left block, which the task's memory begins with; none when no product needs it.
    public var packedLeftCount: Int {
        products.contains { $0.left.isTransposed } ? tile.leftBlockCount : 0
    }
}

extension MatrixAccess {
    /// Whether neighbours in memory are neighbours in a column.
    public var isTransposed: Bool { rowStride == .one && columnStride != .one }
}

extension ContractionTile {
    /// Elements of a block of the left operand, packed when it comes transposed.
    public var leftBlockCount: Int { blockRows * depth }

    /// At least `columns` rounded up to whole panels; one panel more when they are symbolic.
    public func padded(_ columns: Extent) -> Extent {
        guard let count = columns.fixedValue else {
            return Extent(columns.symbols.map { $0 + self.columns } + [.fixed(columns.factor)])
        }
        return .fixed((count + self.columns - 1) / self.columns * self.columns)
    }
}
