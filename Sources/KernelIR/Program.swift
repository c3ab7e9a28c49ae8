import GraphIR

/// A lowered graph: kernels in execution order with their buffers bound.
public struct Program: Sendable {
    /// Memory that a launch reads or writes.
    public enum Buffer: Hashable, Sendable {
        case value(Value)
        /// Working memory of one launch.
        case workspace(Int)
        /// A parameter in panels, kept from run to run.
        case packed(PackedParameter)
        /// A number (i64) that differs between launches of one kernel.
        case number(Int)
        /// The table of an attention mask, as long as the longest sequence asks for.
        case mask(MaskSchedule)
        /// A position that the kernel does not touch: its operand went into the program as a constant.
        case unused
    }

    public struct Launch: Sendable {
        public let kernel: Kernel
        /// One a buffer position of the kernel.
        public let buffers: [Buffer]
        /// The node that this launch computes.
        public let node: NodeID
    }

    public let graph: Graph
    public let launches: [Launch]
    /// Launches that fill `Buffer.packed` from the parameters, before the first run and whenever a client has changed
    /// them; the optimiser's kernels keep them up to date otherwise, but for panels of terms.
    public let packings: [PackedParameter: Launch]
    /// Sizes of `Buffer.workspace(i)` in bytes.
    public let workspaces: [Extent]
    /// Values that are another value under a different shape; follow with `storage(of:)`.
    let aliases: [Value: Value]

    /// The value whose memory holds `value`.
    public func storage(of value: Value) -> Value {
        var value = value
        while let next = aliases[value] { value = next }
        return value
    }
}

/// A parameter as the panels of a product's right operand.
public struct PackedParameter: Hashable, Sendable {
    public let parameter: Value
    /// Whether the product reads the parameter's transpose.
    public let transposed: Bool
    public let k: Int
    public let n: Int
    /// The tile of the products that read it: the panels' element and width.
    public let tile: ContractionTile

    public var byteCount: Int { tile.paddedColumns(n) * tile.paddedDepth(k) * tile.panelCellByteCount }
}
