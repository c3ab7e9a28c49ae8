import GraphIR
import KernelIR

// Data movement: all of it is the strided copy template.

extension GraphLowering {
    mutating func shape(_ id: NodeID, _ op: Op.Shape) {
        switch op {
        case .reshape: alias(id, graph[id].operands[0])
        case .broadcast(let shape): broadcast(id, to: shape)
        case .transpose(let permutation): transpose(id, permutation)
        case .slice(let axis, let start, _): slice(id, axis: axis, start: start)
        case .concatenate(let axis): concatenate(id, axis: axis)
        }
    }

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

    private mutating func broadcast(_ id: NodeID, to shape: [Dimension]) {
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

    private mutating func transpose(_ id: NodeID, _ permutation: [Int]) {
        emit(id, [transposition(type(graph[id].operands[0]), permutation, source: 0, target: 1)])
    }

    private mutating func slice(_ id: NodeID, axis: Int, start: Int) {
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

    private mutating func concatenate(_ id: NodeID, axis: Int) {
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
}
