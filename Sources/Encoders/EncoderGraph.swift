import GraphIR

/// What stands on top of the encoder.
public enum EncoderHead: Hashable, Sendable {
    /// The encoder's hidden states and one vector per sequence.
    case encoder
    /// `labels` classes a sequence, from the pooler.
    case classification(labels: Int)
    /// One number a sequence, mean squared error.
    case regression
    /// `labels` classes a token, from its hidden state.
    case tokenClassification(labels: Int)
    /// The vocabulary at masked positions, decoder tied to the word embeddings.
    case maskedLM
    /// Masked LM, and whether the second text of a pair follows the first, from the pooler.
    case pretraining

    /// The outputs of the training graph that add up to the loss, each a mean over examples of its own.
    package var lossTerms: [String] {
        self == .pretraining ? ["masked_lm_loss", "next_sentence_loss"] : ["loss"]
    }
}

/// Writes BERT (Devlin et al., arXiv:1810.04805) as a graph over packed sequences, with HF Transformers' parameter
/// names. With `norm_position: pre` each block normalises its input and the encoder ends in one more LayerNorm
/// (Xiong et al., arXiv:2002.04745), named `encoder.LayerNorm`.
///
/// Inputs: `input_ids`, `token_type_ids`, `position_ids` i32[tokens]; `offsets` i32[sequences+1] and `lengths`
/// i32[sequences] (see `ragged_matmul`); symbol `length`, at least the longest sequence, unless the configuration has
/// an attention mask, with which attention is `flash_attention` from the start. For training also `rng`
/// i64[2] when a dropout rate is positive, and `labels`: i32[sequences] for classification, f32[sequences] for
/// regression, i32[labelled] with `labelled_positions` i32[labelled] for classification of tokens, i32[masked] with
/// `masked_positions` i32[masked] for masked LM; for pre-training also
/// `next_sentence_labels` i32[sequences], 0 for a text that follows and 1 for a random one.
///
/// With `gates` attention is `flash_attention` with a bias, training has an input of noise for each parameter of gates,
/// and the loss counts the open pairs (`AttentionGates`).
///
/// Outputs: `hidden` [tokens, hidden] and `pooled` [sequences, width], what `modules` make of it (encoder), or `logits` ([tokens, labels] for
/// classification of tokens; and `next_sentence_logits` [sequences, 2]), and with labels `loss` f32[], the mean over
/// sequences, or over labelled or masked positions; of pre-training the sum of both, which are `masked_lm_loss` and
/// `next_sentence_loss`.
public struct EncoderGraph {
    public let config: EncoderConfig
    public let head: EncoderHead
    /// With labels and dropout.
    public let isTraining: Bool
    /// Whether the graph computes the loss; training implies it.
    public let hasLabels: Bool
    /// The share of the loss that goes to all classes alike; see `Tensor.crossEntropy`.
    public let labelSmoothing: Double
    /// Parameters that get no gradient.
    public let isFrozen: @Sendable (String) -> Bool
    /// Learns the attention mask; the configuration then has none of its own. Gates are never frozen.
    public let gates: AttentionGates?
    /// What makes a plain encoder's token states one vector per sequence.
    public let modules: [SentenceModule]
    /// Tokens of a prompt before each text, for modules that leave them out.
    public let promptLength: Int

    /// - Parameter modules: the configuration's pooling when nil.
    public init(
        config: EncoderConfig, head: EncoderHead, isTraining: Bool, hasLabels: Bool? = nil,
        labelSmoothing: Double = 0, gates: AttentionGates? = nil, modules: [SentenceModule]? = nil,
        promptLength: Int = 0,
        isFrozen: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        self.config = config
        self.head = head
        self.isTraining = isTraining
        self.hasLabels = hasLabels ?? isTraining
        self.gates = gates
        self.modules = modules ?? [.pooling(config.pooling)]
        self.promptLength = promptLength
        self.labelSmoothing = labelSmoothing
        self.isFrozen = isFrozen
    }

    /// The graph, verified.
    public func build() throws -> Graph {
        try GraphBuilder.build("bert") { g in
            var writer = EncoderGraphWriter(model: self, g: g)
            writer.write()
        }
    }

    /// The parameters with their shapes, in the order of the graph.
    public func parameters() throws -> [ParameterSpec] {
        try build().nodes.compactMap { node in
            guard case .source(.parameter(let name, let type, _)) = node.op, let shape = type.extents([:])
            else {
                return nil
            }
            return ParameterSpec(name, shape)
        }
    }
}

private struct EncoderGraphWriter {
    let model: EncoderGraph
    let g: GraphBuilder
    let offsets: Tensor
    let lengths: Tensor
    /// Real keys of each token's sequence; 0 at padding.
    let keyCounts: Tensor
    let rng: Tensor?
    /// Of each token in its sequence.
    private lazy var positions = g.input("position_ids", .i32, ["tokens"])
    /// The states of the embeddings and of each layer.
    private var states: [Tensor] = []
    /// The learned bias of each layer's scores.
    private var biases: [Tensor] = []
    /// λ Σ M of all gates; in training only.
    private var maskLoss: Tensor?
    private var known: [String: Tensor] = [:]

    private var config: EncoderConfig { model.config }
    private var hidden: Dimension { .fixed(config.hiddenSize) }
    private var isPreNorm: Bool { config.normPosition == .pre }

    init(model: EncoderGraph, g: GraphBuilder) {
        self.model = model
        self.g = g
        offsets = g.input("offsets", .i32, [.symbol("sequences", offset: 1)])
        lengths = g.input("lengths", .i32, ["sequences"])
        keyCounts = lengths.segmentBroadcast(tokens: "tokens", offsets: offsets, lengths: lengths)
        let rates = [
            model.config.hiddenDropout, model.config.attentionDropout,
            model.config.effectiveClassifierDropout, model.config.stochasticDepth,
        ]
        rng = model.isTraining && rates.contains { $0 > 0 } ? g.input("rng", .i64, [2]) : nil
    }

    mutating func write() {
        let x = encoder()
        switch model.head {
        case .encoder:
            g.output("hidden", x)
            var writer = SentenceWriter(
                g, offsets: offsets, lengths: lengths, positions: positions, states: states,
                promptLength: model.promptLength)
            if let vectors = writer.vectors(of: model.modules) { g.output("pooled", vectors) }
        case .classification(let labels): classification(x, labels: labels)
        case .regression: classification(x, labels: 1)
        case .tokenClassification(let labels): tokenClassification(x, labels: labels)
        case .maskedLM: maskedLM(x)
        case .pretraining: pretraining(x)
        }
    }

    // MARK: Pieces

    private mutating func parameter(_ name: String, _ shape: [Dimension]) -> Tensor {
        if let tensor = known[name] { return tensor }
        let tensor = g.parameter(name, shape, role: model.isFrozen(name) ? .frozen : .trainable)
        known[name] = tensor
        return tensor
    }

    /// x Wᵀ + b, weights as `torch.nn.Linear` keeps them: [outputs, inputs].
    private mutating func linear(_ x: Tensor, _ name: String, _ inputs: Dimension, _ outputs: Dimension)
        -> Tensor
    {
        let weight = parameter("\(name).weight", [outputs, inputs])
        let bias = parameter("\(name).bias", [outputs])
        return x.matmul(weight, transposeRight: true) + bias
    }

    /// Over the last axis of `x`, whose extent is `width`, or the model's when `nil`.
    private mutating func layerNorm(_ x: Tensor, _ name: String, width: Dimension? = nil) -> Tensor {
        let gamma = parameter("\(name).weight", [width ?? hidden])
        let beta = parameter("\(name).bias", [width ?? hidden])
        return x.layerNorm(gamma: gamma, beta: beta, epsilon: config.layerNormEpsilon)
    }

    private func dropout(_ x: Tensor, _ rate: Double) -> Tensor {
        guard let rng else { return x }
        return g.dropout(x, rate: rate, rng: rng)
    }

    private func activation(_ x: Tensor) -> Tensor { config.activation(x) }

    // MARK: Encoder

    private mutating func encoder() -> Tensor {
        if let gates = model.gates { g.scope("attention_gates") { write(gates) } }
        var x = g.scope("embeddings") { embeddings() }
        states = [x]
        for layer in 0..<config.layers {
            x = g.scope("encoder.layer.\(layer)") { block(x, layer) }
            states.append(x)
        }
        guard isPreNorm else { return x }
        x = g.scope("encoder") { layerNorm(x, "encoder.LayerNorm") }
        states[config.layers] = x
        return x
    }

    private mutating func write(_ gates: AttentionGates) {
        let names = gates.names(layers: config.layers)
        let sets = names.map {
            AttentionGateWriter(gates, name: $0, heads: config.heads, in: g, isTraining: model.isTraining)
                .bias()
        }
        biases = (0..<config.layers).map { sets[sets.count == 1 ? 0 : $0].scores }
        let openPairs = sets.compactMap(\.openPairs)
        guard let first = openPairs.first else { return }
        maskLoss = openPairs.dropFirst().reduce(first, +) * gates.lambda
    }

    /// Of width `embeddingWidth` up to their dropout, then projected if the layers are of another (Lan et al.).
    private mutating func embeddings() -> Tensor {
        let width = Dimension.fixed(config.embeddingWidth)
        func ids(_ name: String) -> Tensor { g.input(name, .i32, ["tokens"]) }
        let words = parameter("embeddings.word_embeddings.weight", [.fixed(config.vocabularySize), width])
        let places = parameter(
            "embeddings.position_embeddings.weight", [.fixed(config.maxPositions), width])
        let types = parameter("embeddings.token_type_embeddings.weight", [.fixed(config.tokenTypes), width])
        let sum =
            words.gather(ids("input_ids")) + types.gather(ids("token_type_ids"))
            + places.gather(positions)
        let normal = dropout(layerNorm(sum, "embeddings.LayerNorm", width: width), config.hiddenDropout)
        return width == hidden
            ? normal : linear(normal, "encoder.embedding_hidden_mapping_in", width, hidden)
    }

    private mutating func block(_ x: Tensor, _ layer: Int) -> Tensor {
        func owner(_ part: LayerSharing.Part) -> String {
            "encoder.layer.\(config.shareLayers.owner(of: part, in: layer, of: config.layers))"
        }
        let attended = g.scope("attention") {
            let name = owner(.attention)
            let input = isPreNorm ? layerNorm(x, "\(name).attention.output.LayerNorm") : x
            let context = attention(input, layer, "\(name).attention.self")
            let output = linear(context, "\(name).attention.output.dense", hidden, hidden)
            let sum = x + stochasticDepth(dropout(output, config.hiddenDropout), layer)
            return isPreNorm ? sum : layerNorm(sum, "\(name).attention.output.LayerNorm")
        }
        return g.scope("ffn") {
            let name = owner(.feedForward)
            let input = isPreNorm ? layerNorm(attended, "\(name).output.LayerNorm") : attended
            let width = Dimension.fixed(config.feedForwardSize)
            let inner = activation(linear(input, "\(name).intermediate.dense", hidden, width))
            let output = linear(inner, "\(name).output.dense", width, hidden)
            let sum = attended + stochasticDepth(dropout(output, config.hiddenDropout), layer)
            return isPreNorm ? sum : layerNorm(sum, "\(name).output.LayerNorm")
        }
    }

    /// A residual branch that training leaves out in some sequences (Huang et al., arXiv:1603.09382): of L layers layer l,
    /// counted from 1, in the share r = rate · l / L of them; elsewhere it is multiplied by 1 / (1 - r), as torchvision's
    /// `stochastic_depth` does.
    private func stochasticDepth(_ branch: Tensor, _ layer: Int) -> Tensor {
        let rate = config.stochasticDepth * Double(layer + 1) / Double(config.layers)
        guard let rng, rate > 0 else { return branch }
        let ones = g.constant(1, TensorType(.f32, ["sequences"]))
        let kept = g.dropout(ones, rate: rate, rng: rng)
        let factors = kept.segmentBroadcast(tokens: "tokens", offsets: offsets, lengths: lengths)
        return branch * factors.reshaped(["tokens", 1])
    }

    /// Scaled dot-product attention within each sequence, all heads at once.
    private mutating func attention(_ x: Tensor, _ layer: Int, _ name: String) -> Tensor {
        let heads = config.heads
        let headSize = config.hiddenSize / heads
        let split: [Dimension] = ["tokens", .fixed(heads), .fixed(headSize)]
        let q = linear(x, "\(name).query", hidden, hidden).reshaped(split)
        let k = linear(x, "\(name).key", hidden, hidden).reshaped(split)
        let v = linear(x, "\(name).value", hidden, hidden).reshaped(split)
        let mask = config.attentionMask(layer: layer)
        if mask != nil || !biases.isEmpty {
            let context = g.attention(
                q, k, v, offsets: offsets, lengths: lengths, mask: mask,
                bias: biases.isEmpty ? nil : biases[layer], rate: config.attentionDropout, rng: rng)
            return context.reshaped(["tokens", hidden])
        }
        let context = g.plainAttention(
            AttentionOperands(q: q, k: k, v: v, offsets: offsets, lengths: lengths),
            scale: 1 / Double(headSize).squareRoot(), limits: keyCounts
        ) { dropout($0, config.attentionDropout) }
        return context.reshaped(["tokens", hidden])
    }

    // MARK: Heads

    /// The first token's row of each sequence.
    private func firstTokens(_ x: Tensor) -> Tensor {
        x.gather(offsets.slice(axis: 0, start: 0, size: "sequences"))
    }

    private mutating func pooler(_ x: Tensor) -> Tensor {
        g.scope("pooler") { linear(firstTokens(x), "pooler.dense", hidden, hidden).tanh() }
    }

    /// A term of the loss with what open gates add to it: of several micro-batches, whose terms are weighted, each counts
    /// its share of them.
    private func withMaskLoss(_ loss: Tensor) -> Tensor { maskLoss.map { loss + $0 } ?? loss }

    private mutating func classification(_ x: Tensor, labels: Int) {
        let pooled = pooler(x)
        let logits = g.scope("classifier") {
            linear(dropout(pooled, config.effectiveClassifierDropout), "classifier", hidden, .fixed(labels))
        }
        g.output("logits", logits)
        guard model.hasLabels else { return }
        g.scope("loss") {
            if model.head == .regression {
                let target = g.input("labels", .f32, ["sequences"])
                let error = logits.reshaped(["sequences"]) - target
                g.output("loss", withMaskLoss((error * error).mean()))
            } else {
                let target = g.input("labels", .i32, ["sequences"])
                let loss = logits.crossEntropy(labels: target, labelSmoothing: model.labelSmoothing)
                g.output("loss", withMaskLoss(loss.mean()))
            }
        }
    }

    private mutating func tokenClassification(_ x: Tensor, labels: Int) {
        let logits = g.scope("classifier") {
            linear(dropout(x, config.effectiveClassifierDropout), "classifier", hidden, .fixed(labels))
        }
        g.output("logits", logits)
        guard model.hasLabels else { return }
        g.scope("loss") {
            let rows = logits.gather(g.input("labelled_positions", .i32, ["labelled"]))
            let target = g.input("labels", .i32, ["labelled"])
            let loss = rows.crossEntropy(labels: target, labelSmoothing: model.labelSmoothing)
            g.output("loss", withMaskLoss(loss.mean()))
        }
    }

    /// Logits over the vocabulary at the masked positions, [masked, vocabulary].
    private mutating func maskedLogits(_ x: Tensor) -> Tensor {
        g.scope("cls") {
            let rows = x.gather(g.input("masked_positions", .i32, ["masked"]))
            let width = Dimension.fixed(config.embeddingWidth)
            let inner = activation(linear(rows, "cls.predictions.transform.dense", hidden, width))
            let normal = layerNorm(inner, "cls.predictions.transform.LayerNorm", width: width)
            let vocabulary = Dimension.fixed(config.vocabularySize)
            let decoder =
                config.tieWordEmbeddings
                ? parameter("embeddings.word_embeddings.weight", [vocabulary, width])
                : parameter("cls.predictions.decoder.weight", [vocabulary, width])
            return normal.matmul(decoder, transposeRight: true)
                + parameter("cls.predictions.bias", [vocabulary])
        }
    }

    private mutating func maskedLM(_ x: Tensor) {
        let logits = maskedLogits(x)
        g.output("logits", logits)
        guard model.hasLabels else { return }
        g.scope("loss") {
            let target = g.input("labels", .i32, ["masked"])
            let loss = logits.crossEntropy(labels: target, labelSmoothing: model.labelSmoothing)
            g.output("loss", withMaskLoss(loss.mean()))
        }
    }

    private mutating func pretraining(_ x: Tensor) {
        let logits = maskedLogits(x)
        let pooled = pooler(x)
        let nextSentence = g.scope("cls") { linear(pooled, "cls.seq_relationship", hidden, 2) }
        g.output("logits", logits)
        g.output("next_sentence_logits", nextSentence)
        guard model.hasLabels else { return }
        g.scope("loss") {
            let target = g.input("labels", .i32, ["masked"])
            let nextSentenceTarget = g.input("next_sentence_labels", .i32, ["sequences"])
            let losses = [
                withMaskLoss(
                    logits.crossEntropy(labels: target, labelSmoothing: model.labelSmoothing).mean()),
                nextSentence.crossEntropy(labels: nextSentenceTarget, labelSmoothing: model.labelSmoothing)
                    .mean(),
            ]
            for (name, loss) in zip(model.head.lossTerms, losses) { g.output(name, loss) }
            g.output("loss", losses[0] + losses[1])
        }
    }
}
