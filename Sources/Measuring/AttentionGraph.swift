import GraphCompiler

extension AttentionWork {
    /// Inputs: `q`, `k`, `v` and for training `dout`, [tokens, heads, headSize]; `offsets`, `lengths`, with dropout
    /// `rng`. Outputs: one number per token and head of `out`, `dq`, `dk` and `dv`.
    func graph() throws -> Graph {
        var forward = Graph(name: "attention")
        var results: [(name: String, value: Value)] = []
        switch form {
        case .flash:
            forward = try GraphBuilder.build("attention") { g in results = flash(Operands(self, g)) }
        case .plain:
            var loss: Value?
            var wanted: [Value] = []
            forward = try GraphBuilder.build("attention") { g in
                let operands = Operands(self, g)
                let out = plain(operands)
                results = [("out", out.value)]
                wanted = operands.tensors.map(\.value)
                loss = operands.cotangent.map { (out * $0).sum().value }
            }
            if let loss {
                let gradients = try appendGradients(to: &forward, of: loss, withRespectTo: wanted)
                results += zip(["dq", "dk", "dv"], gradients).compactMap { name, value in
                    value.map { (name, $0) }
                }
            }
        }
        let builder = GraphBuilder(extending: forward)
        for (name, value) in results {
            builder.output(name, builder.tensor(value).slice(axis: 2, start: 0, size: 1))
        }
        return try builder.finish()
    }

    /// What attention reads.
    private struct Operands {
        let g: GraphBuilder
        let tensors: [Tensor]
        let cotangent: Tensor?
        let offsets: Tensor
        let lengths: Tensor
        let rng: Tensor?

        init(_ work: AttentionWork, _ g: GraphBuilder) {
            self.g = g
            let shape: [Dimension] = ["tokens", .fixed(work.heads), .fixed(work.headSize)]
            tensors = ["q", "k", "v"].map { g.input($0, work.precision.element, shape) }
            cotangent = work.isTraining ? g.input("dout", work.precision.element, shape) : nil
            offsets = g.input("offsets", .i32, [.symbol("sequences", offset: 1)])
            lengths = g.input("lengths", .i32, ["sequences"])
            rng = work.dropout > 0 ? g.input("rng", .i64, [2]) : nil
        }
    }

    private var scale: Double { 1 / Double(headSize).squareRoot() }

    private func flash(_ operands: Operands) -> [(name: String, value: Value)] {
        let attributes = AttentionAttributes(scale: scale, rate: dropout)
        let rest = [operands.offsets, operands.lengths] + [operands.rng].compactMap { $0 }
        let forward = operands.g.applyAll(.flashAttention(attributes), operands.tensors + rest)
        guard let cotangent = operands.cotangent else { return [("out", forward[0].value)] }
        let gradients = operands.g.applyAll(
            .flashAttentionGradient(attributes), [cotangent] + operands.tensors + forward + rest)
        return zip(["out", "dq", "dk", "dv"], [forward[0]] + gradients).map { ($0, $1.value) }
    }

    /// dropout(softmax(scale q kᵀ)) v, [tokens, heads, headSize].
    private func plain(_ operands: Operands) -> Tensor {
        let (g, tensors) = (operands.g, operands.tensors)
        let x = AttentionOperands(
            q: tensors[0], k: tensors[1], v: tensors[2], offsets: operands.offsets, lengths: operands.lengths)
        return g.plainAttention(x, scale: scale) { weights in
            operands.rng.map { g.dropout(weights, rate: dropout, rng: $0) } ?? weights
        }
    }
}
