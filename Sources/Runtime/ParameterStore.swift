import GraphIR
import KernelIR
import Support

/// The parameters and optimiser states of a model, in memory that outlives runs and that several graphs (a training
/// step, an evaluation) share by name. It is not locked: it belongs to one model, whose graphs run one at a time.
public final class ParameterStore {
    private final class Slot {
        let type: TensorType
        var memory: MemoryPool.Piece
        /// Counts changes.
        var version = 0
        /// Whether its value was made of other parameters.
        var isMade = false
        /// Whether the system has given the memory before anything was written.
        var isTouched = false
        /// Copies in panels.
        var panels: [PanelKey: Panels] = [:]

        init(_ type: TensorType, _ memory: MemoryPool.Piece) { (self.type, self.memory) = (type, memory) }
    }

    private final class Panels {
        var memory: MemoryPool.Piece
        /// The version of the parameter that they were made from.
        var version = -1

        init(_ memory: MemoryPool.Piece) { self.memory = memory }
    }

    private struct PanelKey: Hashable {
        let transposed: Bool
        let tile: ContractionTile

        init(_ packed: PackedParameter) { (transposed, tile) = (packed.transposed, packed.tile) }

        /// The same in all processes.
        var text: String { "\(transposed) \(tile)" }
    }

    private var slots: [String: Slot] = [:]
    private var memory = MemoryPool()
    /// What the graphs' runs work in.
    let runMemory = RunMemory()

    /// A store without parameters; graphs that are compiled over it, and `set`, make room.
    public init() {}

    /// The names of all parameters and states, sorted.
    public var names: [String] { slots.keys.sorted() }

    /// Bytes held by parameters, states, and copies of parameters in the order in which products read them.
    public var byteCount: Int {
        slots.values.reduce(0) { total, slot in
            slot.panels.values.reduce(total + slot.memory.byteCount) { $0 + $1.memory.byteCount }
        }
    }

    /// Bytes of memory that parameters with these names take when all of it is used.
    package func mappedByteCount(where isIncluded: (String) -> Bool = { _ in true }) -> Int {
        slots.reduce(0) {
            $0 + (isIncluded($1.key) ? AlignedMemory.mappedByteCount($1.value.memory.byteCount) : 0)
        }
    }

    /// The same of all panels.
    package var panelByteCount: Int {
        slots.values.reduce(0) { total, slot in
            slot.panels.values.reduce(total) { $0 + AlignedMemory.mappedByteCount($1.memory.byteCount) }
        }
    }

    /// The part of both for which the system has not given any memory yet: nobody has written to it.
    package var untouchedByteCount: Int {
        slots.values.reduce(0) { total, slot in
            let own =
                slot.version == 0 && !slot.isTouched
                ? AlignedMemory.mappedByteCount(slot.memory.byteCount) : 0
            return slot.panels.values.reduce(total + own) {
                $0 + ($1.version < 0 ? AlignedMemory.mappedByteCount($1.memory.byteCount) : 0)
            }
        }
    }

    /// Whether there is a parameter or state of that name.
    public func contains(_ name: String) -> Bool { slots[name] != nil }

    /// Element type and shape of a parameter; `nil` when there is none of that name.
    public func type(of name: String) -> TensorType? { slots[name]?.type }

    /// How often a parameter was changed.
    func version(_ name: String) -> Int { slots[name]?.version ?? 0 }

    /// Whether a parameter was made of others (`Preparation`).
    package func isMade(_ name: String) -> Bool { slots[name]?.isMade ?? false }

    func noteMade(_ name: String) { slots[name]?.isMade = true }

    /// Whether a parameter has been given a value.
    package func isSet(_ name: String) -> Bool { version(name) > 0 }

    /// Makes zeroed room for a parameter of fixed shape, or checks that what is there has this type.
    package func reserve(_ name: String, _ type: TensorType) throws {
        if let slot = slots[name] {
            guard slot.type == type else {
                throw ExecutionError(
                    "holds \(slot.type), but the graph needs \(type)", at: "parameter \"\(name)\"")
            }
            return
        }
        guard let extents = type.extents([:]) else {
            throw ExecutionError(
                "a parameter's shape can't be symbolic: \(type)", at: "parameter \"\(name)\"")
        }
        slots[name] = Slot(type, try memory.allocate(extents.reduce(type.element.byteCount, *)))
    }

    /// Sets a parameter, making room for it if it is new.
    /// - Throws: `ExecutionError` when there is one of another type under that name.
    public func set(_ name: String, _ data: TensorData) throws {
        let type = TensorType(data.element, data.shape.map(Dimension.fixed))
        if let own = slots[name]?.type, own != type {
            throw ExecutionError(
                "is \(own), and the tensor given for it \(type)", at: "parameter \"\(name)\"")
        }
        try reserve(name, type)
        data.bytes.withUnsafeBytes { source in
            if let base = source.baseAddress { pointer(name).copyMemory(from: base, byteCount: source.count) }
        }
        noteChange(of: name, refreshing: [])
    }

    /// Sets an f32 parameter by writing its elements in place, making room for it if it is new.
    ///
    /// - Parameters:
    ///   - name: the parameter's name.
    ///   - shape: its extents.
    ///   - write: gets the room for all elements, row-major.
    /// - Throws: `ExecutionError` when there is one of another type under that name, and what `write` throws.
    public func set(
        _ name: String, shape: [Int], _ write: (UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws {
        try reserve(name, TensorType(.f32, shape.map(Dimension.fixed)))
        try set(name, write)
    }

    /// Sets an f32 parameter that there is room for by writing its elements in place.
    package func set(_ name: String, _ write: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
        let count = (slots[name]?.type.extents([:]) ?? []).reduce(1, *)
        defer { noteChange(of: name, refreshing: []) }
        try write(
            UnsafeMutableBufferPointer(
                start: pointer(name).assumingMemoryBound(to: Float.self), count: count))
    }

    /// Sets f32 parameters, several at a time, making room for those that are new.
    ///
    /// - Parameters:
    ///   - parameters: names and extents.
    ///   - tasks: what shares the work.
    ///   - write: gets the room of a parameter; called by several threads at once.
    /// - Throws: as `set` of one parameter; of several errors that of the first parameter.
    package func set(
        _ parameters: [(name: String, shape: [Int])], on tasks: any TaskRunner,
        _ write: (_ index: Int, UnsafeMutableBufferPointer<Float>) throws -> Void
    ) throws {
        for (name, shape) in parameters { try reserve(name, TensorType(.f32, shape.map(Dimension.fixed))) }
        defer { for (name, _) in parameters { noteChange(of: name, refreshing: []) } }
        _ = try tasks.map(
            parameters.count,
            throwing: { index in
                let (name, shape) = parameters[index]
                let start = pointer(name).assumingMemoryBound(to: Float.self)
                try write(index, UnsafeMutableBufferPointer(start: start, count: shape.reduce(1, *)))
            })
    }

    /// A copy of a parameter; `nil` when there is none of that name.
    public func get(_ name: String) -> TensorData? {
        guard let slot = slots[name], let extents = slot.type.extents([:]) else { return nil }
        return withBytes(name) { TensorData(slot.type.element, extents, [UInt8]($0)) }
    }

    /// A parameter's bytes without a copy, valid inside `body` only; `nil` when there is none of that name.
    public func withBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
        -> Result?
    {
        guard let slot = slots[name], let extents = slot.type.extents([:]) else { return nil }
        let count = extents.reduce(slot.type.element.byteCount, *)
        return try body(UnsafeRawBufferPointer(start: slot.memory.start, count: count))
    }

    /// Where an f32 parameter lies as long as the store lives. Whoever writes there says so with `noteReplaced`, unless it is a sum
    /// of gradients, which has no panels.
    package func floats(of name: String) -> UnsafeMutablePointer<Float> {
        pointer(name).assumingMemoryBound(to: Float.self)
    }

    func pointer(_ name: String) -> UnsafeMutableRawPointer {
        guard let slot = slots[name] else { preconditionFailure("parameter \(name) was not reserved") }
        return slot.memory.start
    }

    /// Brings those parameters that nobody has written to into memory, all workers at once.
    func touch(_ names: [String], on pool: WorkerPool) {
        let fresh = names.compactMap { slots[$0] }.filter { $0.version == 0 && !$0.isTouched }
        for slot in fresh { slot.isTouched = true }
        pool.touch(
            fresh.map { UnsafeMutableRawBufferPointer(start: $0.memory.start, count: $0.memory.byteCount) })
    }

    // MARK: Panels

    /// Makes zeroed room for a copy of a parameter in panels. Graphs that read the same panels share them.
    func reserve(_ packed: PackedParameter, of name: String) throws {
        guard let slot = slots[name], slot.panels[PanelKey(packed)] == nil else { return }
        slot.panels[PanelKey(packed)] = Panels(try memory.allocate(packed.byteCount))
    }

    func pointer(_ packed: PackedParameter, of name: String) -> UnsafeMutableRawPointer {
        guard let panels = slots[name]?.panels[PanelKey(packed)] else {
            preconditionFailure("the panels of \(name) were not reserved")
        }
        return panels.memory.start
    }

    /// Whether the panels hold what the parameter does.
    func isCurrent(_ packed: PackedParameter, of name: String) -> Bool {
        guard let slot = slots[name] else { return false }
        return slot.panels[PanelKey(packed)]?.version == slot.version
    }

    /// Marks panels as made of the parameter's present value.
    func noteCurrent(_ packed: PackedParameter, of name: String) {
        guard let slot = slots[name] else { return }
        slot.panels[PanelKey(packed)]?.version = slot.version
    }

    /// Marks a parameter as changed by who wrote to `floats(of:)`, or by another process.
    ///
    /// - Parameter panels: those of its panels that were changed along with it, as `Executor.writtenPanels` names them.
    package func noteReplaced(_ name: String, panels: Set<String> = []) {
        noteChange(of: name, refreshing: [])
        guard let slot = slots[name] else { return }
        for (key, own) in slot.panels where panels.contains(key.text) { own.version = slot.version }
    }

    /// How panels are named where several processes speak of them.
    static func name(of packed: PackedParameter) -> String { PanelKey(packed).text }

    // MARK: Memory that processes have in common

    /// Where parameters lie with their panels when processes share them.
    ///
    /// - Parameters:
    ///   - common: names of what is the same for all.
    ///   - own: names of what each process has for itself, and others can read.
    package func layout(common: [String], own: [String]) -> SharedLayout {
        var layout = SharedLayout()
        for (names, isOwn) in [(common, false), (own, true)] {
            for name in names.sorted() {
                guard let slot = slots[name] else { continue }
                layout.add(name, byteCount: slot.memory.byteCount, isOwn: isOwn)
                for (key, panels) in slot.panels.sorted(by: { $0.key.text < $1.key.text }) {
                    layout.add(name, panels: key.text, byteCount: panels.memory.byteCount, isOwn: isOwn)
                }
            }
        }
        return layout
    }

    /// Moves parameters to zeroed memory that processes share. Panels are packed again when they are read next.
    ///
    /// - Parameters:
    ///   - start: where the layout begins, in memory that `owner` keeps.
    ///   - given: names of what is the same for all and this process gives.
    package func move(
        to layout: SharedLayout, at start: UnsafeMutableRawPointer, of owner: AnyObject, rank: Int,
        giving given: Set<String>
    ) {
        for item in layout.items {
            guard let slot = slots[item.name] else { continue }
            let place = start + layout.offset(of: item, rank: rank)
            let memory = MemoryPool.Piece(place, byteCount: item.byteCount, of: owner)
            if let key = item.panels {
                guard let panels = slot.panels.first(where: { $0.key.text == key })?.value else { continue }
                (panels.memory, panels.version) = (memory, -1)
                continue
            }
            if item.isOwn || given.contains(item.name), slot.version > 0 || slot.isTouched {
                place.copyMemory(from: slot.memory.start, byteCount: item.byteCount)
            }
            (slot.memory, slot.isTouched) = (memory, false)
        }
        runMemory.noteMove()
    }

    /// Marks a parameter as changed, together with those of its panels.
    func noteChange(of name: String, refreshing panels: [PackedParameter]) {
        slots[name]?.version += 1
        for packed in panels { noteCurrent(packed, of: name) }
    }
}
