/// DistilBERT (Sanh et al., arXiv:1910.01108): BERT without token types and without a pooler. A sequence's classifier stands
/// on a layer with ReLU, and attention's output has no dropout.
package struct DistilBERT: EncoderFamily {
    package let modelType = "distilbert"

    package init() {}

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        config.layers = 6
        config.classifierDropout = 0.2
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(
        names: [
            .hiddenSize: "dim", .layers: "n_layers", .heads: "n_heads", .feedForwardSize: "hidden_dim",
            .activation: "activation", .hiddenDropout: "dropout", .attentionDropout: "attention_dropout",
            .classifierDropout: "seq_classif_dropout",
        ], aliases: [.hiddenSize, .layers, .heads], ignored: [.tokenTypes, .layerNormEpsilon],
        nullable: [.paddingID], refused: ConfigKeys.ownShapes, own: [sinusoids, questionDropout])

    private static let sinusoids = FamilyKey.flag("sinusoidal_pos_embds", false)
    private static let questionDropout = FamilyKey.rate("qa_dropout", 0.1)

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "DistilBertModel", .sequenceClassification: "DistilBertForSequenceClassification",
        .tokenClassification: "DistilBertForTokenClassification",
        .maskedLanguageModel: "DistilBertForMaskedLM",
        .questionAnswering: "DistilBertForQuestionAnswering",
        .multipleChoice: "DistilBertForMultipleChoice",
    ]

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.embeddings.tokenTypes = nil
        spec.embeddings.positions.areSinusoids = config[Self.sinusoids]
        for index in spec.layers.indices { spec.layers[index].attention.outputDropout = 0 }
        spec.heads.sequence.transform.activation = .relu
        spec.heads.choice = spec.heads.sequence
        spec.heads.token.dropout = config.hiddenDropout
        spec.heads.question.dropout = config[Self.questionDropout]
        spec.heads.maskedLM?.bias = EncoderSpec.MaskedLM.sharedBias
        return spec
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "distilbert", encoder: ["embeddings", "transformer"],
            rules: [
                .rename("encoder.layer.*.attention.self.query", "transformer.layer.*.attention.q_lin"),
                .rename("encoder.layer.*.attention.self.key", "transformer.layer.*.attention.k_lin"),
                .rename("encoder.layer.*.attention.self.value", "transformer.layer.*.attention.v_lin"),
                .rename("encoder.layer.*.attention.output.dense", "transformer.layer.*.attention.out_lin"),
                .rename("encoder.layer.*.attention.output.LayerNorm", "transformer.layer.*.sa_layer_norm"),
                .rename("encoder.layer.*.intermediate.dense", "transformer.layer.*.ffn.lin1"),
                .rename("encoder.layer.*.output.dense", "transformer.layer.*.ffn.lin2"),
                .rename("encoder.layer.*.output.LayerNorm", "transformer.layer.*.output_layer_norm"),
                .rename("pooler.dense", "pre_classifier"),
                .rename("cls.predictions.transform.dense", "vocab_transform"),
                .rename("cls.predictions.transform.LayerNorm", "vocab_layer_norm"),
                .rename("cls.predictions.decoder.weight", "vocab_projector.weight"),
                .rename("cls.predictions.bias", "vocab_projector.bias"),
            ])
    }
}
