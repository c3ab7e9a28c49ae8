import GraphIR

extension Evaluation {
    /// Broadcast, reshape, transpose, slice and concatenate: each result element is one operand element.
    func rearranged(_ op: Op.Shape, _ shape: [Int]) -> [Double] {
        let x = operands[0]
        let strides = Layout.strides(x.shape)
        switch op {
        case .reshape:
            return x.values
        case .broadcast:
            return Layout.broadcastPositions(x.shape, to: shape).map { x.values[$0] }
        case .transpose(let permutation):
            return Layout.positions(shape, strides: permutation.map { strides[$0] }).map { x.values[$0] }
        case .slice(let axis, let start, _):
            return Layout.positions(shape, strides: strides, start: start * strides[axis]).map {
                x.values[$0]
            }
        case .concatenate(let axis):
            // One run of elements an operand for each index of the axes before `axis`.
            var values: [Double] = []
            for outer in 0..<shape[..<axis].reduce(1, *) {
                for part in operands {
                    let run = part.shape[axis...].reduce(1, *)
                    values += part.values[outer * run..<(outer + 1) * run]
                }
            }
            return values
        }
    }

    /// Sum or maximum over axes; an empty maximum is the type's lowest value.
    func reduce(_ op: Op.Reduce) -> [Double] {
        let x = operands[0]
        let kept = x.shape.enumerated().map { axis, extent in op.axes.contains(axis) ? 1 : extent }
        let targets = Layout.broadcastPositions(kept, to: x.shape)
        switch op.function {
        case .sum:
            var sums = Array(repeating: 0.0, count: kept.reduce(1, *))
            for (value, target) in zip(x.values, targets) { sums[target] += value }
            return sums.map { x.element.isFloat ? $0 : x.element.wrapped(ElementType.saturatingInt($0)) }
        case .max:
            let lowest = x.element.isFloat ? -Double.infinity : x.element.rounded(-Double.infinity)
            var maxima = Array(repeating: lowest, count: kept.reduce(1, *))
            for (value, target) in zip(x.values, targets) {
                maxima[target] = Scalar.max(maxima[target], value)
            }
            return maxima
        }
    }
}
