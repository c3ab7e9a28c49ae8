import GraphIR

/// Writes one encoder layer into a graph.
struct LayerWriter {
    private let builder: EncoderBuilder
    private let layer: EncoderSpec.Layer
    /// The learned bias of the scores.
    private let bias: Tensor?
    /// What keys and queries of distances are made of.
    private let relative: DisentangledPositionWriter?

    init(
        _ builder: EncoderBuilder, _ layer: EncoderSpec.Layer, bias: Tensor?,
        relative: DisentangledPositionWriter?
    ) {
        self.builder = builder
        self.layer = layer
        self.bias = bias
        self.relative = relative
    }

    private var g: GraphBuilder { builder.g }
    private var width: Int { builder.spec.width }

    func write(_ x: Tensor) -> Tensor {
        let attended = g.scope("attention") {
            let name = layer.attention.hasNorm ? "attention.output.LayerNorm" : nil
            return residual(x, owner: layer.attention.owner, norm: name) {
                builder.dropout(attention($0), layer.attention.outputDropout)
            }
        }
        return g.scope("ffn") {
            residual(attended, owner: layer.feedForward.owner, norm: "output.LayerNorm") {
                builder.dropout(feedForward($0), layer.feedForward.outputDropout)
            }
        }
    }

    /// A branch with its residual connection, and the norm before or after both, if it has a name.
    private func residual(
        _ x: Tensor, owner: Int, norm name: String?, _ branch: (Tensor) -> Tensor
    ) -> Tensor {
        func norm(_ x: Tensor) -> Tensor {
            guard let name else { return x }
            return builder.norm(
                x, layer.norm, "encoder.layer.\(owner).\(name)", width: width, .layer(owner))
        }
        switch layer.normPosition {
        case .pre: return x + stochasticDepth(branch(norm(x)))
        case .post: return norm(x + stochasticDepth(branch(x)))
        }
    }

    private func feedForward(_ x: Tensor) -> Tensor {
        let part = layer.feedForward
        let name = "encoder.layer.\(part.owner)"
        let rows = part.isGated ? 2 * part.width : part.width
        let all = builder.linear(
            x, "\(name).intermediate.dense", (width, rows), .layer(part.owner), hasBias: part.hasInnerBias)
        func second(_ x: Tensor) -> Tensor {
            builder.linear(
                builder.dropout(x, part.innerDropout), "\(name).output.dense", (part.width, width),
                .layer(part.owner), hasBias: part.hasOutputBias)
        }
        guard part.isGated else { return second(part.activation(all)) }
        func half(_ index: Int) -> Tensor {
            all.slice(axis: 1, start: index * part.width, size: .fixed(part.width))
        }
        return second(part.activation(half(0)) * half(1))
    }

    /// A residual branch that training leaves out in some sequences (Huang et al., arXiv:1603.09382): with the rate r in the
    /// share r of them; elsewhere it is multiplied by 1 / (1 - r), as torchvision's `stochastic_depth` does.
    private func stochasticDepth(_ branch: Tensor) -> Tensor {
        guard let rng = builder.rng, layer.stochasticDepth > 0 else { return branch }
        let ones = g.constant(1, TensorType(.f32, ["sequences"]))
        let kept = g.dropout(ones, rate: layer.stochasticDepth, rng: rng)
        let factors = kept.segmentBroadcast(
            tokens: "tokens", offsets: builder.offsets, lengths: builder.lengths)
        return branch * factors.reshaped(["tokens", 1])
    }

    /// Scaled dot-product attention within each sequence, all heads at once, and its output matrix.
    private func attention(_ x: Tensor) -> Tensor {
        let part = layer.attention
        let name = "encoder.layer.\(part.owner).attention"
        let headSize = width / part.heads
        let groups = part.keyValueHeads ?? part.heads
        /// `x` as so many heads, [tokens, heads, head size].
        func heads(_ matrix: String, _ count: Int) -> Tensor {
            builder.linear(
                x, "\(name).self.\(matrix)", (width, count * headSize), .layer(part.owner),
                hasBias: part.hasBiases
            ).reshaped(["tokens", .fixed(count), .fixed(headSize)])
        }
        let q = heads("query", part.heads)
        let k = repeated(heads("key", groups))
        let v = repeated(heads("value", groups))
        let context = context(q, k, v, headSize: headSize).reshaped(["tokens", .fixed(width)])
        return builder.linear(
            context, "\(name).output.dense", (width, width), .layer(part.owner), hasBias: part.hasBiases)
    }

    /// Heads of keys or values, each as often as heads of queries share it.
    private func repeated(_ x: Tensor) -> Tensor {
        let heads = layer.attention.heads
        guard let groups = layer.attention.keyValueHeads, groups < heads else { return x }
        let (tokens, size) = (x.shape[0], x.shape[2])
        return x.reshaped([tokens, .fixed(groups), 1, size])
            .broadcast(to: [tokens, .fixed(groups), .fixed(heads / groups), size])
            .reshaped([tokens, .fixed(heads), size])
    }

    /// What tokens attend to, [tokens, heads, head size].
    private func context(_ q: Tensor, _ k: Tensor, _ v: Tensor, headSize: Int) -> Tensor {
        let (part, segments) = (layer.attention, [builder.offsets, builder.lengths])
        let scale = part.scale ?? 1 / Double(headSize).squareRoot()
        if part.mask != nil || part.rotary != nil || bias != nil || relative != nil {
            let tables = relative?.tables(part, headSize: headSize)
            let angles = part.rotary.map { builder.rotary.angles($0, size: headSize) }
            return g.attention(
                q, k, v, offsets: segments[0], lengths: segments[1], scale: scale, mask: part.mask,
                bias: bias, relativeKeys: tables?.keys, relativeQueries: tables?.queries, rotary: angles,
                rate: part.dropout, rng: builder.rng)
        }
        let scores = g.apply(.raggedMatmul(.scores, length: "length"), [q, k] + segments)
        let weights = (scores * scale).softmax(limits: builder.keyCounts)
        let dropped = builder.dropout(weights, part.dropout)
        return g.apply(.raggedMatmul(.context, length: "length"), [dropped, v] + segments)
    }
}
