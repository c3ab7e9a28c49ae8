import GraphIR
import KernelIR

// Parameters that stay in the panels of the products that read them.

extension GraphLowering {
    /// What products of the graph, within regions too, read as their right operands and is a parameter.
    static func packedParameters(_ graph: Graph, _ machine: Machine) -> [PackedParameter] {
        guard !machine.usesLibraryMatmul else { return [] }
        var found: [PackedParameter] = []
        var seen: Set<PackedParameter> = []
        for node in graph.nodes {
            var products: [(op: Op, right: Value)] = []
            if case .contraction(.matmul) = node.op { products = [(node.op, node.operands[1])] }
            if case .fusion(let region) = node.op {
                let ports = region.body.inputs
                for inner in region.body.nodes {
                    guard case .contraction(.matmul) = inner.op,
                        let port = ports.firstIndex(of: inner.operands[1].node)
                    else { continue }
                    products.append((inner.op, node.operands[port]))
                }
            }
            for (op, right) in products {
                guard case .contraction(.matmul(_, let transposed)) = op,
                    let packed = packedParameter(graph, machine, right, transposed: transposed),
                    seen.insert(packed).inserted
                else { continue }
                found.append(packed)
            }
        }
        return found
    }

    /// What other programs keep in panels of the parameters that a graph writes in place, where its kernels can write them.
    static func packedByReaders(
        _ readers: [Program], of graph: Graph, _ inPlaceUpdates: Set<NodeID>, besides own: [PackedParameter]
    ) -> [PackedParameter] {
        var parameters: [String: Value] = [:]
        for update in graph.updates where inPlaceUpdates.contains(update.value.node) {
            if case .source(.parameter(let name, _, _)) = graph[update.parameter.node].op {
                parameters[name] = update.parameter
            }
        }
        let found = readers.flatMap { reader in
            reader.packings.keys.compactMap { packed -> PackedParameter? in
                guard packed.tile.terms == 1,
                    case .source(.parameter(let name, _, _)) = reader.graph[packed.parameter.node].op,
                    let parameter = parameters[name]
                else { return nil }
                return PackedParameter(
                    parameter: parameter, transposed: packed.transposed, k: packed.k, n: packed.n,
                    tile: packed.tile)
            }
        }
        return Set(found).subtracting(own).sorted {
            ($0.parameter.node.index, $0.transposed ? 1 : 0, "\($0.tile)")
                < ($1.parameter.node.index, $1.transposed ? 1 : 0, "\($1.tile)")
        }
    }

    private static func packedParameter(
        _ graph: Graph, _ machine: Machine, _ value: Value, transposed: Bool
    ) -> PackedParameter? {
        let (value, _) = wholeWeight(graph, value, transposed: transposed)
        let parameter = castParameter(graph, value)
        guard case .source(.parameter(_, let type, let role)) = graph[parameter.node].op,
            role == .trainable || role == .frozen,
            type.element == .f32 || type.element == .i8, type.rank == 2, let extents = type.extents([:])
        else { return nil }
        return PackedParameter(
            parameter: parameter, transposed: transposed, k: extents[transposed ? 1 : 0],
            n: extents[transposed ? 0 : 1], tile: machine.denseTile(graph.type(of: value).element))
    }

    /// The parameter that a value is in lower precision, else the value.
    private static func castParameter(_ graph: Graph, _ value: Value) -> Value {
        guard case .elementwise(.cast) = graph[value.node].op,
            case .source(.parameter) = graph[graph[value.node].operands[0].node].op
        else { return value }
        return graph[value.node].operands[0]
    }

    /// The weight of which a product's right operand is a range of columns, and the first of them.
    private static func wholeWeight(
        _ graph: Graph, _ value: Value, transposed: Bool
    ) -> (weight: Value, firstColumn: Int) {
        guard case .shape(.slice(let axis, let start, _)) = graph[value.node].op, axis == (transposed ? 0 : 1)
        else {
            return (value, 0)
        }
        return (graph[value.node].operands[0], start)
    }

    /// The panels kept of an operand of node `id`, as one of its products reads it, and the first that it reads; `nil`
    /// also where its columns begin within a panel.
    func packed(_ id: NodeID, operand: Int, transposed: Bool) -> (PackedParameter, firstPanel: Int)? {
        let (weight, column) = Self.wholeWeight(graph, graph[id].operands[operand], transposed: transposed)
        let parameter = Self.castParameter(graph, weight)
        let element = type(weight).element
        let packed = packedOfParameter[parameter]?.first {
            $0.transposed == transposed && $0.tile.element == element
        }
        guard let packed, column % packed.tile.columns == 0 else { return nil }
        return (packed, column / packed.tile.columns)
    }

    /// The launch that packs a parameter by itself.
    func packing(_ packed: PackedParameter) -> Program.Launch {
        let width = Extent.fixed(packed.transposed ? packed.k : packed.n)
        let source = MatrixAccess(
            buffer: 0, rowStride: packed.transposed ? .one : width,
            columnStride: packed.transposed ? width : .one)
        let pack = PackPanels(
            source: .matrix(source, type(packed.parameter).element), k: .fixed(packed.k), n: .fixed(packed.n),
            tile: packed.tile, panels: 1)
        return Program.Launch(
            kernel: Kernel("pack", [.pack(pack)]), buffers: [.value(packed.parameter), .packed(packed)],
            node: packed.parameter.node)
    }

    /// Panels to write along with results of node `id` that replace parameters. Those of terms are packed anew before
    /// the next run instead.
    func packedUpdates(_ id: NodeID) -> [(result: Int, packed: PackedParameter)] {
        guard inPlaceUpdates.contains(id) else { return [] }
        return graph.updates.filter { $0.value.node == id }.flatMap { update in
            (packedOfParameter[update.parameter] ?? []).filter { $0.tile.terms == 1 }.map {
                (update.value.result, $0)
            }
        }
    }
}

extension PackedParameter {
    /// Where element (row, column) of the parameter goes.
    func access(_ buffer: Int) -> Access {
        var access = Access.elements(buffer, tile.element, columns: .fixed(transposed ? k : n))
        let depth = tile.paddedDepth(Extent.fixed(k))
        access.layout =
            transposed
            ? .transposedPanels(width: tile.columns, depth: depth)
            : .panels(width: tile.columns, depth: depth)
        return access
    }
}
