import GraphIR

/// A lowered graph: kernels in execution order with their buffers bound.
public struct Program: Sendable {
    /// Memory that a launch reads or writes.
    package enum Buffer: Hashable, Sendable {
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

    /// A kernel with the memory that it reads and writes.
    public struct Launch: Sendable {
        /// What runs; launches of equal kernels share code.
        public let kernel: Kernel
        /// One a buffer position of the kernel.
        package let buffers: [Buffer]
        /// The node that this launch computes.
        public let node: NodeID

        package init(kernel: Kernel, buffers: [Buffer], node: NodeID) {
            self.kernel = kernel
            self.buffers = buffers
            self.node = node
        }
    }

    /// The graph that was lowered.
    public let graph: Graph
    /// What a run does, in order.
    public let launches: [Launch]
    /// Launches that fill `Buffer.packed` from the parameters, before the first run and whenever a client has changed
    /// them; the optimiser's kernels keep them up to date otherwise, but for panels of terms.
    package let packings: [PackedParameter: Launch]
    /// Sizes of `Buffer.workspace(i)` in bytes.
    package let workspaces: [Extent]
    /// Values that lie in the memory of others, under a different shape or as rows of theirs; follow with
    /// `storage(of:)`.
    package let views: [Value: StorageView]
    /// Why slices and concatenations are copied, by their nodes.
    package let copies: [NodeID: String]

    package init(
        graph: Graph, launches: [Launch], packings: [PackedParameter: Launch], workspaces: [Extent],
        views: [Value: StorageView], copies: [NodeID: String]
    ) {
        self.graph = graph
        self.launches = launches
        self.packings = packings
        self.workspaces = workspaces
        self.views = views
        self.copies = copies
    }

    /// The value whose memory holds `value`.
    package func storage(of value: Value) -> Value {
        var value = value
        while let view = views[value] { value = view.base }
        return value
    }

    /// Elements that come before the first one of `value` in the memory of `storage(of: value)`.
    package func offset(of value: Value, _ symbols: [String: Int]) -> Int {
        var (value, offset) = (value, 0)
        while let view = views[value] {
            offset += view.offset.value(symbols)
            value = view.base
        }
        return offset
    }

    /// Where the rows of a value are that are not neighbours.
    package func rows(of value: Value) -> StorageView? {
        views[value].flatMap { $0.isContiguous ? nil : $0 }
    }
}

/// A parameter as the panels of a product's right operand.
package struct PackedParameter: Hashable, Sendable {
    package let parameter: Value
    /// Whether the product reads the parameter's transpose.
    package let transposed: Bool
    package let k: Int
    package let n: Int
    /// The tile of the products that read it: the panels' element and width.
    package let tile: ContractionTile

    package init(parameter: Value, transposed: Bool, k: Int, n: Int, tile: ContractionTile) {
        self.parameter = parameter
        self.transposed = transposed
        self.k = k
        self.n = n
        self.tile = tile
    }

    package var byteCount: Int { tile.paddedColumns(n) * tile.paddedDepth(k) * tile.panelCellByteCount }
}
