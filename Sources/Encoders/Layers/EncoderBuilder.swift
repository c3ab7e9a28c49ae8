import GraphIR

/// An encoder's graph under construction: its inputs, the parameters made so far, and the pieces that all parts are made of.
final class EncoderBuilder {
    let g: GraphBuilder
    let spec: EncoderSpec
    let offsets: Tensor
    let lengths: Tensor
    /// How many real keys each token's sequence has; 0 at padding.
    let keyCounts: Tensor
    /// What dropout draws from; nil where nothing is dropped.
    let rng: Tensor?
    /// Adds to linear layers.
    let adapters: AdapterWriter?
    /// Adds to linear layers what the adapter of each sequence gives.
    private(set) var stack: AdapterStackWriter?
    /// Whether the rows of the loss have weights.
    var isWeighted = false
    private var weights: Tensor?
    /// What a teacher adds to the loss.
    var teacher: DistillationWriter?
    /// The place of each token in its sequence.
    private(set) lazy var positions = g.input("position_ids", .i32, ["tokens"])
    private(set) lazy var rotary = RotaryWriter(g, positions: positions)
    /// In the order in which they were made.
    private(set) var parameters: [ParameterSpec] = []
    private var tensors: [String: Tensor] = [:]

    /// - Parameter drops: whether something behind the encoder has dropout, too.
    init(
        _ g: GraphBuilder, _ spec: EncoderSpec, isTraining: Bool, drops: Bool = false,
        adapter: AdapterPlan? = nil, stack: AdapterStack? = nil
    ) {
        self.g = g
        self.spec = spec
        offsets = g.input("offsets", .i32, [.symbol("sequences", offset: 1)])
        lengths = g.input("lengths", .i32, ["sequences"])
        keyCounts = lengths.segmentBroadcast(tokens: "tokens", offsets: offsets, lengths: lengths)
        adapters = adapter.map { AdapterWriter($0, isTraining: isTraining) }
        let isRandom = isTraining && (spec.isRandom || drops) || adapters?.isRandom == true
        rng = isRandom ? g.input("rng", .i64, [2]) : nil
        self.stack = stack.map { AdapterStackWriter($0, g, offsets: offsets, lengths: lengths) }
    }

    /// The parameter of that name, made when it is first asked for.
    func parameter(_ parameter: ParameterSpec) -> Tensor {
        if let tensor = tensors[parameter.name] { return tensor }
        let tensor = g.parameter(parameter.name, parameter.shape.map(Dimension.fixed))
        tensors[parameter.name] = tensor
        parameters.append(parameter)
        return tensor
    }

    /// The weights of the loss's rows.
    func exampleWeights(_ shape: [Dimension]) -> Tensor {
        let tensor = weights ?? g.input("example_weights", .f32, shape)
        weights = tensor
        return tensor
    }

    /// The table of tokens.
    func wordEmbeddings() -> Tensor {
        let words = spec.embeddings
        return parameter(
            ParameterSpec(
                "embeddings.word_embeddings.weight", [words.vocabulary, words.width],
                role: .table(padding: words.padding), part: .embeddings))
    }

    /// x Wᵀ + b, weights as `torch.nn.Linear` keeps them: [outputs, inputs]; and what the layer's adapter adds.
    func linear(
        _ x: Tensor, _ name: String, _ sizes: (inputs: Int, outputs: Int), _ part: ParameterSpec.Part,
        hasBias: Bool = true
    ) -> Tensor {
        let weight = parameter(
            ParameterSpec("\(name).weight", [sizes.outputs, sizes.inputs], role: .matrix, part: part))
        let product = x.matmul(weight, transposeRight: true)
        let bias =
            hasBias ? parameter(ParameterSpec("\(name).bias", [sizes.outputs], role: .bias, part: part)) : nil
        let own = bias.map { product + $0 } ?? product
        let addend = adapters?.addend(x, name, sizes, part, self) ?? stack?.addend(x, name, sizes, part, self)
        return addend.map { own + $0 } ?? own
    }

    /// A norm over the last axis of `x`.
    func norm(
        _ x: Tensor, _ norm: EncoderSpec.Norm, _ name: String, width: Int, _ part: ParameterSpec.Part
    ) -> Tensor {
        let gamma = parameter(ParameterSpec("\(name).weight", [width], role: .normScale, part: part))
        switch norm.kind {
        case .rms: return x.rmsNorm(gamma: gamma, epsilon: norm.epsilon)
        case .layer:
            let beta =
                norm.hasBias
                ? parameter(ParameterSpec("\(name).bias", [width], role: .normBias, part: part))
                : g.constant(0, gamma.type)
            return x.layerNorm(gamma: gamma, beta: beta, epsilon: norm.epsilon)
        }
    }

    /// A head's layer before its classifier or decoder.
    func transform(_ x: Tensor, _ layer: EncoderSpec.Transform, _ sizes: (inputs: Int, outputs: Int))
        -> Tensor
    {
        let y = layer.activation(linear(x, "\(layer.name).dense", sizes, .head, hasBias: layer.hasBias))
        guard let norm = layer.norm else { return y }
        return self.norm(y, norm, "\(layer.name).LayerNorm", width: sizes.outputs, .head)
    }

    func dropout(_ x: Tensor, _ rate: Double) -> Tensor {
        guard let rng else { return x }
        return g.dropout(x, rate: rate, rng: rng)
    }
}
