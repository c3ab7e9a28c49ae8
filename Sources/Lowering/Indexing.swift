import GraphIR
import KernelIR

extension GraphLowering {
    mutating func indexing(_ id: NodeID, _ op: Op.Indexing) throws(IRError) {
        switch op {
        case .gather: try rowSection(section(id), id)
        case .scatterAdd: try scatterAdd(id)
        case .coalesce: coalesce(id)
        case .segmentSum: segments(id, .sum)
        case .segmentBroadcast: segments(id, .broadcast)
        }
    }

    private mutating func segments(_ id: NodeID, _ direction: SegmentKernel.Direction) {
        let node = graph[id]
        let source = type(node.operands[0])
        let tokens = direction == .sum ? source.shape[0] : node.types[0].shape[0]
        let kernel = SegmentKernel(
            direction: direction, source: 0, offsets: 1, lengths: 2, target: 3, element: source.element,
            sequences: Extent(type(node.operands[2]).shape), tokens: Extent([tokens]),
            columns: Extent(source.shape.dropFirst()))
        emit(id, [.segments(kernel)])
    }

    private mutating func scatterAdd(_ id: NodeID) throws(IRError) {
        let node = graph[id]
        let type = node.types[0]
        guard type.element == .f32 else { throw unsupported(id, "scatter_add has kernels for f32 only") }
        let rows = Extent(type.shape.prefix(1))
        let columns = Extent(type.shape.dropFirst())
        let size = rows * columns
        let zero = RowKernel(
            rows: .one, columns: size, program: [.constant(0, .f32)],
            stores: [.element(.elements(2, .f32, columns: size), 0)], tasks: tasks(size))
        let scatter = ScatterAdd(
            updates: 0, ids: 1, target: 2, count: Extent(self.type(node.operands[1]).shape), rows: rows,
            columns: columns, tasks: Machine.partialTasks)
        emit(id, [.rows(zero), .scatterAdd(scatter)])
    }

    private mutating func coalesce(_ id: NodeID) {
        let node = graph[id]
        let (rows, count) = (Extent(node.types[0].shape), Extent(node.types[1].shape))
        let empty = RowKernel(
            rows: .one, columns: rows, program: [.extent(count), .cast(0, .i32)],
            stores: [.element(.elements(1, .i32, columns: rows), 1)], tasks: 1)
        let numbers = CoalesceRows(ids: 0, slots: 1, positions: 2, count: count, rows: rows)
        emit(id, [.rows(empty), .coalesce(numbers)])
    }
}

extension RowBuilder {
    mutating func gather(_ x: [Value], _ id: NodeID) throws(Stop) -> ElementID {
        let table = section.type(x[0])
        var access = Access.elements(try buffer(x[0], of: id), table.element, columns: view.columns)
        access.indirection = Access.Indirection(
            ids: try buffer(x[1], of: id), rows: Extent(table.shape.prefix(1)))
        return program.load(access)
    }
}
