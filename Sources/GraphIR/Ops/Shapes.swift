// Ops that move elements without changing them.
//
// broadcast    repeats extents of 1 (and new leading axes) up to a shape
// reshape      the same elements in row-major order under another shape; never moves data
// transpose    result axis i is operand axis permutation[i]
// slice        `size` elements from `start` along one axis
// concatenate  operands end to end along one axis

extension Op {
    /// Ops that move elements.
    public enum Shape: Hashable, Sendable {
        /// Repeats extents of 1, and new leading axes, up to a shape.
        case broadcast([Dimension])
        /// The same elements in row-major order under another shape.
        case reshape([Dimension])
        /// Axis i of the result is axis `permutation[i]` of the operand.
        case transpose([Int])
        /// `size` elements from `start` on along one axis.
        case slice(axis: Int, start: Int, size: Dimension)
        /// Operands end to end along one axis.
        case concatenate(axis: Int)
    }

    /// Repetition up to a shape; see `Tensor.broadcast`.
    public static func broadcast(_ shape: [Dimension]) -> Op { .shape(.broadcast(shape)) }
    /// Another shape for the same elements; see `Tensor.reshaped`.
    public static func reshape(_ shape: [Dimension]) -> Op { .shape(.reshape(shape)) }
    /// Another order of the axes; see `Tensor.transposed`.
    public static func transpose(_ permutation: [Int]) -> Op { .shape(.transpose(permutation)) }

    /// A part of one axis; see `Tensor.slice`.
    public static func slice(axis: Int, start: Int, size: Dimension) -> Op {
        .shape(.slice(axis: axis, start: start, size: size))
    }

    /// Operands end to end; see `GraphBuilder.concatenate`.
    public static func concatenate(axis: Int) -> Op { .shape(.concatenate(axis: axis)) }

    /// Whether the op takes a part of an axis, or puts one together: what a kernel can often read or write in place.
    package var cutsAxis: Bool {
        switch self {
        case .shape(.slice), .shape(.concatenate): true
        case .source, .elementwise, .dropout, .stochasticRound, .reduction, .shape, .contraction,
            .normalisation, .quantization, .attention,
            .loss, .indexing, .optimizer, .fusion, .custom:
            false
        }
    }
}

extension Op.Shape: OpFamily {
    private enum Row {
        static let broadcast = Spelling("broadcast", .shape("shape")) { .broadcast($0) }
        static let reshape = Spelling("reshape", .shape("shape")) { .reshape($0) }
        static let transpose = Spelling("transpose", .ints("permutation")) { .transpose($0) }
        static let slice = Spelling("slice", .int("axis"), .int("start"), .dimension("size")) {
            .slice(axis: $0, start: $1, size: $2)
        }
        static let concatenate = Spelling("concatenate", .int("axis")) { .concatenate(axis: $0) }
    }

    static let spellings: [any OpSpelling] = [
        Row.broadcast, Row.reshape, Row.transpose, Row.slice, Row.concatenate,
    ]

    var text: OpText {
        switch self {
        case .broadcast(let shape): Row.broadcast(shape)
        case .reshape(let shape): Row.reshape(shape)
        case .transpose(let permutation): Row.transpose(permutation)
        case .slice(let axis, let start, let size): Row.slice(axis, start, size)
        case .concatenate(let axis): Row.concatenate(axis)
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        guard let first = operands.first else { throw .type("needs an operand") }
        if case .concatenate = self {} else { try expect(operands, 1...1) }
        switch self {
        case .broadcast(let shape):
            guard try broadcastShape([first.shape, shape]) == shape else {
                throw .type(
                    "\(first) does not broadcast to [\(shape.map(\.description).joined(separator: ", "))]")
            }
            return [TensorType(first.element, shape)]
        case .reshape(let shape):
            let result = TensorType(first.element, shape)
            guard result.elementCount == first.elementCount else {
                throw .type("\(first) and \(result) have different element counts")
            }
            return [result]
        case .transpose(let permutation):
            guard permutation.sorted() == Array(first.shape.indices) else {
                throw .type("\(permutation) is not a permutation of the axes of \(first)")
            }
            return [TensorType(first.element, permutation.map { first.shape[$0] })]
        case .slice(let axis, let start, let size):
            guard first.shape.indices.contains(axis) else {
                throw .type("axis \(axis) is not an axis of \(first)")
            }
            let extent = first.shape[axis]
            try size.check()
            guard extent.symbol == size.symbol, extent.scale == size.scale, start >= 0,
                start <= extent.offset - size.offset
            else {
                throw .type("elements \(start) to \(size + start) are not within axis \(axis) of \(first)")
            }
            var shape = first.shape
            shape[axis] = size
            return [TensorType(first.element, shape)]
        case .concatenate(let axis):
            guard first.shape.indices.contains(axis) else {
                throw .type("axis \(axis) is not an axis of \(first)")
            }
            var total = 0
            for operand in operands {
                guard operand.rank == first.rank, operand.element == first.element,
                    operand.shape.indices.allSatisfy({ $0 == axis || operand.shape[$0] == first.shape[$0] })
                else { throw .type("can't put \(operand) behind \(first) along axis \(axis)") }
                guard let extent = operand.shape[axis].fixedExtent else {
                    throw .type(
                        "axis \(axis) of \(operand) has no fixed extent, which concatenate needs")
                }
                total = saturatingSum(total, extent)
            }
            var shape = first.shape
            shape[axis] = .fixed(total)
            return [TensorType(first.element, shape)]
        }
    }

    func gradients(_ rule: VJP) -> [Tensor?] {
        let (x, dy) = (rule.operands[0], rule.cotangent)
        guard x.type.element.isFloat else { return rule.operands.map { _ in nil } }
        switch self {
        case .broadcast:
            return [dy.summed(to: x.shape)]
        case .reshape:
            return [dy.reshaped(x.shape)]
        case .transpose(let permutation):
            var inverse = permutation
            for (axis, source) in permutation.enumerated() { inverse[source] = axis }
            return [dy.transposed(inverse)]
        case .slice(let axis, let start, let size):
            return [sliceVJP(rule, axis: axis, start: start, size: size)]
        case .concatenate(let axis):
            var start = 0
            return rule.operands.map { operand in
                let size = operand.shape[axis]
                defer { start += size.offset }
                return dy.slice(axis: axis, start: start, size: size)
            }
        }
    }

    /// The gradient with zeros before and after it; a symbolic axis is refused by `concatenate`'s shape rule.
    private func sliceVJP(_ rule: VJP, axis: Int, start: Int, size: Dimension) -> Tensor {
        let x = rule.operands[0]
        func zeros(_ extent: Int) -> Tensor? {
            guard extent > 0 else { return nil }
            var shape = x.shape
            shape[axis] = .fixed(extent)
            return rule.builder.constant(0, TensorType(x.type.element, shape))
        }
        let after = x.shape[axis].offset - start - size.offset
        let parts = [zeros(start), rule.cotangent, zeros(after)].compactMap { $0 }
        return parts.count == 1 ? parts[0] : rule.builder.concatenate(parts, axis: axis)
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        switch self {
        case .broadcast: Iteration(.map, over: results)
        case .reshape, .transpose, .slice, .concatenate: Iteration(.opaque, over: results)
        }
    }

    var traits: OpTraits {
        OpTraits(
            results: 1, merges: true, folding: .moved, isElementWise: false, byAddress: 0..<0,
            lowPrecision: 0..<0, integers: [], work: work, word: nil, dropoutStream: nil)
    }

    private var work: OpTraits.Work {
        switch self {
        case .broadcast: .elements(1)
        case .reshape: .none
        case .transpose, .slice, .concatenate: .elements(10)
        }
    }
}
