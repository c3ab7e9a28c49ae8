import GraphIR
import KernelIR

// Data movement: all of it is the strided copy template.

extension GraphLowering {
    mutating func shape(_ id: NodeID, _ op: Op.Shape) {
        switch op {
        // Always a view; what computes or reads it knows where it lies.
        case .reshape: break
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

    /// Strides of a value, row-major in its own memory or in rows of another's.
    private func strides(of value: Value) -> [Extent] {
        let shape = type(value).shape
        guard let view = plan.views[value], !view.isContiguous else { return strides(shape) }
        return shape.indices.map { axis in
            axis >= view.columnAxis
                ? Extent(shape[(axis + 1)...]) : view.stride * Extent(shape[(axis + 1)..<view.columnAxis])
        }
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
        let own = strides(of: graph[id].operands[0])
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

    func transposition(
        _ operand: TensorType, _ permutation: [Int], source: Int, target: Int, strides own: [Extent]? = nil
    ) -> Phase {
        let shape = permutation.map { operand.shape[$0] }
        let own = own ?? strides(operand.shape)
        return copy(
            operand.element, shape, source: source, target: target,
            sourceStrides: permutation.map { own[$0] },
            targetStrides: strides(shape))
    }

    private mutating func transpose(_ id: NodeID, _ permutation: [Int]) {
        let operand = graph[id].operands[0]
        emit(
            id,
            [
                transposition(
                    type(operand), permutation, source: 0, target: 1, strides: strides(of: operand))
            ])
    }

    private mutating func slice(_ id: NodeID, axis: Int, start: Int) {
        guard plan.views[Value(id)] == nil else { return }
        let operand = type(graph[id].operands[0])
        let result = graph[id].types[0]
        let own = strides(of: graph[id].operands[0])
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
            defer { start += type.shape[axis].offset }
            // Whatever computes the operand has written it here; where the operand stands a second time it is copied.
            let offset = Extent.fixed(start) * target[axis]
            if let view = plan.views[operand], view.base == Value(id), view.offset == offset { continue }
            phases.append(
                copy(
                    type.element, type.shape, source: index, target: node.operands.count,
                    sourceStrides: strides(of: operand), targetStrides: target,
                    targetOffset: offset))
        }
        if !phases.isEmpty { emit(id, phases) }
    }
}
