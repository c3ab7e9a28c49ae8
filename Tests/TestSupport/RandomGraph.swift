import GraphIR
import Interpreter
import Support

/// Makes well-formed graphs with inputs for them: the material of interpreter-against-compiler tests and of
/// gradient tests. The same seed gives the same graphs.
///
/// The graphs are of packed sequences: symbols `tokens`, `sequences` and `length` (the extent of attention's key
/// axis), sequences with padding and empty ones. Every value stays of order one, and nothing jumps where a sum may
/// cancel to zero, so that results can be compared with a tolerance. Outputs are all values that nothing reads
/// (`y0`, `y1`, …) and `loss`, the sum of their mean squares; an `adamw` update changes `bias`.
package struct RandomGraphGenerator {
    /// Leaves out what has kinks or jumps (`relu`, `max`, `select`, …) and what has no gradient rule, so that central
    /// differences of `loss` agree with its gradient.
    package let smooth: Bool
    var random: SplitMix64

    package init(seed: UInt64, smooth: Bool = false) {
        self.smooth = smooth
        random = SplitMix64(seed: seed)
    }

    /// A graph of about `nodes` nodes, beyond sources and loss, and a tensor for each input and parameter.
    package mutating func graph(nodes: Int) throws -> (graph: Graph, inputs: [String: HostTensor]) {
        var draft = RandomGraphDraft(smooth: smooth, random: random)
        draft.addSources()
        let sources = draft.builder.graph.nodes.count
        while draft.builder.graph.nodes.count < sources + nodes { draft.addStep() }
        draft.addOutputs()
        random = draft.random
        return (try draft.builder.finish(), draft.inputs)
    }
}

/// A random graph while it grows.
struct RandomGraphDraft {
    let builder = GraphBuilder("random")
    let smooth: Bool
    var random: SplitMix64
    var inputs: [String: HostTensor] = [:]
    /// Float values that the next step may read.
    var pool: [Tensor] = []

    /// Extents that all graphs of a draft share.
    let heads = 2
    let depth: Int
    var width: Int { heads * depth }
    let vocabulary = 7
    private let extents: [String: Int]
    private let segmentStarts: [Int]
    private let segmentLengths: [Int]

    init(smooth: Bool, random: SplitMix64) {
        var random = random
        depth = Int.random(in: 2...4, using: &random)
        let sequences = Int.random(in: 1...3, using: &random)
        segmentLengths = (0..<sequences).map { _ in Int.random(in: 0...4, using: &random) }
        // Each sequence is followed by some rows of padding.
        segmentStarts = segmentLengths.reduce(into: [0]) {
            $0.append($0[$0.count - 1] + $1 + Int.random(in: 0...1, using: &random))
        }
        extents = [
            "sequences": sequences,
            "tokens": segmentStarts[sequences] + Int.random(in: 1...2, using: &random),
            "length": (segmentLengths.max() ?? 0) + Int.random(in: 1...2, using: &random),
        ]
        self.smooth = smooth
        self.random = random
    }

    // MARK: Sources

    mutating func addSources() {
        let width = Dimension.fixed(width)
        pool = [
            input("x", .f32, ["tokens", width]) { Double.random(in: -1...1, using: &$0) },
            input("y", .f32, ["tokens", width]) { Double.random(in: -1...1, using: &$0) },
            input("summary", .f32, ["sequences", width]) { Double.random(in: -1...1, using: &$0) },
            input("keys", .f32, ["length"]) { Double.random(in: -1...1, using: &$0) },
            parameter("weight", [width, width]), parameter("bias", [width]),
            parameter("table", [.fixed(vocabulary), width]),
        ]
        let classes = self.width
        _ = input("ids", .i32, ["tokens"]) { [vocabulary] in
            Double(Int.random(in: 0..<vocabulary, using: &$0))
        }
        _ = input("labels", .i32, ["tokens"]) {
            let label = Int.random(in: -1..<classes, using: &$0)
            return Double(label < 0 ? -100 : label)
        }
        _ = input("offsets", .i32, [.symbol("sequences", offset: 1)]) { _ in 0 }
        _ = input("lengths", .i32, ["sequences"]) { _ in 0 }
        _ = input("rng", .i64, [2]) { Double(Int.random(in: 0..<1 << 40, using: &$0)) }
        inputs["offsets"]?.values = segmentStarts.map(Double.init)
        inputs["lengths"]?.values = segmentLengths.map(Double.init)
        for name in ["gamma", "beta"] { _ = parameter(name, [width]) }
    }

    /// The first result of the source of this name.
    func source(_ name: String) -> Tensor {
        guard let index = builder.graph.nodes.firstIndex(where: { $0.op.suppliedName == name }) else {
            preconditionFailure("a draft has no source '\(name)'")
        }
        return builder.tensor(Value(NodeID(index)))
    }

    private mutating func input(
        _ name: String, _ element: ElementType, _ shape: [Dimension], _ value: (inout SplitMix64) -> Double
    ) -> Tensor {
        fill(name, TensorType(element, shape), value)
        return builder.input(name, element, shape)
    }

    private mutating func parameter(
        _ name: String, _ shape: [Dimension], role: ParameterRole = .trainable,
        in range: ClosedRange<Double> = -1...1
    ) -> Tensor {
        fill(name, TensorType(.f32, shape)) { Double.random(in: range, using: &$0) }
        return builder.parameter(name, shape, role: role)
    }

    private mutating func fill(_ name: String, _ type: TensorType, _ value: (inout SplitMix64) -> Double) {
        let shape = type.extents(extents) ?? []
        let values = (0..<shape.reduce(1, *)).map { _ in value(&random) }
        inputs[name] = HostTensor(element: type.element, shape: shape, values: values).rounded
    }

    // MARK: Outputs

    mutating func addOutputs() {
        let used = builder.graph.useCounts()
        var loss = builder.scalar(0)
        for (index, leaf) in pool.filter({ used[$0.value] == nil }).enumerated() {
            builder.output("y\(index)", leaf)
            loss = loss + (leaf * leaf).mean()
        }
        builder.output("loss", loss)

        let bias = source("bias")
        let moments = ["m", "v"].map { parameter("bias.\($0)", bias.shape, role: .state, in: 0...0.1) }
        let scalars = [1e-2, 0.1, 0.001, 0.5].map { builder.scalar($0) }
        let gradient = (source("x") * source("y")).sum(axes: [0])
        let updated = builder.applyAll(.adamW(AdamWAttributes()), [bias, gradient] + moments + scalars)
        for (target, value) in zip([bias] + moments, updated) { builder.update(target, to: value) }
    }
}
