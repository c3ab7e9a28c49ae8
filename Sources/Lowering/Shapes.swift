import GraphIR
import KernelIR

// Data movement: all of it is the strided copy template.

extension GraphLowering {
    /// Row-major strides of a shape.
    private func strides(_ shape: [Dimension]) -> [Extent] {
        shape.indices.map { Extent(shape[($0 + 1)...]) }
    }

    private func copy(
        _ element: ElementType, _ extents: [Dimension], source: Int, target: Int, sourceStrides: [Extent],
        targetStrides: [Extent], sourceOffset: Extent = .fixed(0), targetOffset: Extent = .fixed(0)
    ) -> Phase {
        .copy(
            StridedCopy(
                source: source, target: target, element: element, extents: extents.map { Extent([$0]) },
                sourceStrides: sourceStrides, targetStrides: targetStrides, sourceOffset: sourceOffset,
                targetOffset: targetOffset, tasks: tasks(Extent(extents))))
    }

    mutating func broadcast(_ id: NodeID, to shape: [Dimension]) {
        let operand = type(graph[id].operands[0])
        let own = strides(operand.shape)
        let lead = shape.count - operand.rank
        let source = shape.indices.map { axis -> Extent in
            axis >= lead && operand.shape[axis - lead] != 1 ? own[axis - lead] : .fixed(0)
        }
        emit(
            id,
            [
                copy(
                    operand.element, shape, source: 0, target: 1, sourceStrides: source,
                    targetStrides: strides(shape))
            ])
    }

    func transposition(_ operand: TensorType, _ permutation: [Int], source: Int, target: Int) -> Phase {
        let shape = permutation.map { operand.shape[$0] }
        let own = strides(operand.shape)
        return copy(
            operand.element, shape, source: source, target: target,
            sourceStrides: permutation.map { own[$0] },
            targetStrides: strides(shape))
    }

    mutating func transpose(_ id: NodeID, _ permutation: [Int]) {
        emit(id, [transposition(type(graph[id].operands[0]), permutation, source: 0, target: 1)])
    }

    mutating func slice(_ id: NodeID, axis: Int, start: Int) {
        let operand = type(graph[id].operands[0])
        let result = graph[id].types[0]
        let own = strides(operand.shape)
        emit(
            id,
            [
                copy(
                    operand.element, result.shape, source: 0, target: 1, sourceStrides: own,
                    targetStrides: strides(result.shape), sourceOffset: .fixed(start) * own[axis])
            ])
    }

    mutating func concatenate(_ id: NodeID, axis: Int) {
        let node = graph[id]
        let target = strides(node.types[0].shape)
        var start = 0
        var phases: [Phase] = []
        for (index, operand) in node.operands.enumerated() {
            let type = type(operand)
            phases.append(
                copy(
                    type.element, type.shape, source: index, target: node.operands.count,
                    sourceStrides: strides(type.shape), targetStrides: target,
                    targetOffset: .fixed(start) * target[axis]))
            start += type.shape[axis].offset
        }
        emit(id, phases)
    }

    mutating func segments(_ id: NodeID, _ direction: SegmentKernel.Direction) {
        let node = graph[id]
        let source = type(node.operands[0])
        let tokens = direction == .sum ? source.shape[0] : node.types[0].shape[0]
        let kernel = SegmentKernel(
            direction: direction, source: 0, offsets: 1, lengths: 2, target: 3, element: source.element,
            sequences: Extent(type(node.operands[2]).shape), tokens: Extent([tokens]),
            columns: Extent(source.shape.dropFirst()))
        emit(id, [.segments(kernel)])
    }

    mutating func scatterAdd(_ id: NodeID) throws(IRError) {
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

    mutating func coalesce(_ id: NodeID) {
        let node = graph[id]
        let (rows, count) = (Extent(node.types[0].shape), Extent(node.types[1].shape))
        let empty = RowKernel(
            rows: .one, columns: rows, program: [.extent(count), .cast(0, .i32)],
            stores: [.element(.elements(1, .i32, columns: rows), 1)], tasks: 1)
        let numbers = CoalesceRows(ids: 0, slots: 1, positions: 2, count: count, rows: rows)
        emit(id, [.rows(empty), .coalesce(numbers)])
    }
}
