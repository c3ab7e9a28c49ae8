// What families with the layers of Llama (Touvron et al., arXiv:2302.13971), or with its names of modules, have in common.

extension EncoderSpec {
    /// Makes the layers Llama's: rotary positions in the place of tables, gated feed-forward parts, and a norm before each part and
    /// behind the last, but none of the embeddings.
    mutating func useLlamaLayers(
        _ norm: Norm, _ rotary: Rotary, attentionBiases: Bool = false, feedForwardBiases: Bool = false
    ) {
        embeddings.tokenTypes = nil
        embeddings.positions.hasTable = false
        embeddings.norm = nil
        finalNorm = norm
        for index in layers.indices {
            layers[index].normPosition = .pre
            layers[index].norm = norm
            layers[index].attention.rotary = rotary
            layers[index].attention.hasBiases = attentionBiases
            layers[index].feedForward.isGated = true
            layers[index].feedForward.hasInnerBias = feedForwardBiases
            layers[index].feedForward.hasOutputBias = feedForwardBiases
        }
    }
}

extension [CheckpointMap.Rule] {
    /// The matrices of layers by the names of Llama's modules.
    static let llamaMatrices: [CheckpointMap.Rule] = [
        .rename("encoder.layer.*.attention.self.query", "layers.*.self_attn.q_proj"),
        .rename("encoder.layer.*.attention.self.key", "layers.*.self_attn.k_proj"),
        .rename("encoder.layer.*.attention.self.value", "layers.*.self_attn.v_proj"),
        .rename("encoder.layer.*.attention.output.dense", "layers.*.self_attn.o_proj"),
        .join(
            "encoder.layer.*.intermediate.dense", of: ["layers.*.mlp.gate_proj", "layers.*.mlp.up_proj"]),
        .rename("encoder.layer.*.output.dense", "layers.*.mlp.down_proj"),
    ]
    /// The same of layers with norms behind their parts.
    static let llamaMatricesAndNorms: [CheckpointMap.Rule] =
        llamaMatrices + [
            .rename("encoder.layer.*.attention.output.LayerNorm", "layers.*.post_attention_layernorm"),
            .rename("encoder.layer.*.output.LayerNorm", "layers.*.post_mlp_layernorm"),
        ]
}

extension FieldProblem {
    /// A key with the size of a head, 0 where a file does not say it, must say what the other sizes make of it.
    init?(headSize key: FamilyKey<Int>, of config: EncoderConfig) {
        let size = config[key]
        guard size != 0, size != config.headSize else { return nil }
        self.init(
            key.name,
            "is \(size), expected \(config.name(of: .hiddenSize)) / \(config.name(of: .heads)), \(config.headSize)"
        )
    }
}
