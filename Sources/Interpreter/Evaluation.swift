import GraphIR

/// One node with the tensors that it reads; each op family's file under `Ops/` computes its members.
struct Evaluation {
    let op: Op
    let operands: [HostTensor]
    let types: [TensorType]
    let symbols: [String: Int]
    /// The node, as errors name it.
    let place: String
    let rounding: Bool

    /// The node's results, rounded to their element types.
    func results() throws(InterpreterError) -> [HostTensor] {
        var shapes: [[Int]] = []
        for type in types { shapes.append(try shape(type.shape)) }
        let values = try values(shapes)
        return zip(types, zip(shapes, values)).map { type, result in
            let tensor = HostTensor(element: type.element, shape: result.0, values: result.1)
            return rounding || !type.element.isFloat ? tensor.rounded : tensor
        }
    }

    /// The values of each result, given the results' shapes.
    private func values(_ shapes: [[Int]]) throws(InterpreterError) -> [[Double]] {
        switch op {
        case .source(let source): [try self.source(source, shapes[0])]
        case .elementwise(let op): [try elementwise(op, shapes[0])]
        case .dropout(let op): [dropout(op)]
        case .stochasticRound(let op): [stochasticRound(op)]
        case .reduction(let op): [reduce(op)]
        case .shape(let op): [rearranged(op, shapes[0])]
        case .contraction(let op): [try contraction(op, shapes[0])]
        case .normalisation(let op): normalisation(op)
        case .quantization(let op): quantization(op)
        case .attention(let op): try attention(op)
        case .loss(let op): try loss(op)
        case .indexing(let op): try indexing(op, shapes)
        case .optimizer(let op): optimizerStep(op)
        case .fusion(let region): try fusion(region)
        case .custom(let op): try custom(op, shapes)
        }
    }

    func error(_ message: String) -> InterpreterError { InterpreterError(message, at: place) }

    /// The extent of a dimension; throws when its symbol has no value or it comes out negative.
    func extent(_ dimension: Dimension) throws(InterpreterError) -> Int {
        guard let extent = dimension.extent(symbols) else {
            throw error(
                "'\(dimension.symbol ?? "")' is fixed by no input shape; give it a value in 'symbols'")
        }
        guard extent >= 0 else { throw error("\(dimension) = \(extent) is negative") }
        return extent
    }

    /// A shape as numbers; throws when it holds more elements than a run could.
    func shape(_ dimensions: [Dimension]) throws(InterpreterError) -> [Int] {
        var (extents, count): ([Int], Int) = ([], 1)
        for dimension in dimensions {
            extents.append(try extent(dimension))
            let (product, overflow) = count.multipliedReportingOverflow(
                by: max(extents[extents.count - 1], 1))
            guard !overflow, product < Self.maxElements else {
                throw error("a tensor of shape \(dimensions) has more than \(Self.maxElements) elements")
            }
            count = product
        }
        return extents
    }

    /// More than this (2 GiB of values) is taken for a mistake in a shape.
    private static let maxElements = 1 << 28
}

/// Positions in a row-major tensor.
enum Layout {
    /// Distance between neighbours along each axis.
    static func strides(_ shape: [Int]) -> [Int] {
        var strides = shape
        var stride = 1
        for axis in shape.indices.reversed() {
            strides[axis] = stride
            stride *= shape[axis]
        }
        return strides
    }

    /// `start + Σ index[axis] * strides[axis]` for every index of `extents`, in row-major order.
    static func positions(_ extents: [Int], strides: [Int], start: Int = 0) -> [Int] {
        var positions = [start]
        for (extent, stride) in zip(extents, strides) {
            positions = positions.flatMap { position in (0..<extent).map { position + $0 * stride } }
        }
        return positions
    }

    /// For every element of `target`, the position of the element of `shape` that broadcasting puts there.
    static func broadcastPositions(_ shape: [Int], to target: [Int]) -> [Int] {
        let own = zip(shape, strides(shape)).map { extent, stride in extent == 1 ? 0 : stride }
        return positions(target, strides: Array(repeating: 0, count: target.count - shape.count) + own)
    }
}
