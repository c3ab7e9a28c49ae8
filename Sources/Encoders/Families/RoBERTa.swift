/// RoBERTa (Liu et al., arXiv:1907.11692) and the models that share its code, XLM-RoBERTa and CamemBERT: BERT with positions
/// that begin behind the padding token's row. A sequence's classifier has a dense layer of its own; the pooler is for choices.
package struct Roberta: EncoderFamily {
    package let modelType: String
    package let classes: [EncoderArchitecture: String]
    private let vocabulary: Int

    package static let roberta = Roberta("roberta", "Roberta", vocabulary: 50265)
    package static let xlm = Roberta("xlm-roberta", "XLMRoberta", vocabulary: 30522)
    package static let camembert = Roberta("camembert", "Camembert", vocabulary: 30522)

    private init(_ modelType: String, _ name: String, vocabulary: Int) {
        self.modelType = modelType
        self.vocabulary = vocabulary
        classes = [
            .encoder: "\(name)Model", .sequenceClassification: "\(name)ForSequenceClassification",
            .tokenClassification: "\(name)ForTokenClassification", .maskedLanguageModel: "\(name)ForMaskedLM",
            .questionAnswering: "\(name)ForQuestionAnswering", .multipleChoice: "\(name)ForMultipleChoice",
        ]
    }

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        config.vocabularySize = vocabulary
        config.paddingID = 1
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(refused: ConfigKeys.ownShapes)

    package func problem(with config: EncoderConfig) -> FieldProblem? {
        config.paddingID == nil
            ? FieldProblem(
                config.name(of: .paddingID), "is null, but positions begin behind it; expected a token's id")
            : nil
    }

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.embeddings.positions.offset = (config.paddingID ?? 0) + 1
        spec.heads.sequence.inputDropout = config.effectiveClassifierDropout
        spec.heads.sequence.transform.name = "classifier"
        spec.heads.choice?.dropout = config.hiddenDropout
        spec.heads.maskedLM?.transform?.activation = .gelu
        return spec
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(prefix: "roberta", encoder: ["embeddings", "encoder", "pooler"], rules: Self.headRules)
    }

    /// The heads' names, which other families have too.
    static let headRules: [CheckpointMap.Rule] = [
        .rename("classifier.dense", "classifier.dense"),
        .rename("classifier", "classifier.out_proj", in: .sequenceClassification),
        .rename("cls.predictions.transform.dense", "lm_head.dense"),
        .rename("cls.predictions.transform.LayerNorm", "lm_head.layer_norm"),
        .rename("cls.predictions.decoder", "lm_head.decoder"),
        .rename("cls.predictions.bias", "lm_head.bias"),
    ]
}
