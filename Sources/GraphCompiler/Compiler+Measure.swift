import GraphIR
import Interpreter
import KernelIR
import Runtime
import Transforms

extension Compiler {
    /// Measures each kind of region, and the whole graph, fused and op by op in turn.
    ///
    /// Inputs are random and legal; parameters of the whole graph are zero, which takes as long. Counted is the time
    /// of kernels, without what brings inputs in and takes results out. A kind is measured in memory that its last
    /// round has used, so small ones read from the cache what a whole step reads from memory.
    ///
    /// - Parameters:
    ///   - graph: before the passes.
    ///   - symbols: a value for every symbol of the graph.
    ///   - rounds: how often each side runs, after one round that does not count.
    package func measureFusion(
        _ graph: Graph, symbols: [String: Int], rounds: Int = 5
    ) throws -> FusionMeasurement {
        let symbols = withLength(symbols, of: graph)
        let fused = try optimize(graph)
        var last = graph
        var unfused = options.passes
        unfused.disabled.formUnion(PassPipeline.fusionPasses)
        try pipeline.run(on: &last, options: unfused)
        let kinds = try regionKinds(fused).map { kind in
            let times = try interleaved(kind.fused, kind.unfused, symbols, rounds, hasWeights: true)
            return FusionMeasurement.Kind(
                name: kind.name, result: kind.result, count: kind.count, fused: times.fused,
                unfused: times.unfused)
        }
        let whole = try interleaved(fused, last, symbols, rounds, hasWeights: false)
        return FusionMeasurement(
            kinds: kinds.sorted { $0.fused * Double($0.count) > $1.fused * Double($1.count) },
            fused: whole.fused, unfused: whole.unfused)
    }

    /// Attention spelled out has as many columns as its longest sequence, which a graph with `flash_attention` need not
    /// name: sequences are taken to be equally long.
    private func withLength(_ symbols: [String: Int], of graph: Graph) -> [String: Int] {
        for node in graph.nodes {
            guard symbols["length"] == nil, case .attention(let attention) = node.op else { continue }
            let types = AttentionOperands(attention, node.operands.map(graph.type(of:)))
            guard let tokens = types.q.shape[0].extent(symbols),
                let sequences = types.lengths.shape[0].extent(symbols)
            else { continue }
            return symbols.merging(["length": (tokens + sequences - 1) / max(1, sequences)]) { first, _ in
                first
            }
        }
        return symbols
    }

    // MARK: Graphs to measure

    /// A region by itself, as a kernel and as ops.
    private struct RegionKind {
        let name: String
        let operands: [TensorType]
        let result: TensorType
        var count: Int
        let fused: Graph
        let unfused: Graph
    }

    private func regionKinds(_ graph: Graph) throws -> [RegionKind] {
        var kinds: [RegionKind] = []
        for id in graph.nodeIDs {
            guard let name = graph[id].op.measuredName else { continue }
            let types = graph[id].operands.map(graph.type(of:))
            if let known = kinds.firstIndex(where: { $0.name == name && $0.operands == types }) {
                kinds[known].count += 1
                continue
            }
            let pair = try alone(id, of: graph)
            kinds.append(
                RegionKind(
                    name: name, operands: types, result: graph[id].types[0], count: 1, fused: pair.fused,
                    unfused: pair.unfused))
        }
        return kinds
    }

    /// A region's node as a graph of its own, and the ops that it stands for. Operands that are parameters stay that.
    private func alone(_ id: NodeID, of graph: Graph) throws -> (fused: Graph, unfused: Graph) {
        let node = graph[id]
        var ports: [Op] = []
        for (index, operand) in node.operands.enumerated() {
            let type = graph.type(of: operand)
            if case .source(.parameter(_, _, let role)) = graph[operand.node].op {
                ports.append(.parameter(name: Region.portName(index), type: type, role: role))
            } else {
                ports.append(.input(name: Region.portName(index), type: type))
            }
        }
        var fused = Graph(name: node.op.mnemonic)
        let operands = try ports.map { Value(try fused.append($0, [])) }
        let new = try fused.append(node.op, operands, label: node.label)
        for result in node.types.indices {
            fused.addOutput(Region.portName(result), Value(new, result: result))
        }
        if case .attention(let attention) = node.op { return (fused, try spelledOut(attention, node, ports)) }
        guard case .fusion(let region) = node.op else { return (fused, fused) }
        var unfused = Graph(name: region.name)
        for inner in region.body.nodes {
            if let name = inner.op.suppliedName, let index = Int(name) {
                try unfused.append(ports[index], [])
            } else {
                try unfused.append(inner.op, inner.operands, label: inner.label)
            }
        }
        for output in region.body.outputs { unfused.addOutput(output.name, output.value) }
        return (fused, unfused)
    }

    /// Attention as scores, softmax, dropout and context, without mask, positions and bias: in f32, as it runs op by op in every
    /// precision.
    private func spelledOut(_ attention: Op.Attention, _ node: Node, _ ports: [Op]) throws -> Graph {
        let attributes = attention.attributes
        return try GraphBuilder.build(node.op.mnemonic) { g in
            var x = AttentionOperands(attention, ports.map { g.apply($0, []) })
            (x.q, x.k, x.v) = (x.q.cast(.f32), x.k.cast(.f32), x.v.cast(.f32))
            let context = g.plainAttention(x, scale: attributes.scale) { weights in
                let dropout = Op.dropout(rate: attributes.rate, stream: attributes.stream)
                return x.rng.map { g.apply(dropout, [weights, $0]) } ?? weights
            }
            g.output("0", context.cast(node.types[0].element))
        }
    }

    // MARK: Time

    /// Median seconds of the kernels of two graphs that run in turn.
    private func interleaved(
        _ fused: Graph, _ unfused: Graph, _ symbols: [String: Int], _ rounds: Int, hasWeights: Bool
    ) throws -> (fused: Double, unfused: Double) {
        let first = try Measured(self, fused, symbols, keepsPanels: true, hasWeights: hasWeights)
        let second = try Measured(self, unfused, symbols, keepsPanels: false, hasWeights: hasWeights)
        var times: (fused: [Double], unfused: [Double]) = ([], [])
        for round in 0...rounds {
            let (a, b) = (try first.seconds(), try second.seconds())
            guard round > 0 else { continue }
            times.fused.append(a)
            times.unfused.append(b)
        }
        return (times.fused.sorted()[rounds / 2], times.unfused.sorted()[rounds / 2])
    }
}

/// An executor with inputs.
private struct Measured {
    private let executor: Executor
    private let inputs: [String: TensorData]
    private let symbols: [String: Int]

    init(
        _ compiler: Compiler, _ graph: Graph, _ symbols: [String: Int], keepsPanels: Bool, hasWeights: Bool
    ) throws {
        self.symbols = symbols
        let parameters = ParameterStore()
        executor = try compiler.executor(
            try compiler.lower(graph, keepsPanels: keepsPanels), parameters: parameters)
        executor.profiles = true
        var random = RandomInputs(graph, symbols: symbols)
        var inputs: [String: TensorData] = [:]
        for (name, tensor) in random.tensors(ofParameters: hasWeights) {
            let data = try TensorData(element: tensor.element, shape: tensor.shape, bytes: tensor.bytes)
            if parameters.contains(name) { try parameters.set(name, data) } else { inputs[name] = data }
        }
        self.inputs = inputs
    }

    /// What the kernels of one run take.
    func seconds() throws -> Double {
        func total() -> Double { executor.profile.values.reduce(0) { $0 + $1.seconds } }
        let before = total()
        _ = try executor.run(inputs, symbols: symbols)
        return total() - before
    }
}

extension Op {
    /// What a kind of region is called, and attention; other ops are the same fused and unfused.
    fileprivate var measuredName: String? {
        switch self {
        case .fusion(let region): return region.name
        case .attention(.forward(let attributes)): return mnemonic + (attributes.rate > 0 ? "+dropout" : "")
        case .attention(.gradient), .source, .elementwise, .dropout, .stochasticRound, .reduction, .shape,
            .contraction,
            .normalisation, .quantization, .loss, .indexing, .optimizer, .custom:
            return nil
        }
    }
}
