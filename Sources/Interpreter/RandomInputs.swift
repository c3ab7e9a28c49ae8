import GraphIR
import Support

/// Makes a legal tensor for each input and parameter of a graph, random within what its users take.
///
/// Integers are what they are used as: ids of a table's rows, labels of classes, offsets that ascend to the last token,
/// lengths within their sequences (every second one with a row of padding), limits of a softmax. Other integers are
/// small and positive. Floats lie in -1...1, weights within ±√(3 / larger extent) so that products stay of order one;
/// scalars and optimiser states, which are rates and squares, in 0.1...1.
package struct RandomInputs {
    private let graph: Graph
    private let symbols: [String: Int]
    private var random: SplitMix64
    private let uses: IntegerUses

    /// - Parameter symbols: a value for every symbol of the graph.
    package init(_ graph: Graph, symbols: [String: Int], seed: UInt64 = 1) {
        self.graph = graph
        self.symbols = symbols
        random = SplitMix64(seed: seed)
        uses = IntegerUses(graph)
    }

    /// A tensor for each input and, unless they are left out, each parameter, by name.
    package mutating func tensors(ofParameters: Bool = true) -> [String: HostTensor] {
        var tensors: [String: HostTensor] = [:]
        for id in graph.nodeIDs {
            guard case .source(let source) = graph[id].op else { continue }
            switch source {
            case .input(let name, let type): tensors[name] = tensor(type, id, range: floatRange(type, nil))
            case .parameter(let name, let type, let role):
                guard ofParameters else { continue }
                tensors[name] = tensor(type, id, range: floatRange(type, role))
            case .constant, .iota, .dimensionSize: continue
            }
        }
        return tensors
    }

    private func floatRange(_ type: TensorType, _ role: ParameterRole?) -> ClosedRange<Double> {
        if type.rank == 0 || role == .state || role == .accumulator { return 0.1...1 }
        guard role != nil, type.rank >= 2 else { return -1...1 }
        let bound = (3 / Double(max(1, extents(type).suffix(2).max() ?? 1))).squareRoot()
        return -bound...bound
    }

    private func extents(_ type: TensorType) -> [Int] { type.shape.map(extent) }

    private func extent(_ dimension: Dimension) -> Int { max(0, dimension.extent(symbols) ?? 1) }

    private mutating func tensor(_ type: TensorType, _ id: NodeID, range: ClosedRange<Double>) -> HostTensor {
        let shape = extents(type)
        let count = shape.reduce(1, *)
        let values: [Double]
        switch type.element {
        case .f32, .bf16, .f16: values = (0..<count).map { _ in Double.random(in: range, using: &random) }
        case .bool: values = (0..<count).map { _ in Bool.random(using: &random) ? 1 : 0 }
        case .i8: values = (0..<count).map { _ in Double(Int.random(in: -127...127, using: &random)) }
        case .i32, .i64: values = integers(count, uses[id])
        }
        return HostTensor(element: type.element, shape: shape, values: values).rounded
    }

    private mutating func integers(_ count: Int, _ use: IntegerUses.Use?) -> [Double] {
        switch use {
        case .offsets(let tokens): return (0..<count).map { Double(start($0, of: count - 1, tokens)) }
        case .lengths(let tokens, let limit):
            return (0..<count).map { sequence in
                let rows = start(sequence + 1, of: count, tokens) - start(sequence, of: count, tokens)
                let padding = sequence % 2 == 1 && rows > 1 ? 1 : 0
                return Double(min(rows - padding, limit.map(extent) ?? rows))
            }
        case .below(let bounds):
            let bound = bounds.map(extent).min() ?? 1
            return (0..<count).map { _ in Double(bound > 0 ? Int.random(in: 0..<bound, using: &random) : 0) }
        case .rows(let tokens):
            return (0..<count).map { sequence in
                let rows = start(sequence + 1, of: count, tokens) - start(sequence, of: count, tokens)
                return Double(rows > 1 ? Int.random(in: 0..<rows, using: &random) : 0)
            }
        case nil: return (0..<count).map { _ in Double(Int.random(in: 1...4, using: &random)) }
        }
    }

    /// Where a sequence starts when all are about as long as each other.
    private func start(_ sequence: Int, of sequences: Int, _ tokens: Dimension) -> Int {
        sequences > 0 ? sequence * extent(tokens) / sequences : 0
    }
}
