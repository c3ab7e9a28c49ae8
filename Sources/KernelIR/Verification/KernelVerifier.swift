import GraphIR

/// Checks what code generation and the executor take for granted of a lowered program. Buffers get their types from the
/// launch that binds them, so kernels are checked launch by launch.
///
/// - K1 buffers: a phase names positions of its launch, or scratch memory of its own task.
/// - K2 elements: a load or store has the element type of the value that is bound; statistics, partial sums and results
///   of products are f32, row numbers i32, streams and dropout's keys i64.
/// - K3 programs: a step of an element program reads earlier steps, of types that it takes.
/// - K4 sizes: there are tasks, and no extent or stride is negative.
/// - K5 read-only: nothing stores to an operand of the launch, to a number, a mask or an unused position.
/// - K6 in place: a phase that writes a value over another one reads that only where it writes, element by element.
/// - K7 working memory: it is written before it is read, as what it is read as.
/// - K8 panels: they have the target's lanes, and the tile, depth and columns of the product that reads them.
/// - K9 reductions: partial sums have room for every task; programs over parts of a row do not reduce it, and those that
///   chunks repeat add nothing up.
/// - K10 attention: tiles divide into one another; a mask, dropout and the gradient of a bias have the buffers they need.
/// - K11 rows: a value whose rows lie apart, in the memory of another, is touched at their distance only.
package struct KernelVerifier {
    /// What a phase left in working memory.
    private enum Content: Hashable {
        case elements(ElementType)
        case panels(ContractionTile, k: Extent, n: Extent)
    }

    private let program: Program
    private let launch: Program.Launch
    /// f32 lanes of the target's vectors.
    package let lanes: Int
    /// What the executor writes over parameters.
    private let replaced: [Value: Value]
    /// The phase that is checked, by its number.
    private var phase = 0
    private var contents: [Int: Content] = [:]
    /// The phase's scratch buffers.
    private var scratch: [Int: ElementType] = [:]
    /// Element-wise reads and writes of the phase, and buffers that it reads in another way.
    private var loads: [Access] = []
    private var stores: [Access] = []
    private var otherReads: Set<Int> = []
    private var otherWrites: Set<Int> = []

    init(program: Program, launch: Program.Launch, lanes: Int, replaced: [Value: Value]) {
        self.program = program
        self.launch = launch
        self.lanes = lanes
        self.replaced = replaced
    }

    mutating func verify() throws(IRError) {
        for (number, phase) in launch.kernel.phases.enumerated() {
            self.phase = number
            (scratch, loads, stores, otherReads, otherWrites) = ([:], [], [], [], [])
            try phase.verify(&self)
            try checkInPlace()
        }
    }

    /// Throws that `rule` is broken unless `condition` holds.
    func require(_ rule: KernelRule, _ condition: Bool, _ message: @autoclosure () -> String) throws(IRError)
    {
        guard condition else { throw fault(rule, message()) }
    }

    private func fault(_ rule: KernelRule, _ message: String) -> IRError {
        let kernel = launch.kernel
        return IRError(
            rule.rawValue, message,
            at: "kernel '\(kernel.name)', phase \(phase) (\(kernel.phases[phase].templateName)), of "
                + program.graph.place(launch.node))
    }

    // MARK: Sizes

    func tasks(_ count: Int) throws(IRError) { try require(.sizes, count > 0, "\(count) tasks") }

    func extents(_ extents: [Extent]) throws(IRError) {
        for extent in extents {
            try require(.sizes, extent.factor >= 0, "an extent of \(extent)")
        }
    }

    // MARK: Buffers

    /// Memory of a task that the phase addresses like a buffer.
    mutating func addScratch(_ buffer: Int, _ element: ElementType) throws(IRError) {
        try require(
            .buffers, buffer >= launch.buffers.count && scratch[buffer] == nil,
            "scratch b\(buffer) is a position of the launch or other scratch")
        scratch[buffer] = element
    }

    /// - Parameter strides: elements between what the phase takes for neighbours along an axis; of none, it takes the
    ///   memory as it comes. So for `write`.
    mutating func read(_ buffer: Int, _ element: ElementType, strides: [Extent] = []) throws(IRError) {
        otherReads.insert(buffer)
        try checkRead(buffer, element)
        try checkRows(buffer, strides)
    }

    mutating func write(_ buffer: Int, _ element: ElementType, strides: [Extent] = []) throws(IRError) {
        otherWrites.insert(buffer)
        try checkWrite(buffer, element)
        try checkRows(buffer, strides)
    }

    private func checkRows(_ buffer: Int, _ strides: [Extent]) throws(IRError) {
        guard case .value(let value)? = launch.buffers.element(at: buffer), let view = program.rows(of: value)
        else { return }
        try require(
            .rows, strides.contains(view.stride),
            "rows of b\(buffer) lie \(view.stride) elements apart, and the phase takes them to be elsewhere")
    }

    /// A number that is bound to a launch of its own.
    mutating func readNumber(_ buffer: Int) throws(IRError) {
        let bound = try bound(buffer)
        guard case .number = bound else {
            throw fault(.elements, "b\(buffer) is not a number")
        }
    }

    /// The table of a mask.
    mutating func readMask(_ buffer: Int, _ schedule: MaskSchedule) throws(IRError) {
        let bound = try bound(buffer)
        try require(.attention, bound == .mask(schedule), "b\(buffer) is not the table of the kernel's mask")
    }

    private func bound(_ buffer: Int) throws(IRError) -> Program.Buffer {
        try require(.buffers, launch.buffers.indices.contains(buffer), "there is no buffer b\(buffer)")
        return launch.buffers[buffer]
    }

    private mutating func checkRead(_ buffer: Int, _ element: ElementType) throws(IRError) {
        if let own = scratch[buffer] { return try agree(buffer, own, element) }
        switch try bound(buffer) {
        case .value(let value): try agree(buffer, program.graph.type(of: value).element, element)
        case .workspace:
            try require(
                .workingMemory, contents[buffer] == .elements(element),
                "b\(buffer) is read as \(element.rawValue), which no phase before has left there")
        case .packed, .number, .mask, .unused:
            throw fault(.elements, "b\(buffer) holds no \(element.rawValue)")
        }
    }

    private mutating func checkWrite(_ buffer: Int, _ element: ElementType) throws(IRError) {
        if let own = scratch[buffer] { return try agree(buffer, own, element) }
        switch try bound(buffer) {
        case .value(let value):
            try require(.readOnly, value.node == launch.node, "b\(buffer) is an operand and is stored to")
            try agree(buffer, program.graph.type(of: value).element, element)
        case .workspace: contents[buffer] = .elements(element)
        case .packed, .number, .mask, .unused:
            throw fault(.readOnly, "b\(buffer) is not for elements to be stored to")
        }
    }

    private func agree(_ buffer: Int, _ own: ElementType, _ element: ElementType) throws(IRError) {
        try require(
            .elements, own == element, "b\(buffer) holds \(own.rawValue) and is used as \(element.rawValue)")
    }

    // MARK: Panels

    mutating func writePanels(_ buffer: Int, _ tile: ContractionTile, k: Extent, n: Extent) throws(IRError) {
        try check(tile)
        try extents([k, n])
        switch try bound(buffer) {
        case .packed(let packed): try agree(buffer, packed, tile, k, n)
        case .workspace: contents[buffer] = .panels(tile, k: k, n: n)
        case .value, .number, .mask, .unused:
            throw fault(.readOnly, "b\(buffer) is not for panels")
        }
    }

    /// - Parameter first: the first panel that is read, of a weight of which `n` columns are a part.
    mutating func readPanels(
        _ buffer: Int, _ tile: ContractionTile, k: Extent, n: Extent, from first: Int = 0
    ) throws(IRError) {
        try check(tile)
        switch try bound(buffer) {
        case .packed(let packed):
            guard let columns = n.fixedValue, first >= 0, first * tile.columns + columns <= packed.n else {
                throw fault(.panels, "b\(buffer) has \(packed.n) columns, not \(n) from panel \(first)")
            }
            try agree(buffer, packed, tile, k, .fixed(packed.n))
        case .workspace:
            try require(
                .panels, contents[buffer] == .panels(tile, k: k, n: n) && first == 0,
                "b\(buffer) does not hold panels [k \(k), n \(n)] of tile \(tile)")
        case .value, .number, .mask, .unused:
            throw fault(.panels, "b\(buffer) holds no panels")
        }
    }

    func check(_ tile: ContractionTile) throws(IRError) {
        try require(
            .panels, tile.lanes == lanes, "tile \(tile) is for \(tile.lanes) lanes, the target has \(lanes)")
    }

    private func agree(
        _ buffer: Int, _ packed: PackedParameter, _ tile: ContractionTile, _ k: Extent, _ n: Extent
    ) throws(IRError) {
        try require(
            .panels, packed.tile == tile && .fixed(packed.k) == k && .fixed(packed.n) == n,
            "b\(buffer) is kept as panels [k \(packed.k), n \(packed.n)] of tile \(packed.tile)")
    }

    // MARK: Element programs

    /// - Parameters:
    ///   - sums: rows of column sums, and tasks that leave a total; `nil` where the program must not add up.
    ///   - reduces: whether rows may be reduced.
    mutating func check(
        _ body: RowProgram, rows: Extent, sums: (rows: Int, totals: Int)?, reduces: Bool
    ) throws(IRError) {
        try extents([rows, body.columns])
        let types = try check(body.ops, reduces: reduces)
        for store in body.stores {
            switch store {
            case .element(let access, let id):
                let type = try type(of: id, types)
                try require(
                    .programs, type == access.element.computeType,
                    "e\(id) is \(type.rawValue), stored as \(access.element.rawValue)")
                try check(stored: access)
            case .columnSum(let buffer, let id):
                try require(.programs, try type(of: id, types) == .f32, "the sum of e\(id), which is not f32")
                guard let sums else { throw repeatedSum() }
                try checkSum(buffer, .fixed(sums.rows) * body.columns)
            case .total(let buffer, let id):
                try require(.programs, try type(of: id, types) == .f32, "the sum of e\(id), which is not f32")
                guard let sums else { throw repeatedSum() }
                try checkSum(buffer, .fixed(sums.totals))
            }
        }
    }

    @discardableResult
    mutating func check(_ ops: [ElementOp], reduces: Bool) throws(IRError) -> [ElementType] {
        let types: [ElementType]
        do throws(IRError) { types = try ElementProgram.types(of: ops) } catch {
            throw fault(.programs, error.message)
        }
        for op in ops {
            switch op {
            case .load(let access): try check(loaded: access)
            case .keep(_, let stream, let rng), .stochasticRound(_, let stream, let rng):
                try readNumber(stream)
                try read(rng, .i64)
            case .reduce: try require(.reductions, reduces, "a part of a row is reduced")
            case .extent(let extent): try extents([extent])
            case .constant, .column, .row, .unary, .binary, .compare, .select, .cast: break
            }
        }
        return types
    }

    private func type(of id: ElementID, _ types: [ElementType]) throws(IRError) -> ElementType {
        try require(.programs, types.indices.contains(id), "e\(id) is stored, which is not computed")
        return types[id]
    }

    private func repeatedSum() -> IRError {
        fault(.reductions, "the sums have no place: chunks repeat them, or are of an unknown number")
    }

    private mutating func checkSum(_ buffer: Int, _ count: Extent) throws(IRError) {
        try write(buffer, .f32)
        guard case .workspace(let number) = launch.buffers[buffer] else {
            throw fault(.reductions, "partial sums b\(buffer) are not working memory")
        }
        let (size, needed) = (program.workspaces[number], count * .fixed(4))
        try require(
            .reductions, size.symbols == needed.symbols && size.factor >= needed.factor,
            "partial sums b\(buffer) take \(count) f32, and there are \(size) bytes")
    }

    private mutating func check(loaded access: Access) throws(IRError) {
        try check(access)
        try require(.elements, access.layout == .rowMajor, "\(access): elements are not loaded from panels")
        if let indirection = access.indirection {
            try extents([indirection.rows])
            try read(indirection.ids, .i32)
        }
        loads.append(access)
        try checkRead(access.buffer, access.element)
        try checkRows(access.buffer, [access.rowStride])
    }

    private mutating func check(stored access: Access) throws(IRError) {
        try check(access)
        try require(.elements, access.indirection == nil, "\(access): stores go to rows in order")
        stores.append(access)
        let (width, depth): (Int, Extent)
        switch access.layout {
        case .rowMajor:
            try checkWrite(access.buffer, access.element)
            return try checkRows(access.buffer, [access.rowStride])
        case .panels(let panel, let rows), .transposedPanels(let panel, let rows):
            (width, depth) = (panel, rows)
        }
        guard case .packed(let packed) = try bound(access.buffer) else {
            throw fault(.panels, "b\(access.buffer) holds no panels")
        }
        try check(packed.tile)
        try require(
            .panels,
            packed.tile.columns == width && packed.tile.panelElement == access.element
                && packed.tile.terms == 1
                && packed.tile.paddedDepth(.fixed(packed.k)) == depth,
            "\(access) is not how panels of tile \(packed.tile) lie")
    }

    private func check(_ access: Access) throws(IRError) {
        try extents([access.divisor, access.modulus ?? .one, access.rowStride, access.offset])
        try require(.sizes, access.divisor != .fixed(0), "\(access) divides by 0")
    }

    // MARK: In place

    /// K6: of two positions in the same memory, one of them written, every load is that of the store.
    private func checkInPlace() throws(IRError) {
        let written = Set(stores.map(\.buffer)).union(otherWrites)
        for target in written {
            guard case .value(let value)? = launch.buffers.element(at: target),
                let memory = replaced[value].map(program.storage(of:))
            else { continue }
            for (source, buffer) in launch.buffers.enumerated() where source != target {
                guard case .value(let old) = buffer, program.storage(of: old) == memory else { continue }
                let isPart =
                    program.graph.type(of: old).elementCount != program.graph.type(of: memory).elementCount
                let isRead = otherReads.contains(source) || isPart && loads.contains { $0.buffer == source }
                try require(
                    .inPlace,
                    !isRead && !(otherWrites.contains(target) && loads.contains { $0.buffer == source }),
                    "b\(target) replaces b\(source), which is not read element by element")
                for load in loads where load.buffer == source {
                    try require(
                        .inPlace,
                        stores.contains { $0.buffer == target && $0.isSamePlace(as: load) },
                        "b\(target) replaces b\(source), which is read elsewhere: \(load)")
                }
            }
        }
    }
}

extension Access {
    /// Whether both touch the same place of equal buffers at each row and column.
    fileprivate func isSamePlace(as other: Access) -> Bool {
        var other = other
        other.buffer = buffer
        return self == other
    }
}

extension Array {
    fileprivate func element(at index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
