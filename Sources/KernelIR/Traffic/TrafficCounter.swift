import GraphIR

/// Adds up the parts of buffers that one phase touches.
package struct TrafficCounter {
    /// A part of a buffer: what an access, or a template's loop, touches of it.
    private struct Part: Hashable {
        /// The access with its buffer left out; `nil` for a template's loop.
        let access: Access?
        let byteCount: Int
        /// Where it begins: in elements of the memory, or in panels.
        var offset = 0
    }

    private let program: Program
    private let launch: Program.Launch
    package let symbols: [String: Int]
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

    // MARK: Templates with programs

    mutating func count(_ program: RowProgram, rows: Int, tasks: Int) {
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

    // MARK: Parts of buffers

    /// - Parameter from: the first panel that is read.
    mutating func readPanels(_ buffer: Int, _ tile: ContractionTile, _ k: Int, _ n: Int, from panel: Int = 0)
    {
        var part = panels(tile, k, n)
        part.offset = panel
        insert(part, into: &reads, buffer)
    }

    mutating func writePanels(_ buffer: Int, _ tile: ContractionTile, _ k: Int, _ n: Int) {
        insert(panels(tile, k, n), into: &writes, buffer)
    }

    private func panels(_ tile: ContractionTile, _ k: Int, _ n: Int) -> Part {
        Part(
            access: nil,
            byteCount: tile.paddedDepth(k) * tile.paddedColumns(n) * tile.panelCellByteCount)
    }

    mutating func read(_ ops: [ElementOp], rows: Int, columns: Int) {
        for op in ops {
            switch op {
            case .load(let access):
                let distinct = distinctRows(access, rows: rows)
                if let indirection = access.indirection { read(indirection.ids, distinct) }
                insert(part(access, rows: rows, columns: columns), into: &reads, access.buffer)
            case .keep(_, _, let rng), .stochasticRound(_, _, let rng): read(rng, 2)
            case .constant, .column, .row, .extent, .unary, .binary, .compare, .select, .cast, .reduce: break
            }
        }
    }

    private mutating func write(_ access: Access, rows: Int, columns: Int) {
        insert(part(access, rows: rows, columns: columns), into: &writes, access.buffer)
    }

    /// Reads `elements` of a buffer, of the type that its value has or of the one given.
    mutating func read(_ buffer: Int, _ elements: Int, of element: ElementType? = nil) {
        let size = element?.byteCount ?? elementByteCount(buffer)
        insert(Part(access: nil, byteCount: elements * size), into: &reads, buffer)
    }

    mutating func write(_ buffer: Int, _ elements: Int, of element: ElementType? = nil) {
        let size = element?.byteCount ?? elementByteCount(buffer)
        insert(Part(access: nil, byteCount: elements * size), into: &writes, buffer)
    }

    mutating func readUnlessWritten(_ buffer: Int, _ elements: Int) {
        guard let bound = bound(buffer), writes[bound] == nil else { return }
        read(buffer, elements)
    }

    /// Counts what `touch` touches, but for reads of buffers that the phase has written before.
    mutating func countUnlessWritten(_ touch: (inout TrafficCounter) -> Void) {
        let written = Set(writes.keys)
        let before = reads
        touch(&self)
        for buffer in written { reads[buffer] = before[buffer] }
    }

    private func insert(_ part: Part, into parts: inout [Program.Buffer: Set<Part>], _ buffer: Int) {
        guard let bound = bound(buffer) else { return }
        var part = part
        if case .value(let value) = launch.buffers[buffer] {
            part.offset += program.offset(of: value, symbols)
        }
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
