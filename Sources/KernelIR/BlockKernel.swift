import GraphIR

// Sizes of a block kernel, as lowering, the generator and the executor agree on them.

extension BlockKernel {
    /// Columns of a full chunk; `nil` when one chunk has all columns.
    package var chunkColumns: Int? {
        guard let chunkPanels else { return nil }
        let width = chunkPanels * tile.columns
        if let columns = columns.fixedValue, columns <= width { return nil }
        return width
    }

    /// Chunks of columns under `symbols`.
    package func chunkCount(_ symbols: [String: Int]) -> Int {
        chunkColumns.map { (columns.value(symbols) + $0 - 1) / $0 } ?? 1
    }

    /// Elements between the rows of a chunk's scratch: whole panels, so that register tiles need no masks.
    package var chunkStride: Extent { chunkColumns.map(Extent.fixed) ?? tile.padded(columns) }

    /// Elements between the rows of a scratch buffer.
    package func rowStride(_ scratch: Scratch) -> Extent {
        switch scratch.shape {
        case .rows(let columns): columns
        case .chunk: chunkStride
        }
    }

    /// The scratch that `buffer` stands for, if it does.
    package func scratch(_ buffer: Int) -> Scratch? { scratch.first { $0.buffer == buffer } }

    /// Elements between the rows of a product's target.
    package func targetStride(_ product: Product) -> Extent {
        scratch(product.target).map(rowStride) ?? columns
    }

    /// Bytes of a scratch buffer: whole cache lines, since a block has 32 rows.
    package func byteCount(_ scratch: Scratch) -> Extent {
        .fixed(tile.blockRows * scratch.element.byteCount) * rowStride(scratch)
    }

    /// Bytes of the packed left block, which the task's memory begins with; none when no product needs it.
    package var packedLeftByteCount: Int {
        !tile.runsOnTiles && products.contains { $0.left.isTransposed } ? tile.leftBlockByteCount : 0
    }

    /// A left operand that tiles can't read as it is: its block of rows is copied, as one plane of bf16 a term, into
    /// the task's memory.
    package struct LeftPlanes: Hashable, Sendable {
        package let left: MatrixAccess
        package let k: Extent
        /// Bytes of all planes: whole cache lines.
        package let byteCount: Extent
    }

    /// The planes of the products' left operands, each once, in the order in which the task's memory begins with them.
    package var leftPlanes: [LeftPlanes] {
        guard tile.runsOnTiles else { return [] }
        var all: [LeftPlanes] = []
        for product in products where product.left.isTransposed || tile.terms > 1 {
            let planes = LeftPlanes(
                left: product.left, k: product.k,
                byteCount: tile.planeStride(product.k) * .fixed(tile.blockRows * tile.terms * 2))
            if !all.contains(planes) { all.append(planes) }
        }
        return all
    }
}

extension MatrixAccess {
    /// Whether neighbours in memory are neighbours in a column.
    package var isTransposed: Bool { rowStride == .one && columnStride != .one }
}

extension ContractionTile {
    /// Bytes of a block of the left operand, packed when it comes transposed.
    package var leftBlockByteCount: Int { blockRows * depth * element.byteCount }

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

    /// At least `depth` rounded up to whole steps; one row more when it is symbolic.
    package func paddedDepth(_ depth: Extent) -> Extent {
        guard depthStep > 1 else { return depth }
        guard let count = depth.fixedValue else {
            return Extent(depth.symbols.map { $0 + 1 } + [.fixed(depth.factor)])
        }
        return .fixed(paddedDepth(count))
    }

    package func paddedDepth(_ depth: Int) -> Int { (depth + depthStep - 1) / depthStep * depthStep }

    /// At least `columns` rounded up to whole panels; one panel more when they are symbolic.
    package func padded(_ columns: Extent) -> Extent {
        guard let count = columns.fixedValue else {
            return Extent(columns.symbols.map { $0 + self.columns } + [.fixed(columns.factor)])
        }
        return .fixed((count + self.columns - 1) / self.columns * self.columns)
    }
}
