import GraphIR

/// Writes sentence-transformers' modules into the encoder's graph, so that they are compiled with it.
struct SentenceWriter {
    private let builder: EncoderBuilder
    /// The states of the embeddings and of each layer, [tokens, hidden].
    let states: [Tensor]
    /// Tokens of a prompt before the text, `[CLS]` among them.
    let promptLength: Int
    private var features: [SentenceModule.Feature: Tensor] = [:]

    init(_ builder: EncoderBuilder, states: [Tensor], promptLength: Int = 0) {
        (self.builder, self.states, self.promptLength) = (builder, states, promptLength)
        features[.tokens] = states.last
    }

    fileprivate var g: GraphBuilder { builder.g }
    fileprivate var offsets: Tensor { builder.offsets }
    fileprivate var lengths: Tensor { builder.lengths }
    fileprivate var positions: Tensor { builder.positions }

    /// The vectors that the modules end in, [sequences, width]; nil when they never pool.
    mutating func vectors(of modules: [SentenceModule]) -> Tensor? {
        for module in modules { write(module) }
        return features[.sentence]
    }

    /// The last states as one vector per sequence.
    func pooled(_ mode: EncoderPooling) -> Tensor {
        PoolingWriter(self, states[states.count - 1], skipped: promptLength).pooled(mode)
    }

    private mutating func write(_ module: SentenceModule) {
        switch module.kind {
        case .weightedLayers(let start, _): features[.tokens] = weightedLayers(module, start: start)
        case .pooling(let modes, let includesPrompt):
            guard let tokens = features[.tokens] else { return }
            let vectors = g.scope("pooling") {
                let pooling = PoolingWriter(self, tokens, skipped: includesPrompt ? 0 : promptLength)
                return modes.map { pooling.pooled($0) }
            }
            features[.sentence] = vectors.count == 1 ? vectors[0] : g.concatenate(vectors, axis: 1)
        case .dense(_, _, let hasBias, let activation, let hasResidual):
            guard let x = features[module.input] else { return }
            features[module.output] = g.scope("dense") {
                var y = x.matmul(parameter("linear.weight", of: module), transposeRight: true)
                if hasBias { y = y + parameter("linear.bias", of: module) }
                y = activation(y)
                guard hasResidual else { return y }
                return y
                    + (x.shape == y.shape
                        ? x : x.matmul(parameter("residual.weight", of: module), transposeRight: true))
            }
        case .layerNorm:
            features[module.output] = features[module.input]?.layerNorm(
                gamma: parameter("norm.weight", of: module), beta: parameter("norm.bias", of: module),
                epsilon: 1e-5)
        case .dropout(let rate):
            features[module.output] = features[module.input].map { builder.dropout($0, rate) }
        case .normalize:
            features[module.output] = features[module.input].map { x in
                let norm = (x * x).sum(axes: [1], keepDimensions: true).sqrt()
                return x / norm.clamped(1e-12, nil)
            }
        }
    }

    private func parameter(_ name: String, of module: SentenceModule) -> Tensor {
        let own = module.parameters.first { $0.name == name } ?? ParameterSpec(name, [])
        return builder.parameter(ParameterSpec("\(module.name).\(name)", own.shape, role: own.role))
    }

    /// Σ wₗ xₗ / Σ wₗ.
    private func weightedLayers(_ module: SentenceModule, start: Int) -> Tensor? {
        g.scope("layers") {
            let weights = parameter("layer_weights", of: module)
            let terms = states.dropFirst(start).enumerated().map { index, state in
                state * weights.slice(axis: 0, start: index, size: 1)
            }
            guard let first = terms.first else { return nil }
            return terms.dropFirst().reduce(first, +) / weights.sum()
        }
    }
}

/// Pools token states after the first tokens of each sequence.
private struct PoolingWriter {
    private let writer: SentenceWriter
    private let x: Tensor
    /// Tokens of each sequence that are left out.
    private let skipped: Int
    /// Whether a token counts, [tokens, 1]; nil when all do.
    private let counts: Tensor?

    init(_ writer: SentenceWriter, _ x: Tensor, skipped: Int) {
        (self.writer, self.x, self.skipped) = (writer, x, skipped)
        let first = writer.g.scalar(Double(skipped), .i32)
        counts = skipped > 0 ? writer.g.compare(.ge, column(writer.positions), first) : nil
        func column(_ x: Tensor) -> Tensor { x.reshaped(["tokens", 1]) }
    }

    private var g: GraphBuilder { writer.g }

    func pooled(_ mode: EncoderPooling) -> Tensor {
        switch mode {
        case .cls: firstTokens
        case .lastToken: lastTokens
        case .max: maxima
        case .mean: sum(masked(x)) / number
        case .meanSqrtLength: sum(masked(x)) / number.sqrt()
        case .weightedMean: weightedMean
        }
    }

    private func sum(_ x: Tensor) -> Tensor { x.segmentSum(offsets: writer.offsets, lengths: writer.lengths) }

    /// `x` where a token counts, else `other`.
    private func masked(_ x: Tensor, _ other: Double = 0) -> Tensor {
        counts.map { g.select($0, x, g.scalar(other)) } ?? x
    }

    /// Tokens that count, [sequences, 1].
    private var number: Tensor {
        let number = writer.lengths.cast(.f32).reshaped(["sequences", 1])
        return skipped > 0 ? (number - Double(skipped)).clamped(1e-9, nil) : number
    }

    private var weightedMean: Tensor {
        let weights = masked(writer.positions.cast(.f32).reshaped(["tokens", 1]) + 1)
        return sum(x * weights) / sum(weights).clamped(1e-9, nil)
    }

    private var starts: Tensor { writer.offsets.slice(axis: 0, start: 0, size: "sequences") }

    /// The first token that counts; the first of all where none does.
    private var firstTokens: Tensor {
        guard skipped > 0 else { return x.gather(starts) }
        let count = g.scalar(Double(skipped), .i32)
        let shift = g.select(g.compare(.gt, writer.lengths, count), count, g.scalar(0, .i32))
        return x.gather(starts + shift)
    }

    private var lastTokens: Tensor { masked(x).gather(starts + (writer.lengths - 1)) }

    /// The rows of a sequence side by side, its last one repeated up to the longest sequence's length.
    private var maxima: Tensor {
        let places = g.apply(.iota(type: TensorType(.i32, [1, "length"]), axis: 1), [])
        func column(_ x: Tensor) -> Tensor { x.reshaped(["sequences", 1]) }
        let rows = column(starts) + g.binary(.min, places, column(writer.lengths - 1))
        return masked(x, -.infinity).gather(rows).max(axes: [1])
    }
}
