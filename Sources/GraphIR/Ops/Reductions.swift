// reduce_sum, reduce_max   over the given axes; `keep` leaves them in place with extent 1
//
// Float sums accumulate in f32 or wider, in an order that depends on the shape only.

/// How elements are put together.
public enum Reduction: String, Hashable, Sendable, CaseIterable {
    /// The sum, which is 0 of nothing, or the largest element.
    case sum, max
}

extension Op {
    /// A sum or a maximum over axes.
    public struct Reduce: Hashable, Sendable {
        /// The sum or the maximum.
        public let function: Reduction
        /// Ascending.
        public let axes: [Int]
        /// Whether reduced axes stay, with extent 1.
        public let keepDimensions: Bool
    }

    /// A reduction over axes; see `Tensor.sum` and `Tensor.max`.
    public static func reduce(_ function: Reduction, axes: [Int], keepDimensions: Bool) -> Op {
        .reduction(Reduce(function: function, axes: axes, keepDimensions: keepDimensions))
    }
}

extension Op.Reduce: OpFamily {
    private static func row(_ function: Reduction) -> Spelling<[Int], Bool> {
        Spelling("reduce_\(function.rawValue)", .ints("axes"), .bool("keep")) {
            .reduce(function, axes: $0, keepDimensions: $1)
        }
    }

    static let spellings: [any OpSpelling] = Reduction.allCases.map(row)

    var text: OpText { Self.row(function)(axes, keepDimensions) }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        try expect(operands, 1...1)
        let type = operands[0]
        guard Set(axes).count == axes.count, axes.allSatisfy(type.shape.indices.contains),
            axes == axes.sorted()
        else {
            throw .type("axes \(axes) must be ascending axes of \(type)")
        }
        guard type.element != .bool, type.element != .i8 else {
            throw .type("can't reduce \(type.element.rawValue); cast it first")
        }
        let shape = type.shape.enumerated().compactMap { axis, extent -> Dimension? in
            axes.contains(axis) ? (keepDimensions ? 1 : nil) : extent
        }
        return [TensorType(type.element, shape)]
    }

    func gradients(_ rule: VJP) -> [Tensor?] {
        let x = rule.operands[0]
        guard x.type.element.isFloat else { return [nil] }
        let kept = x.shape.enumerated().map { axis, extent in axes.contains(axis) ? 1 : extent }
        let dy = rule.cotangent.reshaped(kept)
        switch function {
        case .sum:
            return [dy.broadcast(to: x.shape)]
        case .max:
            // Equal maxima share the gradient.
            let y = rule.results[0].reshaped(kept)
            let hit = rule.builder.compare(.eq, x, y).cast(x.type.element)
            return [hit / hit.sum(axes: axes, keepDimensions: true) * dy]
        }
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        Iteration(kind(operands[0]), over: operands)
    }

    private func kind(_ operand: TensorType) -> IterationKind {
        let live = operand.shape.indices.filter { operand.shape[$0] != 1 }
        let reduced = live.filter(axes.contains)
        let kept = live.filter { !axes.contains($0) }
        let isFloatSum = function == .sum && operand.element.isFloat
        guard let first = reduced.first, let last = reduced.last else { return .row(columns: operand.rank) }
        if kept.isEmpty { return isFloatSum ? .crossRow(columns: 0) : .row(columns: 0) }
        if kept.allSatisfy({ $0 < first }) { return .row(columns: first) }
        if isFloatSum, kept.allSatisfy({ $0 > last }) { return .crossRow(columns: last + 1) }
        return .opaque
    }

    var traits: OpTraits {
        OpTraits(
            results: 1, merges: true, folding: .small, isElementWise: false, byAddress: 0..<0,
            lowPrecision: 0..<0, integers: [], work: .elements(10), word: nil, dropoutStream: nil)
    }
}
