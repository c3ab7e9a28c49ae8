import GraphIR

extension Pass {
    package static let quantizeName = "quantize"

    /// Products of activations and weights in i8: y = x W becomes the product of `quantize(x)` and of W quantised by its
    /// columns, with `dequantize` behind it. The weight's numbers and scales are parameters of their own (`QuantizedWeight`).
    ///
    /// Quantised are products whose right operand is a parameter, with at least 64 rows and columns of it; the depth is a
    /// multiple of 4. Narrow ones, those of classifiers say, cost nothing in f32. Everything else stays f32, attention
    /// too.
    ///
    /// Where a weight is smoothed (Xiao et al., "SmoothQuant", arXiv:2211.10438), x is multiplied by a factor for each column
    /// before it is quantised, and W was divided by the same: a column of x with large numbers then takes less from the others.
    /// Products of one x share the factors of the first one's weight.
    static func quantize(_ choice: Quantization) -> Pass {
        Pass(quantizeName) { (graph: inout Graph, context) throws(IRError) in
            guard graph.updates.isEmpty else {
                throw IRError("quantize", "int8 is for inference: this graph changes its parameters")
            }
            var rewriter = GraphRewriter(graph)
            var weights: [Value: (values: Value, scale: Value)] = [:]
            var activations: [Value: (values: Value, scale: Value)] = [:]
            for id in graph.nodeIDs {
                guard let weight = QuantizedWeight(graph, id), !choice.keeps(weight.name) else {
                    try rewriter.copy(id)
                    continue
                }
                let node = graph[id]
                if weights[node.operands[1]] == nil {
                    weights[node.operands[1]] = try weight.appendParameters(to: &rewriter)
                }
                let x = rewriter.replacement(node.operands[0])
                if activations[x] == nil {
                    var smooth = x
                    if choice.isSmoothed(weight.name) {
                        let factors = try weight.appendSmoothing(to: &rewriter)
                        smooth = try rewriter.emit(.binary(.mul), [x, factors], label: node.label)
                    }
                    let values = try rewriter.emit(.quantize, [smooth], label: node.label)
                    activations[x] = (values, Value(values.node, result: 1))
                }
                guard let right = weights[node.operands[1]], let left = activations[x] else { continue }
                let sum = try rewriter.emit(
                    .matmul(transposeLeft: false, transposeRight: true), [left.values, right.values],
                    label: node.label)
                let y = try rewriter.emit(.dequantize, [sum, left.scale, right.scale], label: node.label)
                rewriter.replace(id, with: [y])
            }
            guard !weights.isEmpty else { return false }
            graph = rewriter.finish()
            return true
        }
    }
}

/// Which weights are quantised, and how.
package struct Quantization: Sendable {
    /// Whether the weight of a name stays f32.
    let keeps: @Sendable (String) -> Bool
    /// Whether there are smoothing factors for the weight of a name.
    let isSmoothed: @Sendable (String) -> Bool

    /// All weights, without smoothing, unless said.
    package init(
        keeping keeps: @escaping @Sendable (String) -> Bool = { _ in false },
        smoothing isSmoothed: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        (self.keeps, self.isSmoothed) = (keeps, isSmoothed)
    }
}

/// A weight that products read as i8: numbers `[n, k]`, a row for each output, and a scale each.
package struct QuantizedWeight: Hashable, Sendable {
    /// The f32 parameter that it is made from.
    package let name: String
    /// The type of that.
    package let type: TensorType
    /// Whether that is `[k, n]`.
    package let isTransposed: Bool
    private let role: ParameterRole

    /// Inputs of the product.
    package var columnCount: Int { valuesType.extents([:])?.last ?? 0 }

    /// The parameter of its numbers.
    package var valuesName: String { Self.valuesName(of: name) }
    /// The parameter of its scales.
    package var scaleName: String { Self.scaleName(of: name) }

    /// The parameter of the factors of its activation's columns, f32 `[k]`.
    package var smoothingName: String { Self.smoothingName(of: name) }

    package static func valuesName(of name: String) -> String { "\(name).int8" }
    package static func scaleName(of name: String) -> String { "\(name).int8_scale" }
    package static func smoothingName(of name: String) -> String { "\(name).int8_smoothing" }

    private var valuesType: TensorType {
        TensorType(.i8, isTransposed ? type.shape.reversed() : type.shape)
    }
    private var scaleType: TensorType { TensorType(.f32, [valuesType.shape[0]]) }
    private var smoothingType: TensorType { TensorType(.f32, [valuesType.shape[1]]) }

    /// Products that are narrower cost little as they are.
    private static let leastExtent = 64

    /// The weight of a product that can be quantised.
    fileprivate init?(_ graph: Graph, _ id: NodeID) {
        guard case .contraction(.matmul(false, let transposeRight)) = graph[id].op,
            graph.type(of: graph[id].operands[0]).rank == 2,
            case .source(.parameter(let name, let type, let role)) = graph[graph[id].operands[1].node].op,
            role == .trainable || role == .frozen, type.element == .f32, let extents = type.extents([:]),
            extents.allSatisfy({ $0 >= Self.leastExtent })
        else { return nil }
        let depth = extents[transposeRight ? 1 : 0]
        guard depth % 4 == 0, depth <= Op.Contraction.greatestDepth else { return nil }
        (self.name, self.type, self.role, isTransposed) = (name, type, role, !transposeRight)
    }

    fileprivate func appendParameters(
        to rewriter: inout GraphRewriter
    ) throws(IRError) -> (values: Value, scale: Value) {
        let values = Op.parameter(name: valuesName, type: valuesType, role: .frozen)
        let scale = Op.parameter(name: scaleName, type: scaleType, role: .frozen)
        return (
            try rewriter.emit(values, [], label: name), try rewriter.emit(scale, [], label: name)
        )
    }

    fileprivate func appendSmoothing(to rewriter: inout GraphRewriter) throws(IRError) -> Value {
        try rewriter.emit(
            .parameter(name: smoothingName, type: smoothingType, role: .frozen), [], label: name)
    }

    /// The products of a graph that can be quantised, by the activation that they read.
    package static func groups(in graph: Graph) -> [(activation: Value, weights: [QuantizedWeight])] {
        var groups: [(activation: Value, weights: [QuantizedWeight])] = []
        for id in graph.nodeIDs {
            guard let weight = QuantizedWeight(graph, id) else { continue }
            let x = graph[id].operands[0]
            if let index = groups.firstIndex(where: { $0.activation == x }) {
                groups[index].weights.append(weight)
            } else {
                groups.append((x, [weight]))
            }
        }
        return groups
    }

    /// The weights that `optimized` reads quantised, in the order of their names: `graph` before the passes has them as f32.
    package static func all(in optimized: Graph, of graph: Graph) -> [QuantizedWeight] {
        let read = Set(optimized.parameters.compactMap { optimized[$0].op.suppliedName })
        var found: [String: QuantizedWeight] = [:]
        for id in graph.nodeIDs {
            guard let weight = QuantizedWeight(graph, id), read.contains(weight.valuesName) else { continue }
            found[weight.name] = weight
        }
        return found.values.sorted { $0.name < $1.name }
    }

    /// A graph that sets the numbers and scales of weights from the f32 parameters, without inputs and outputs.
    ///
    /// - Parameter isSmoothed: whether there are smoothing factors for the weight of a name.
    package static func preparation(
        of weights: [QuantizedWeight], smoothing isSmoothed: (String) -> Bool
    ) throws(IRError) -> Graph {
        var graph = Graph(name: "quantize weights")
        for weight in weights {
            func parameter(_ name: String, _ type: TensorType) throws(IRError) -> Value {
                Value(
                    try graph.append(.parameter(name: name, type: type, role: .state), [], label: weight.name)
                )
            }
            var x = try parameter(weight.name, weight.type)
            let values = try parameter(weight.valuesName, weight.valuesType)
            let scale = try parameter(weight.scaleName, weight.scaleType)
            if weight.isTransposed {
                x = Value(try graph.append(Op.transpose([1, 0]), [x], label: weight.name))
            }
            if isSmoothed(weight.name) {
                let factors = try parameter(weight.smoothingName, weight.smoothingType)
                x = Value(try graph.append(.binary(.div), [x, factors], label: weight.name))
            }
            let quantized = try graph.append(.quantize, [x], label: weight.name)
            graph.addUpdate(of: values, to: Value(quantized))
            graph.addUpdate(of: scale, to: Value(quantized, result: 1))
        }
        return graph
    }
}
