import GraphIR

/// The parameters and optimiser states of a model, in memory that outlives runs and that several graphs (a training
/// step, an evaluation) share by name.
public final class ParameterStore: @unchecked Sendable {
    // Not locked: a store belongs to one model, whose graphs run one at a time.
    private struct Slot {
        let type: TensorType
        let memory: AlignedMemory
    }

    private var slots: [String: Slot] = [:]

    public init() {}

    public var names: [String] { slots.keys.sorted() }

    /// Bytes held.
    public var byteCount: Int { slots.values.reduce(0) { $0 + $1.memory.byteCount } }

    public func contains(_ name: String) -> Bool { slots[name] != nil }

    public func type(of name: String) -> TensorType? { slots[name]?.type }

    /// Makes zeroed room for a parameter of fixed shape, or checks that what is there has this type.
    func reserve(_ name: String, _ type: TensorType) throws {
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
        let memory = try AlignedMemory(byteCount: Swift.max(1, extents.reduce(type.element.byteCount, *)))
        slots[name] = Slot(type: type, memory: memory)
    }

    /// Sets a parameter, making room for it if it is new.
    public func set(_ name: String, _ data: TensorData) throws {
        try reserve(name, TensorType(data.element, data.shape.map(Dimension.fixed)))
        data.bytes.withUnsafeBytes { source in
            if let base = source.baseAddress { pointer(name).copyMemory(from: base, byteCount: source.count) }
        }
    }

    /// A copy of a parameter.
    public func get(_ name: String) -> TensorData? {
        guard let slot = slots[name], let extents = slot.type.extents([:]) else { return nil }
        return withBytes(name) { TensorData(element: slot.type.element, shape: extents, bytes: [UInt8]($0)) }
    }

    /// A parameter's bytes without a copy.
    public func withBytes<Result>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
        -> Result?
    {
        guard let slot = slots[name], let extents = slot.type.extents([:]) else { return nil }
        let count = extents.reduce(slot.type.element.byteCount, *)
        return try body(UnsafeRawBufferPointer(start: slot.memory.start, count: count))
    }

    func pointer(_ name: String) -> UnsafeMutableRawPointer {
        guard let slot = slots[name] else { preconditionFailure("parameter \(name) was not reserved") }
        return slot.memory.start
    }
}
