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
        case .input, .parameter: throw error("inputs and parameters are given, not computed")
        case .constant, .iota, .dimensionSize: [try source(shapes[0])]
        case .unary, .unaryGradient, .binary, .compare, .select, .cast: [try elementwise(shapes[0])]
        case .dropout(let rate, let stream): [dropout(rate: rate, stream: stream)]
        case .reduce(let reduction, let axes, _): [reduce(reduction, axes: axes)]
        case .broadcast, .reshape, .transpose, .slice, .concatenate: [rearranged(shapes[0])]
        case .matmul(let left, let right): [matmul(transposeLeft: left, transposeRight: right)]
        case .raggedMatmul(let form, let length):
            [try raggedMatmul(form, length: try extent(length), shapes[0])]
        case .softmax: [softmax()]
        case .softmaxGradient: [softmaxGradient()]
        case .layerNorm(let epsilon): layerNorm(epsilon: epsilon)
        case .layerNormGradient: layerNormGradient()
        case .rowStatistics(let epsilon): rowStatistics(epsilon: epsilon)
        case .normalize: [normalize()]
        case .flashAttention(let attributes): try flashAttention(attributes)
        case .flashAttentionGradient(let attributes): try flashAttentionGradient(attributes)
        case .crossEntropy(let ignored): try crossEntropy(ignoreIndex: ignored)
        case .crossEntropyGradient(let ignored): [try crossEntropyGradient(ignoreIndex: ignored)]
        case .gather: [try gather()]
        case .scatterAdd: [try scatterAdd(shapes[0])]
        case .coalesce: try coalesce(rows: shapes[0][0])
        case .segmentSum: [try segmentSum(shapes[0])]
        case .segmentBroadcast: [try segmentBroadcast(shapes[0])]
        case .adamW(let attributes): adamW(attributes)
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
