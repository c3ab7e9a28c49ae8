/// ALBERT (Lan et al., arXiv:1909.11942): groups of layers that share their parameters, tables of their own width, and a head
/// that tells the order of two texts.
package struct Albert: EncoderFamily {
    package let modelType = "albert"

    package init() {}

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        config.vocabularySize = 30000
        (config.embeddingSize, config.hiddenSize, config.heads, config.feedForwardSize) = (
            128, 4096, 64, 16384
        )
        config.activation = .geluNew
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (0, 0, 0.1)
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(
        names: [.classifierDropout: "classifier_dropout_prob"],
        nullable: [.paddingID], refused: ConfigKeys.ownShapes.subtracting([.embeddingSize]),
        own: [groups, layersInGroup])

    private static let groups = FamilyKey.integer("num_hidden_groups", 1, in: 1...1000)
    /// The layers that a group runs one after another, each time that it runs.
    private static let layersInGroup = FamilyKey.integer("inner_group_num", 1, in: 1...1000)

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "AlbertModel", .sequenceClassification: "AlbertForSequenceClassification",
        .tokenClassification: "AlbertForTokenClassification", .maskedLanguageModel: "AlbertForMaskedLM",
        .pretraining: "AlbertForPreTraining", .questionAnswering: "AlbertForQuestionAnswering",
        .multipleChoice: "AlbertForMultipleChoice",
    ]

    package func problem(with config: EncoderConfig) -> FieldProblem? {
        let (groups, layers) = (config[Self.groups], config.layers)
        if groups > layers {
            return FieldProblem(Self.groups.name, "is \(groups), expected 1 to \(layers) (num_hidden_layers)")
        }
        let (inner, most) = (config[Self.layersInGroup], EncoderConfig.mostLayers / layers)
        return inner > most
            ? FieldProblem(
                Self.layersInGroup.name,
                "is \(inner), expected 1 to \(most) (\(EncoderConfig.mostLayers) layers in all)")
            : nil
    }

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.embeddings.isProjected = true
        spec.layers = spec.layers.enumerated().flatMap { index, layer in
            let group = index * config[Self.groups] / config.layers
            return (0..<config[Self.layersInGroup]).map { inner in
                var layer = layer
                layer.attention.owner = firstLayer(of: group, inner, config)
                layer.feedForward.owner = layer.attention.owner
                return layer
            }
        }
        spec.heads.pair = EncoderSpec.PairHead(
            dropout: config.effectiveClassifierDropout, learnsOrder: true)
        return spec
    }

    /// The first layer that a group's `inner`-th one is.
    private func firstLayer(of group: Int, _ inner: Int, _ config: EncoderConfig) -> Int {
        let groups = config[Self.groups]
        return (group * config.layers + groups - 1) / groups * config[Self.layersInGroup] + inner
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        let layers = (0..<config[Self.groups]).flatMap { group in
            (0..<config[Self.layersInGroup]).flatMap { inner in
                layerRules(
                    "encoder.layer.\(firstLayer(of: group, inner, config))",
                    "encoder.albert_layer_groups.\(group).albert_layers.\(inner)")
            }
        }
        return CheckpointMap(
            prefix: "albert", encoder: ["embeddings", "encoder", "pooler"],
            rules: layers + [
                .rename("pooler.dense", "pooler"),
                .rename("cls.predictions.transform.dense", "predictions.dense"),
                .rename("cls.predictions.transform.LayerNorm", "predictions.LayerNorm"),
                .rename("cls.predictions.decoder", "predictions.decoder"),
                .rename("cls.predictions.bias", "predictions.bias"),
                .rename("cls.seq_relationship", "sop_classifier.classifier"),
            ])
    }

    private func layerRules(_ canonical: String, _ stored: String) -> [CheckpointMap.Rule] {
        [
            ("attention.self.query", "attention.query"), ("attention.self.key", "attention.key"),
            ("attention.self.value", "attention.value"), ("attention.output.dense", "attention.dense"),
            ("attention.output.LayerNorm", "attention.LayerNorm"), ("intermediate.dense", "ffn"),
            ("output.dense", "ffn_output"), ("output.LayerNorm", "full_layer_layer_norm"),
        ].map { .rename("\(canonical).\($0)", "\(stored).\($1)") }
    }
}
