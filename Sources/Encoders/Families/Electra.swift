/// ELECTRA (Clark et al., arXiv:2003.10555): BERT with tables of their own width, trained to find replaced tokens. A
/// sequence's classifier has GELU in the place of a pooler's tanh, and dropout before as well.
package struct Electra: EncoderFamily {
    package let modelType = "electra"

    package init() {}

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        (config.embeddingSize, config.hiddenSize, config.heads, config.feedForwardSize) = (128, 256, 4, 1024)
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(refused: ConfigKeys.ownShapes.subtracting([.embeddingSize]))

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "ElectraModel", .sequenceClassification: "ElectraForSequenceClassification",
        .tokenClassification: "ElectraForTokenClassification", .maskedLanguageModel: "ElectraForMaskedLM",
        .discriminator: "ElectraForPreTraining",
    ]

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.heads.sequence.inputDropout = config.effectiveClassifierDropout
        spec.heads.sequence.transform.activation = .gelu
        spec.heads.maskedLM?.transform?.activation = .gelu
        spec.heads.maskedLM?.bias = EncoderSpec.MaskedLM.sharedBias
        spec.heads.discriminator = config.activation
        return spec
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "electra", encoder: ["embeddings", "embeddings_project", "encoder"],
            rules: [
                .rename("encoder.embedding_hidden_mapping_in", "embeddings_project"),
                .rename("pooler.dense", "classifier.dense", in: .sequenceClassification),
                .rename("classifier", "classifier.out_proj", in: .sequenceClassification),
                .rename("cls.predictions.transform.dense", "generator_predictions.dense"),
                .rename("cls.predictions.transform.LayerNorm", "generator_predictions.LayerNorm"),
                .rename("cls.predictions.decoder.weight", "generator_lm_head.weight"),
                .rename("cls.predictions.bias", "generator_lm_head.bias"),
                .rename("discriminator.dense", "discriminator_predictions.dense"),
                .rename("discriminator.prediction", "discriminator_predictions.dense_prediction"),
            ])
    }
}
