/// MPNet (Song et al., arXiv:2004.09297): RoBERTa's positions and heads without token types, and a learned number for each head
/// and bucket of distances in the scores of all layers.
package struct MPNet: EncoderFamily {
    package let modelType = "mpnet"

    package init() {}

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        config.vocabularySize = 30527
        config.paddingID = 1
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(
        ignored: [.tokenTypes, .classifierDropout], refused: ConfigKeys.ownShapes, own: [buckets])

    private static let buckets = FamilyKey.only(
        "relative_attention_num_buckets", .integer(32),
        "Transformers takes distances for 32 buckets whatever it says")
    /// The row of padding, behind which positions begin, whatever the file says.
    private static let padding = 1

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "MPNetModel", .sequenceClassification: "MPNetForSequenceClassification",
        .tokenClassification: "MPNetForTokenClassification", .maskedLanguageModel: "MPNetForMaskedLM",
        .questionAnswering: "MPNetForQuestionAnswering", .multipleChoice: "MPNetForMultipleChoice",
    ]

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.embeddings.tokenTypes = nil
        spec.embeddings.padding = Self.padding
        spec.embeddings.positions.offset = Self.padding + 1
        spec.relativePositions = EncoderSpec.RelativePositions(buckets: 32, maxDistance: 128)
        spec.heads.sequence.inputDropout = config.hiddenDropout
        spec.heads.sequence.transform.name = "classifier"
        spec.heads.sequence.dropout = config.hiddenDropout
        spec.heads.choice?.dropout = config.hiddenDropout
        spec.heads.token.dropout = config.hiddenDropout
        spec.heads.maskedLM?.transform?.activation = .gelu
        return spec
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "mpnet", encoder: ["embeddings", "encoder", "pooler"],
            rules: [
                .rename("encoder.layer.*.attention.self.query", "encoder.layer.*.attention.attn.q"),
                .rename("encoder.layer.*.attention.self.key", "encoder.layer.*.attention.attn.k"),
                .rename("encoder.layer.*.attention.self.value", "encoder.layer.*.attention.attn.v"),
                .rename("encoder.layer.*.attention.output.dense", "encoder.layer.*.attention.attn.o"),
                .rename("encoder.layer.*.attention.output.LayerNorm", "encoder.layer.*.attention.LayerNorm"),
            ] + Roberta.headRules)
    }
}
