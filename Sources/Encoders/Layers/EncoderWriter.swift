import GraphIR

/// Writes embeddings and layers into a graph.
struct EncoderWriter {
    private let builder: EncoderBuilder
    private let gates: AttentionGates?
    private let isTraining: Bool
    /// The states of the embeddings and of each layer.
    private(set) var states: [Tensor] = []
    /// λ Σ M of all gates; in training only.
    private(set) var maskLoss: Tensor?
    /// What is added to each layer's scores.
    private var biases: [Tensor] = []
    /// What layers make keys and queries of distances of.
    private var relative: DisentangledPositionWriter?

    init(_ builder: EncoderBuilder, gates: AttentionGates?, isTraining: Bool) {
        self.builder = builder
        self.gates = gates
        self.isTraining = isTraining
    }

    private var g: GraphBuilder { builder.g }
    private var spec: EncoderSpec { builder.spec }

    /// The states of the last layer, [tokens, width].
    mutating func write() -> Tensor {
        if let gates { g.scope("attention_gates") { write(gates) } }
        if let part = spec.relativePositions { g.scope("relative_positions") { write(part) } }
        if let part = spec.disentangledPositions {
            relative = g.scope("relative_positions") { DisentangledPositionWriter(builder, part) }
        }
        var x = g.scope("embeddings") { embeddings() }
        states = [x]
        for (index, layer) in spec.layers.enumerated() {
            x = g.scope("encoder.layer.\(index)") {
                LayerWriter(
                    builder, layer, bias: biases.isEmpty ? nil : biases[index], relative: relative
                ).write(x)
            }
            states.append(x)
        }
        guard let norm = spec.finalNorm else { return x }
        x = g.scope("encoder") { builder.norm(x, norm, "encoder.LayerNorm", width: spec.width, .encoder) }
        states[spec.layers.count] = x
        return x
    }

    /// The same for all layers.
    private mutating func write(_ part: EncoderSpec.RelativePositions) {
        guard let heads = spec.layers.first?.attention.heads else { return }
        let writer = RelativePositionWriter(
            builder: builder, part: part, length: spec.embeddings.positions.count)
        biases = Array(repeating: writer.bias(heads: heads), count: spec.layers.count)
    }

    private mutating func write(_ gates: AttentionGates) {
        let heads = spec.layers.first?.attention.heads ?? 0
        let names = gates.names(layers: spec.layers.count)
        let sets = names.map { name in
            let logits = builder.parameter(
                ParameterSpec(name, [heads, gates.count, 2], role: .gate, part: .gates))
            return AttentionGateWriter(gates, logits: logits, name: name, isTraining: isTraining).bias()
        }
        biases = spec.layers.indices.map { sets[sets.count == 1 ? 0 : $0].scores }
        let openPairs = sets.compactMap(\.openPairs)
        guard let first = openPairs.first else { return }
        maskLoss = openPairs.dropFirst().reduce(first, +) * gates.lambda
    }

    /// The sum of the tables' rows, normalised, with dropout; projected if the layers have another width (Lan et al.).
    private func embeddings() -> Tensor {
        let tables = spec.embeddings
        func table(_ name: String, rows: Int, _ role: ParameterSpec.Role = .table(padding: nil)) -> Tensor {
            builder.parameter(
                ParameterSpec(
                    "embeddings.\(name).weight", [rows, tables.width], role: role, part: .embeddings))
        }
        func ids(_ name: String) -> Tensor { g.input(name, .i32, ["tokens"]) }
        let words = builder.wordEmbeddings()
        let places =
            tables.positions.hasTable
            ? table(
                "position_embeddings", rows: tables.positions.rows,
                tables.positions.areSinusoids ? .sinusoids : .table(padding: nil)) : nil
        let types = tables.tokenTypes.map { table("token_type_embeddings", rows: $0) }
        var sum = words.gather(ids("input_ids"))
        if let types { sum = sum + types.gather(ids("token_type_ids")) }
        if let places {
            let offset = tables.positions.offset
            let rows = offset == 0 ? builder.positions : builder.positions + g.scalar(Double(offset), .i32)
            sum = sum + places.gather(rows)
        }
        let normal =
            tables.norm.map {
                builder.norm(sum, $0, "embeddings.LayerNorm", width: tables.width, .embeddings)
            } ?? sum
        let dropped = builder.dropout(normal, tables.dropout)
        guard tables.isProjected else { return dropped }
        return builder.linear(
            dropped, "encoder.embedding_hidden_mapping_in", (tables.width, spec.width), .encoder)
    }
}
