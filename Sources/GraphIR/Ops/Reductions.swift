// reduce_sum, reduce_max   over the given axes; `keep` leaves them in place with extent 1
//
// Float sums accumulate in f32 or wider, in an order that depends on the shape only.

public enum Reduction: String, Hashable, Sendable, CaseIterable { case sum, max }

extension Op {
    func reductionTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        guard case .reduce(_, let axes, let keep) = self else { preconditionFailure("not a reduction") }
        try expect(operands, 1...1)
        let type = operands[0]
        guard Set(axes).count == axes.count, axes.allSatisfy(type.shape.indices.contains),
            axes == axes.sorted()
        else {
            throw .type("axes \(axes) must be ascending axes of \(type)")
        }
        guard type.element != .bool else { throw .type("can't reduce bool; cast it first") }
        let shape = type.shape.enumerated().compactMap { axis, extent -> Dimension? in
            axes.contains(axis) ? (keep ? 1 : nil) : extent
        }
        return [TensorType(type.element, shape)]
    }

    func reductionVJP(_ rule: VJP) -> [Tensor?] {
        guard case .reduce(let reduction, let axes, _) = self else { preconditionFailure("not a reduction") }
        let x = rule.operands[0]
        guard x.type.element.isFloat else { return [nil] }
        let kept = x.shape.enumerated().map { axis, extent in axes.contains(axis) ? 1 : extent }
        let dy = rule.cotangent.reshaped(kept)
        switch reduction {
        case .sum:
            return [dy.broadcast(to: x.shape)]
        case .max:
            // Equal maxima share the gradient.
            let y = rule.results[0].reshaped(kept)
            let hit = rule.builder.compare(.eq, x, y).cast(x.type.element)
            return [hit / hit.sum(axes: axes, keepDimensions: true) * dy]
        }
    }
}
