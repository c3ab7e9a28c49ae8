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

    package let keys = ConfigKeys(
        refused: ConfigKeys.ownShapes.subtracting([.embeddingSize]), own: Summary.all)

    /// How a sequence becomes one vector for the logit of a choice; other heads do not ask.
    private enum Summary {
        static let kind = FamilyKey("summary_type", "first", "a text") { $0.string }
        static let isProjected = FamilyKey.flag("summary_use_proj", true)
        static let isAsWideAsLabels = FamilyKey.flag("summary_proj_to_labels", false)
        static let activation = FamilyKey.activation("summary_activation", .gelu).orNull
        static let inputDropout = FamilyKey.rate("summary_first_dropout", 0)
        static let dropout = FamilyKey.rate("summary_last_dropout", 0.1)

        static let all: [any FamilyKeyProtocol] = [
            kind, isProjected, isAsWideAsLabels, activation, inputDropout, dropout,
        ]

        /// A head that Transformers makes otherwise.
        static func problem(with config: EncoderConfig) -> FieldProblem? {
            if config[kind] != "first" {
                return FieldProblem(
                    kind.name, "is \"\(config[kind])\", expected \"first\": others are not supported")
            }
            if !config[isProjected] { return FieldProblem(isProjected.name, "is false, expected true") }
            // Transformers knows the key only where a file has it.
            if config[isAsWideAsLabels] {
                return FieldProblem(isAsWideAsLabels.name, "is true, expected false")
            }
            return config.unknownKeys[activation.name] == .null
                ? FieldProblem(activation.name, "is null, expected an activation") : nil
        }
    }

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "ElectraModel", .sequenceClassification: "ElectraForSequenceClassification",
        .tokenClassification: "ElectraForTokenClassification", .maskedLanguageModel: "ElectraForMaskedLM",
        .discriminator: "ElectraForPreTraining", .questionAnswering: "ElectraForQuestionAnswering",
        .multipleChoice: "ElectraForMultipleChoice",
    ]

    package func problem(with config: EncoderConfig) -> FieldProblem? {
        config.architecture == .multipleChoice ? Summary.problem(with: config) : nil
    }

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.heads.sequence.inputDropout = config.effectiveClassifierDropout
        spec.heads.sequence.transform.activation = .gelu
        spec.heads.choice = Summary.problem(with: config) == nil ? choice(config) : nil
        spec.heads.maskedLM?.transform?.activation = .gelu
        spec.heads.maskedLM?.bias = EncoderSpec.MaskedLM.sharedBias
        spec.heads.discriminator = config.activation
        return spec
    }

    private func choice(_ config: EncoderConfig) -> EncoderSpec.SequenceHead {
        EncoderSpec.SequenceHead(
            inputDropout: config[Summary.inputDropout],
            transform: EncoderSpec.Transform(
                name: "sequence_summary", activation: config[Summary.activation]),
            dropout: config[Summary.dropout])
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "electra", encoder: ["embeddings", "embeddings_project", "encoder"],
            rules: [
                .rename("encoder.embedding_hidden_mapping_in", "embeddings_project"),
                .rename("pooler.dense", "classifier.dense", in: .sequenceClassification),
                .rename("sequence_summary.dense", "sequence_summary.summary"),
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
