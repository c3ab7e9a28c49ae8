/// BERT (Devlin et al., arXiv:1810.04805), with what bertc adds to it: pre-norm layers, attention masks, shared layers.
package struct BERT: EncoderFamily {
    package let modelType = "bert"

    package init() {}

    package var defaults: EncoderConfig { EncoderConfig() }

    package let keys = ConfigKeys()

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "BertModel", .sequenceClassification: "BertForSequenceClassification",
        .tokenClassification: "BertForTokenClassification", .maskedLanguageModel: "BertForMaskedLM",
        .pretraining: "BertForPreTraining", .questionAnswering: "BertForQuestionAnswering",
        .multipleChoice: "BertForMultipleChoice", .nextSentencePrediction: "BertForNextSentencePrediction",
    ]

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.heads.pair = EncoderSpec.PairHead()
        return spec
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        CheckpointMap(
            prefix: "bert", encoder: ["embeddings", "encoder", "pooler"], rules: [])
    }
}
