import GraphIR

extension Phase {
    /// What the phase adds to its kernel's name in listings.
    package var suffix: String {
        switch self {
        case .pack: ".pack"
        case .rows, .block, .problems, .attention, .library, .scatterAdd, .coalesce, .segments, .copy: ""
        }
    }

    /// How many tasks the phase has under `symbols`: a function of the shapes only, never of the thread count.
    package func taskCount(_ symbols: [String: Int]) -> Int {
        func blocks(_ extent: Extent, _ size: Int) -> Int { (extent.value(symbols) + size - 1) / size }
        switch self {
        case .rows(let kernel): return kernel.tasks
        case .pack(let pack): return blocks(pack.n, pack.tile.columns)
        case .block(let block):
            return block.splitsChunks ? block.tasks * block.chunkCount(symbols) : block.tasks
        case .problems(let batch):
            switch batch.layout {
            case .dense(let count, _, _, _, _, _): return count.value(symbols)
            case .ragged(_, let sequences, _, let heads, _, _, _, _): return sequences.value(symbols) * heads
            }
        case .attention(let attention): return attention.taskCount(symbols)
        case .library, .coalesce: return 1
        case .scatterAdd(let scatter): return scatter.tasks
        case .segments(let segments): return segments.sequences.value(symbols)
        case .copy(let copy): return copy.tasks
        }
    }

    /// Bytes of private memory that a worker needs for one task.
    package func scratchByteCount(_ symbols: [String: Int]) -> Int {
        switch self {
        case .block(let block):
            let planes = block.leftPlanes.reduce(block.packedLeftByteCount) {
                $0 + $1.byteCount.value(symbols)
            }
            return block.scratch.reduce(planes) { $0 + block.byteCount($1).value(symbols) }
        case .problems(let batch):
            let (n, k) = batch.scratchShape
            let columns =
                (n.value(symbols) + batch.tile.columns - 1) / batch.tile.columns * batch.tile.columns
            let depth = batch.tile.paddedDepth(k.value(symbols))
            return columns * depth * batch.tile.element.byteCount + batch.tile.leftBlockByteCount
        case .attention(let attention): return attention.scratchByteCount
        case .rows, .pack, .library, .scatterAdd, .coalesce, .segments, .copy: return 0
        }
    }

    /// Floating-point operations under `symbols`, counting a multiply-add as two; an upper bound for ragged products.
    package func flopCount(_ symbols: [String: Int]) -> Int {
        func product(_ extents: Extent...) -> Int { extents.reduce(1) { $0 * $1.value(symbols) } }
        switch self {
        case .block(let block):
            let products = block.products.reduce(0) { $0 + 2 * product(block.rows, block.columns, $1.k) }
            let programs = block.prologue + (block.epilogue.map { [$0] } ?? [])
            return programs.reduce(products) { $0 + $1.flopCount * product(block.rows, $1.columns) }
        case .library(let l): return 2 * product(l.batch, l.m, l.n, l.k)
        case .problems(let batch):
            switch batch.layout {
            case .dense(let count, let m, let n, let k, _, _): return 2 * product(count, m, n, k)
            case .ragged(_, let sequences, _, let heads, let headSize, let length, _, _):
                return 2 * heads * headSize * product(sequences, length, length)
            }
        case .attention(let attention): return attention.flopCount(symbols)
        case .rows(let rows): return rows.body.flopCount * product(rows.rows, rows.body.columns)
        case .scatterAdd(let scatter): return product(scatter.count, scatter.columns)
        case .pack, .coalesce, .segments, .copy: return 0
        }
    }
}

extension RowProgram {
    /// Operations for each element.
    var flopCount: Int {
        ops.count { op in
            switch op {
            case .unary, .binary, .compare, .select, .reduce: true
            case .load, .constant, .column, .row, .extent, .cast, .keep: false
            }
        }
    }
}

extension ProductBatch {
    /// (n, k) of the largest problem, for sizing the packed right operand.
    var scratchShape: (n: Extent, k: Extent) {
        switch layout {
        case .dense(_, _, let n, let k, _, _): (n, k)
        case .ragged(.scores, _, _, _, let headSize, let length, _, _): (length, .fixed(headSize))
        case .ragged(_, _, _, _, let headSize, let length, _, _): (.fixed(headSize), length)
        }
    }
}
