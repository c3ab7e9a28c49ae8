/// Writes a graph as Swift expressions.
///
/// ```swift
/// let graph = try GraphBuilder.build("mlp") { g in
///     let x = g.input("x", .f32, ["tokens", 384])
///     let w = g.parameter("w", [384, 1536])
///     let b = g.parameter("b", [1536])
///     g.output("y", (x.matmul(w) + b).gelu())
/// }
/// ```
///
/// A mistake (shapes that do not fit) is kept and thrown by `build`; what follows it is ignored.
public final class GraphBuilder {
    package private(set) var graph: Graph
    private var scopes: [String] = []
    private var error: IRError?
    private var nextStream = 0

    /// Starts an empty graph; `finish` gives it.
    public init(_ name: String) { graph = Graph(name: name) }

    /// Continues an existing graph: nodes are added behind its own. `tensor` gives its values as tensors.
    public init(extending graph: Graph) {
        self.graph = graph
        for node in graph.nodes {
            if let stream = node.op.traits.dropoutStream { nextStream = max(nextStream, stream + 1) }
        }
    }

    /// Starts over with the name of `graph`, for a pass that writes its nodes again among others: new dropout
    /// streams differ from those of `graph`.
    package convenience init(rebuilding graph: Graph) {
        self.init(extending: graph)
        self.graph = Graph(name: graph.name)
    }

    /// The graph that `body` writes, verified.
    ///
    /// - Parameters:
    ///   - name: what the graph is called.
    ///   - body: declares inputs and parameters, combines tensors and names outputs.
    /// - Throws: the first mistake as an `IRError` with the node and its label, and what `body` throws.
    public static func build(_ name: String, _ body: (GraphBuilder) throws -> Void) throws -> Graph {
        let builder = GraphBuilder(name)
        try body(builder)
        return try builder.finish()
    }

    /// The graph, verified.
    /// - Throws: `IRError`, the first mistake made while building.
    public func finish() throws(IRError) -> Graph {
        if let error { throw error }
        try graph.verify()
        return graph
    }

    /// Labels of nodes made inside `body` start with `name`.
    public func scope<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        scopes.append(name)
        defer { scopes.removeLast() }
        return try body()
    }

    // MARK: Sources

    /// A tensor that the caller gives to each run by this name. Names of inputs and parameters are unique.
    public func input(_ name: String, _ element: ElementType, _ shape: [Dimension]) -> Tensor {
        apply(.input(name: name, type: TensorType(element, shape)), [])
    }

    /// A tensor that lives across runs in a `ParameterStore`, under this name. It is zero until it is set.
    ///
    /// - Parameters:
    ///   - name: unique among inputs and parameters.
    ///   - shape: extents, all of them fixed.
    ///   - role: what training does with it.
    ///   - element: the type of its elements.
    public func parameter(
        _ name: String, _ shape: [Dimension], role: ParameterRole = .trainable, element: ElementType = .f32
    ) -> Tensor {
        apply(.parameter(name: name, type: TensorType(element, shape), role: role), [])
    }

    /// A tensor of `type` with the same number everywhere.
    public func constant(_ value: Double, _ type: TensorType) -> Tensor {
        apply(.constant(.splat(value), type: type), [])
    }

    /// A tensor of `shape` with these elements, row-major.
    public func constant(_ values: [Double], _ element: ElementType, _ shape: [Int]) -> Tensor {
        apply(.constant(.dense(values), type: TensorType(element, shape.map(Dimension.fixed))), [])
    }

    /// A number as a tensor without axes.
    public func scalar(_ value: Double, _ element: ElementType = .f32) -> Tensor {
        constant(value, TensorType(element, []))
    }

    /// Zeros of the type of `tensor`.
    public func zeros(like tensor: Tensor) -> Tensor { constant(0, tensor.type) }

    /// The extent of `dimension` as a scalar of `element`.
    public func size(_ dimension: Dimension, _ element: ElementType = .f32) -> Tensor {
        if let extent = dimension.fixedExtent { return scalar(Double(extent), element) }
        return apply(.dimensionSize(dimension), []).cast(element)
    }

    /// Hands `tensor` to the caller of each run under `name`, which no other output has.
    public func output(_ name: String, _ tensor: Tensor) {
        if error == nil { graph.addOutput(name, tensor.value) }
    }

    /// Overwrites `parameter` with `tensor`, of its type, at the end of each run: how an optimiser of your own writes weights and
    /// states. Everything in the run reads the old value.
    public func update(_ parameter: Tensor, to tensor: Tensor) {
        if error == nil { graph.addUpdate(of: parameter.value, to: tensor.value) }
    }

    // MARK: Nodes

    /// Appends a node and returns its first result.
    public func apply(_ op: Op, _ operands: [Tensor]) -> Tensor { applyAll(op, operands)[0] }

    /// Appends a node and returns all its results.
    public func applyAll(_ op: Op, _ operands: [Tensor]) -> [Tensor] {
        guard error == nil else { return poison(op) }
        do throws(IRError) {
            let label = scopes.filter { !$0.isEmpty }.joined(separator: ".")
            let node = try graph.append(op, operands.map(\.value), label: label)
            return graph[node].types.indices.map { Tensor(builder: self, value: Value(node, result: $0)) }
        } catch {
            _ = fail(error)
            return poison(op)
        }
    }

    /// The first mistake made so far.
    package var failure: IRError? { error }

    /// Records a mistake; the returned tensor stands for the value that could not be built.
    package func fail(_ error: IRError) -> Tensor {
        if self.error == nil { self.error = error }
        return Tensor(builder: self, value: nil)
    }

    private func poison(_ op: Op) -> [Tensor] {
        Array(repeating: Tensor(builder: self, value: nil), count: op.traits.results)
    }

    /// A value that the graph has already, to go on from: `g.tensor(Value(node))`. One that it has not is a mistake, thrown by
    /// `finish`.
    public func tensor(_ value: Value) -> Tensor {
        graph.contains(value)
            ? Tensor(builder: self, value: value)
            : fail(IRError("V1", "the graph has no value \(value.result) of node \(value.node.index)"))
    }

    /// `function` of the elements of `a` and `b`, which have one element type; extents of 1 and missing leading axes repeat.
    public func binary(_ function: BinaryFunction, _ a: Tensor, _ b: Tensor) -> Tensor {
        apply(.binary(function), [a, b])
    }

    /// Where the comparison of `a` and `b` holds: `bool` of their common shape.
    public func compare(_ comparison: Comparison, _ a: Tensor, _ b: Tensor) -> Tensor {
        apply(.compare(comparison), [a, b])
    }

    /// `a` where `condition`, a `bool` tensor, is true, and `b` elsewhere, in their common shape.
    public func select(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
        apply(.select, [condition, a, b])
    }

    /// `parts` end to end along `axis`, whose extents are fixed; other extents and the element types are equal.
    public func concatenate(_ parts: [Tensor], axis: Int) -> Tensor { apply(.concatenate(axis: axis), parts) }

    /// Inverted dropout: elements are 0 with probability `rate`, in [0, 1), and divided by 1 - `rate` otherwise.
    ///
    /// What is dropped is a function of `rng` (i64[2]: seed, step), of this dropout's place in the graph, and of the element.
    public func dropout(_ x: Tensor, rate: Double, rng: Tensor) -> Tensor {
        if rate == 0 { return x }
        defer { nextStream += 1 }
        return apply(.dropout(rate: rate, stream: nextStream), [x, rng])
    }

    /// Attention within each packed sequence (`flash_attention`) of `q`, `k` and `v`, one float type [tokens, heads, headSize].
    ///
    /// - Parameters:
    ///   - q: queries.
    ///   - k: keys.
    ///   - v: values.
    ///   - offsets: i32[sequences + 1], where each sequence starts, and the end.
    ///   - lengths: i32[sequences], how much of each is real; the rest is padding, where the result is 0.
    ///   - scale: factor of the scores; 1/√headSize when `nil`, for which the head size must be fixed.
    ///   - mask: the keys that each query may attend to; all of its sequence when `nil`.
    ///   - bias: f32, added to the scaled scores: [heads, n, n] for pairs of positions or [heads, 2n - 1] for
    ///     distances (`AttentionBias`), with which no sequence may be longer than n.
    ///   - relativeKeys: of the type of `q`, [2n - 1, heads, headSize]: a key for each distance, from 1 - n to n - 1,
    ///     whose products with the queries are added to the scores (`RelativeTerms`).
    ///   - relativeQueries: the same the other way round, for products with the keys.
    ///   - rotary: f32[tokens, headSize], the cosines of the angles by which queries and keys are turned, and their sines
    ///     behind them, half a head of each: element i is turned together with element i + headSize / 2.
    ///   - rate: share of the probabilities that dropout takes out, keyed by `rng` as in `dropout`; none without `rng`.
    ///   - rng: i64[2], seed and step.
    public func attention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, offsets: Tensor, lengths: Tensor, scale: Double? = nil,
        mask: AttentionMask? = nil, bias: Tensor? = nil, relativeKeys: Tensor? = nil,
        relativeQueries: Tensor? = nil, rotary: Tensor? = nil, rate: Double = 0, rng: Tensor? = nil
    ) -> Tensor {
        let headSize = q.type.shape.last?.fixedExtent ?? 1
        var attributes = AttentionAttributes(scale: scale ?? 1 / Double(headSize).squareRoot(), mask: mask)
        attributes.bias = bias.map { $0.type.rank == 2 ? .distances : .pairs }
        attributes.relative = RelativeTerms(
            hasKeys: relativeKeys != nil, hasQueries: relativeQueries != nil)
        var operands = AttentionOperands(
            q: q, k: k, v: v, relativeKeys: relativeKeys, relativeQueries: relativeQueries, offsets: offsets,
            lengths: lengths, rotary: rotary, bias: bias)
        attributes.isRotary = rotary != nil
        if let rng, rate != 0 {
            (attributes.rate, attributes.stream) = (rate, nextStream)
            nextStream += 1
            operands.rng = rng
        }
        return applyAll(.flashAttention(attributes), operands.list)[0]
    }

    /// The same in its plain form, with an array of scores [tokens, heads, length]: what the pass `attention` finds and
    /// puts `flash_attention` in place of.
    ///
    /// - Parameters:
    ///   - x: what attention reads, without bias and rng.
    ///   - limits: the number of keys of each token, where it is there already.
    ///   - dropout: applied to the probabilities.
    package func plainAttention(
        _ x: AttentionOperands<Tensor>, scale: Double, limits: Tensor? = nil,
        dropout: (Tensor) -> Tensor = { $0 }
    ) -> Tensor {
        let segments = [x.offsets, x.lengths]
        let limits =
            limits
            ?? x.lengths.segmentBroadcast(tokens: x.q.shape[0], offsets: x.offsets, lengths: x.lengths)
        let scores = apply(.raggedMatmul(.scores, length: "length"), [x.q, x.k] + segments)
        let weights = dropout((scores * scale).softmax(limits: limits))
        return apply(.raggedMatmul(.context, length: "length"), [weights, x.v] + segments)
    }
}
