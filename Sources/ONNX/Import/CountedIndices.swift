import GraphIR

// Exporters look a mask up at all of its places, with indices that are made of counted axes. Such a look-up is another shape.

extension Tensor {
    private func producer() -> Node { builder.graph[value.node] }

    private func operand(_ index: Int) -> Tensor { builder.tensor(builder.graph[value.node].operands[index]) }

    /// The axis along which the elements are 0, 1, 2, …, the same along all others; `nil` when that is not seen.
    fileprivate var countedAxis: Int? {
        guard builder.graph.contains(value) else { return nil }
        switch producer().op {
        case .source(.iota(_, let axis)): return axis
        case .elementwise(.cast): return operand(0).countedAxis
        case .shape(.broadcast(let shape)):
            let inner = operand(0)
            return inner.countedAxis.map { $0 + shape.count - inner.shape.count }
        case .shape(.reshape(let shape)):
            // Axes of extent 1 may come and go; the others stay in order.
            let inner = operand(0)
            let (old, new) = (
                inner.shape.indices.filter { inner.shape[$0] != 1 }, shape.indices.filter { shape[$0] != 1 }
            )
            guard let axis = inner.countedAxis, old.map({ inner.shape[$0] }) == new.map({ shape[$0] }),
                let place = old.firstIndex(of: axis)
            else { return nil }
            return new[place]
        default: return nil
        }
    }

    /// The extent that the tensor is, as a number.
    fileprivate var countedExtent: Dimension? {
        guard builder.graph.contains(value) else { return nil }
        switch producer().op {
        case .source(.dimensionSize(let dimension)): return dimension
        case .elementwise(.cast), .shape(.broadcast), .shape(.reshape): return operand(0).countedExtent
        default: return nil
        }
    }

    /// `x` where the indices, tuples along the last axis, count its axes in order: x[i, j] at [i, …, j]; else `nil`.
    func lookedUpWhole(in x: Tensor) -> Tensor? {
        guard builder.graph.contains(value), case .shape(.concatenate(let axis)) = producer().op,
            axis == shape.count - 1
        else { return nil }
        let parts = producer().operands.map(builder.tensor)
        let axes = parts.compactMap(\.countedAxis)
        guard parts.count == x.shape.count, axes.count == parts.count else { return nil }
        return x.spread(over: axes, of: Array(shape.dropLast()))
    }

    /// `x`, a matrix, where the indices are those of all its elements in row-major order: i · columns + j at [i, …, j]; else `nil`.
    func lookedUpFlat(in x: Tensor) -> Tensor? {
        guard builder.graph.contains(value), case .elementwise(.binary(.add)) = producer().op,
            x.shape.count == 2
        else {
            return nil
        }
        for (own, other) in [(0, 1), (1, 0)] {
            let (column, scaled) = (operand(own), operand(other))
            guard case .elementwise(.binary(.mul)) = scaled.producer().op else { continue }
            for (index, factor) in [(0, 1), (1, 0)] {
                let row = scaled.operand(index)
                guard let i = row.countedAxis, let j = column.countedAxis,
                    scaled.operand(factor).countedExtent == x.shape[1]
                else { continue }
                let rank = shape.count
                return x.spread(
                    over: [i + rank - row.shape.count, j + rank - column.shape.count], of: shape)
            }
        }
        return nil
    }

    /// The tensor with its axes put at ascending axes of a shape, repeated along the others.
    private func spread(over axes: [Int], of target: [Dimension]) -> Tensor? {
        guard axes == axes.sorted(), Set(axes).count == axes.count,
            zip(axes, shape).allSatisfy({ target.indices.contains($0) && target[$0] == $1 })
        else { return nil }
        let single = target.indices.map { place in axes.firstIndex(of: place).map { shape[$0] } ?? 1 }
        return reshaped(single).broadcast(to: target)
    }
}
