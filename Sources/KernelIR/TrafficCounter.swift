import GraphIR

/// Adds up the parts of buffers that one phase touches.
struct TrafficCounter {
    /// A part of a buffer: what an access, or a template's loop, touches of it.
    private struct Part: Hashable {
        /// The access with its buffer left out; `nil` for a template's loop.
        let access: Access?
        let byteCount: Int
    }

    private let program: Program
    private let launch: Program.Launch
    private let symbols: [String: Int]
    private var reads: [Program.Buffer: Set<Part>] = [:]
    private var writes: [Program.Buffer: Set<Part>] = [:]

    init(program: Program, launch: Program.Launch, symbols: [String: Int]) {
        self.program = program
        self.launch = launch
        self.symbols = symbols
    }

    /// Parts of a buffer that are read (or written) add up, to at most the whole buffer.
    var traffic: Traffic {
        func total(_ parts: [Program.Buffer: Set<Part>]) -> Int {
            parts.reduce(0) { sum, entry in
                sum + min(byteCount(entry.key), entry.value.reduce(0) { $0 + $1.byteCount })
            }
        }
        return Traffic(bytesRead: total(reads), bytesWritten: total(writes))
    }

    mutating func count(_ phase: Phase) {
        switch phase {
        case .rows(let kernel):
            count(kernel.body, rows: kernel.rows.value(symbols), tasks: kernel.tasks)
        case .pack(let pack): count(pack)
        case .block(let kernel): count(kernel)
        case .problems(let batch): count(batch)
        case .attention(let attention): count(attention)
        case .library(let l):
            let batch = l.batch.value(symbols)
            let (m, n, k) = (l.m.value(symbols), l.n.value(symbols), l.k.value(symbols))
            read(l.left, batch * m * k)
            read(l.right, batch * k * n)
            write(l.target, batch * m * n)
        case .scatterAdd(let s):
            let (count, columns) = (s.count.value(symbols), s.columns.value(symbols))
            let touched = min(count, s.rows.value(symbols)) * columns
            read(s.updates, count * columns)
            read(s.ids, count)
            read(s.target, touched)
            write(s.target, touched)
        case .coalesce(let c):
            let count = c.count.value(symbols)
            let touched = min(count, c.rows.value(symbols))
            read(c.ids, count)
            read(c.slots, touched)
            write(c.slots, touched)
            write(c.positions, count)
        case .segments(let s):
            let (sequences, columns) = (s.sequences.value(symbols), s.columns.value(symbols))
            let (short, long) = (sequences * columns, s.tokens.value(symbols) * columns)
            read(s.source, s.direction == .sum ? long : short)
            read(s.offsets, sequences + 1)
            read(s.lengths, sequences)
            write(s.target, s.direction == .sum ? short : long)
        case .copy(let copy):
            func elements(_ strides: [Extent]) -> Int {
                zip(copy.extents, strides).reduce(1) { product, axis in
                    axis.1 == .fixed(0) ? product : product * axis.0.value(symbols)
                }
            }
            let size = copy.element.byteCount
            insert(
                Part(access: nil, byteCount: elements(copy.sourceStrides) * size), into: &reads, copy.source)
            insert(
                Part(access: nil, byteCount: elements(copy.targetStrides) * size), into: &writes, copy.target)
        }
    }

    // MARK: Templates with programs

    private mutating func count(_ program: RowProgram, rows: Int, tasks: Int) {
        let columns = program.columns.value(symbols)
        read(program.ops, rows: rows, columns: columns)
        for store in program.stores {
            switch store {
            case .element(let access, _): write(access, rows: rows, columns: columns)
            case .columnSum(let buffer, _): write(buffer, tasks * columns)
            case .total(let buffer, _): write(buffer, tasks)
            }
        }
    }

    private mutating func count(_ pack: PackPanels) {
        let (k, n) = (pack.k.value(symbols), pack.n.value(symbols))
        switch pack.source {
        case .matrix(let matrix, _): read(matrix.buffer, k * n)
        case .program(let ops, _): read(ops, rows: k, columns: n)
        }
        insert(panels(pack.tile, k, n), into: &writes, pack.panels)
    }

    /// What a block kernel has written it still has in the cache when it reads it: only the write counts.
    private mutating func count(_ kernel: BlockKernel) {
        let (rows, columns) = (kernel.rows.value(symbols), kernel.columns.value(symbols))
        for program in kernel.prologue { count(program, rows: rows, tasks: kernel.tasks) }
        for product in kernel.products {
            let k = product.k.value(symbols)
            readUnlessWritten(product.left.buffer, rows * k)
            insert(panels(kernel.tile, k, columns), into: &reads, product.panels)
            if product.accumulates { readUnlessWritten(product.target, rows * columns) }
            write(product.target, rows * columns)
        }
        if let epilogue = kernel.epilogue {
            let written = Set(writes.keys)
            let before = reads
            count(epilogue, rows: rows, tasks: kernel.tasks)
            for buffer in written { reads[buffer] = before[buffer] }
        }
    }

    private mutating func count(_ attention: AttentionKernel) {
        let rows = attention.tokens.value(symbols) * attention.heads
        let elements = rows * attention.headSize
        let planes = attention.planes * elements
        let biases = attention.bias?.elements.value(symbols) ?? 0
        let biasPlanes = max(0, attention.biasPlanes - 1) * biases
        switch attention.step {
        case .forward(let out, let lse):
            for buffer in [attention.query, attention.key, attention.value] { read(buffer, elements) }
            if let bias = attention.bias { read(bias.buffer, biases) }
            write(out, elements)
            write(lse, rows)
        case .gradient(let dout, let lse, let delta, let dq, let dk, let dv, let partial):
            for buffer in [attention.query, attention.key, attention.value, dout] { read(buffer, elements) }
            for buffer in [lse, delta] { read(buffer, rows) }
            if let bias = attention.bias { read(bias.buffer, biases) }
            for buffer in [dk, dv] { write(buffer, elements) }
            if attention.element == .f32 { write(dq, elements) }
            write(partial, planes)
            if let gradient = attention.biasGradient {
                write(gradient.dbias, biases)
                write(gradient.partial, biasPlanes)
            }
        case .sumQueryGradients(let dq, let partial):
            read(partial, planes)
            if attention.element == .f32 { read(dq, elements) }
            write(dq, elements)
        case .sumBiasGradients(let gradient):
            read(gradient.partial, biasPlanes)
            read(gradient.dbias, biases)
            write(gradient.dbias, biases)
        }
    }

    /// Ragged products are counted as if every sequence had its greatest length, as their FLOPs are.
    private mutating func count(_ batch: ProductBatch) {
        switch batch.layout {
        case .dense(let count, let m, let n, let k, _, _):
            let count = count.value(symbols)
            let (m, n, k) = (m.value(symbols), n.value(symbols), k.value(symbols))
            read(batch.left, count * m * k)
            read(batch.right, count * k * n)
            write(batch.target, count * m * n)
        case .ragged(
            let form, let sequences, let tokens, let heads, let headSize, let length, let offsets, let lengths
        ):
            let rows = tokens.value(symbols) * heads
            let (narrow, wide) = (rows * headSize, rows * length.value(symbols))
            read(batch.left, form == .scores ? narrow : wide)
            read(batch.right, narrow)
            write(batch.target, form == .scores ? wide : narrow)
            read(offsets, sequences.value(symbols) + 1)
            read(lengths, sequences.value(symbols))
        }
    }

    // MARK: Parts of buffers

    private func panels(_ tile: ContractionTile, _ k: Int, _ n: Int) -> Part {
        Part(
            access: nil,
            byteCount: tile.paddedDepth(k) * tile.paddedColumns(n) * tile.panelCellByteCount)
    }

    private mutating func read(_ ops: [ElementOp], rows: Int, columns: Int) {
        for op in ops {
            switch op {
            case .load(let access):
                let distinct = distinctRows(access, rows: rows)
                if let indirection = access.indirection { read(indirection.ids, distinct) }
                insert(part(access, rows: rows, columns: columns), into: &reads, access.buffer)
            case .keep(_, _, let rng): read(rng, 2)
            case .constant, .column, .row, .extent, .unary, .binary, .compare, .select, .cast, .reduce: break
            }
        }
    }

    private mutating func write(_ access: Access, rows: Int, columns: Int) {
        insert(part(access, rows: rows, columns: columns), into: &writes, access.buffer)
    }

    private mutating func read(_ buffer: Int, _ elements: Int) {
        insert(Part(access: nil, byteCount: elements * elementByteCount(buffer)), into: &reads, buffer)
    }

    private mutating func write(_ buffer: Int, _ elements: Int) {
        insert(Part(access: nil, byteCount: elements * elementByteCount(buffer)), into: &writes, buffer)
    }

    private mutating func readUnlessWritten(_ buffer: Int, _ elements: Int) {
        guard let bound = bound(buffer), writes[bound] == nil else { return }
        read(buffer, elements)
    }

    private func insert(_ part: Part, into parts: inout [Program.Buffer: Set<Part>], _ buffer: Int) {
        guard let bound = bound(buffer) else { return }
        parts[bound, default: []].insert(part)
    }

    private func part(_ access: Access, rows: Int, columns: Int) -> Part {
        var anonymous = access
        anonymous.buffer = 0
        let elements =
            min(distinctRows(access, rows: rows), access.indirection?.rows.value(symbols) ?? .max)
            * (access.hasColumns ? columns : 1)
        return Part(access: anonymous, byteCount: elements * access.element.byteCount)
    }

    /// How many different values `(row / divisor) % modulus` takes; 1 for an access that no row moves.
    private func distinctRows(_ access: Access, rows: Int) -> Int {
        guard access.rowStride != .fixed(0) else { return min(rows, 1) }
        let divisor = max(1, access.divisor.value(symbols))
        let quotients = (rows + divisor - 1) / divisor
        return min(quotients, access.modulus?.value(symbols) ?? .max)
    }

    // MARK: Buffers

    /// What stands at a position of the launch; `nil` for a task's own scratch memory and for unused positions.
    private func bound(_ buffer: Int) -> Program.Buffer? {
        guard launch.buffers.indices.contains(buffer) else { return nil }
        switch launch.buffers[buffer] {
        case .value(let value): return .value(program.storage(of: value))
        case .workspace(let number): return .workspace(number)
        case .packed(let packed): return .packed(packed)
        case .unused, .number, .mask: return nil
        }
    }

    private func byteCount(_ buffer: Program.Buffer) -> Int {
        switch buffer {
        case .value(let value):
            let type = program.graph.type(of: value)
            return Extent(type.shape).value(symbols) * type.element.byteCount
        case .workspace(let number): return program.workspaces[number].value(symbols)
        case .packed(let packed): return packed.byteCount
        case .unused, .number, .mask: return 0
        }
    }

    /// Bytes of an element; working memory of products and of sums holds f32.
    private func elementByteCount(_ buffer: Int) -> Int {
        guard case .value(let value)? = bound(buffer) else { return 4 }
        return program.graph.type(of: value).element.byteCount
    }
}

extension ContractionTile {
    /// `columns` rounded up to whole panels.
    func paddedColumns(_ count: Int) -> Int { (count + columns - 1) / columns * columns }
}
