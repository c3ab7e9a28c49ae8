import GraphIR
import Support

/// DeBERTa v2 and v3 (He et al., arXiv:2006.03654, arXiv:2111.09543): keys and queries of distances in the scores of all layers, in
/// the place of a table of positions or beside it.
package struct DeBERTa: EncoderFamily {
    package let modelType = "deberta-v2"

    package init() {}

    package var defaults: EncoderConfig {
        var config = EncoderConfig()
        (config.vocabularySize, config.hiddenSize, config.feedForwardSize) = (128_100, 1536, 6144)
        (config.layers, config.heads, config.tokenTypes, config.layerNormEpsilon) = (24, 24, 0, 1e-7)
        config.normPosition = .post
        return config
    }

    package let keys = ConfigKeys(
        names: [.classifierDropout: "cls_dropout"], optional: [.tokenTypes],
        refused: [.normPosition, .shareLayers, .attentionMask], own: Own.all)

    /// The keys that BERT does not have.
    private enum Own {
        static let isRelative = FamilyKey.flag("relative_attention", false)
        static let terms = FamilyKey(
            "pos_att_type", Set<Term>(), "a list of 'c2p' and 'p2c', or both with '|' between them", Term.all
        ).orNull
        static let buckets = FamilyKey.integer("position_buckets", -1, in: -1...Int(Int32.max))
        static let maxDistance = FamilyKey.integer("max_relative_positions", -1, in: -1...Int(Int32.max))
        static let sharesProjections = FamilyKey.flag("share_att_key", false).orNull
        static let norm = FamilyKey(
            "norm_rel_ebd", false, "'none' or 'layer_norm'"
        ) { value in
            switch value.string {
            case "none": false
            case "layer_norm": true
            default: nil
            }
        }
        static let hasPositionTable = FamilyKey.flag("position_biased_input", true)
        static let poolerDropout = FamilyKey.rate("pooler_dropout", 0)
        static let poolerActivation = FamilyKey.activation("pooler_hidden_act", .gelu)
        static let poolerSize = FamilyKey.integer("pooler_hidden_size", 0, in: 1...Int(Int32.max))
        static let headSize = FamilyKey.integer("attention_head_size", 0, in: 1...Int(Int32.max))
        static let isLegacy = FamilyKey.flag("legacy", true)
        static let convolution = FamilyKey.only(
            "conv_kernel_size", .integer(0), "the convolution behind the first layer is not supported")

        static let all: [any FamilyKeyProtocol] = [
            isRelative, terms, buckets, maxDistance, sharesProjections, norm, hasPositionTable, poolerDropout,
            poolerActivation, poolerSize, headSize, isLegacy, convolution,
        ]
    }

    /// What contents meet positions in.
    private enum Term: String {
        case contentToPosition = "c2p"
        case positionToContent = "p2c"

        @Sendable static func all(_ value: JSONValue) -> Set<Term>? {
            let names =
                value.array.map { $0.map(\.string) }
                ?? value.string?.lowercased().split(separator: "|").map { $0.filter { $0 != " " } }
            guard let terms = names?.map({ $0.flatMap(Term.init) }), !terms.contains(nil) else { return nil }
            return Set(terms.compactMap(\.self))
        }
    }

    package let classes: [EncoderArchitecture: String] = [
        .encoder: "DebertaV2Model", .sequenceClassification: "DebertaV2ForSequenceClassification",
        .tokenClassification: "DebertaV2ForTokenClassification",
        .maskedLanguageModel: "DebertaV2ForMaskedLM",
        .questionAnswering: "DebertaV2ForQuestionAnswering", .multipleChoice: "DebertaV2ForMultipleChoice",
    ]

    package func problem(with config: EncoderConfig) -> FieldProblem? {
        let equal = [
            (config.name(of: .embeddingSize), config.embeddingWidth),
            (Own.poolerSize.name, config[Own.poolerSize]),
        ]
        for (key, size) in equal where size != 0 && size != config.hiddenSize {
            return FieldProblem(
                key, "is \(size), expected \(config.hiddenSize) (hidden_size): other widths are not supported"
            )
        }
        if let found = FieldProblem(headSize: Own.headSize, of: config) { return found }
        guard config[Own.isRelative] else { return nil }
        guard config.maxPositions <= Self.mostPositions else {
            return FieldProblem(
                config.name(of: .maxPositions),
                "is \(config.maxPositions), expected at most \(Self.mostPositions): distances have keys and queries of their own"
            )
        }
        let count = config[Own.buckets]
        guard count != 1 else {
            return FieldProblem(Own.buckets.name, "is 1, expected at least 2, or -1 for no buckets")
        }
        guard count > 1, distance(config) - 1 <= count / 2 else { return nil }
        return FieldProblem(
            Own.maxDistance.name,
            "makes buckets end at the distance \(distance(config)), expected at least \(count / 2 + 2) for position_buckets \(count)"
        )
    }

    /// More would take gigabytes of memory for each layer.
    private static let mostPositions = 65536

    /// The distance at which buckets end, or that is the farthest with a vector of its own.
    private func distance(_ config: EncoderConfig) -> Int {
        config[Own.maxDistance] < 1 ? config.maxPositions : config[Own.maxDistance]
    }

    package func spec(of config: EncoderConfig) -> EncoderSpec {
        var spec = EncoderSpec(config, name: modelType)
        spec.embeddings.positions.hasTable = config[Own.hasPositionTable]
        let terms = config[Own.terms]
        for index in spec.layers.indices {
            spec.layers[index].attention.scale =
                1 / Double(config.headSize * (1 + terms.count)).squareRoot()
        }
        if config[Own.isRelative] { spec.disentangledPositions = positions(config, terms) }
        spec.heads.sequence.inputDropout = config[Own.poolerDropout]
        spec.heads.sequence.transform.activation = config[Own.poolerActivation]
        spec.heads.choice = spec.heads.sequence
        spec.heads.token.dropout = config.hiddenDropout
        if !config[Own.isLegacy] {
            spec.heads.maskedLM?.isTied = true
            spec.heads.maskedLM?.bias = EncoderSpec.MaskedLM.sharedBias
        }
        return spec
    }

    private func positions(
        _ config: EncoderConfig, _ terms: Set<Term>
    ) -> EncoderSpec.DisentangledPositions? {
        let relative: RelativeTerms
        switch (terms.contains(.contentToPosition), terms.contains(.positionToContent)) {
        case (true, true): relative = .both
        case (true, false): relative = .contentToPosition
        case (false, true): relative = .positionToContent
        case (false, false): return nil
        }
        let (distance, count) = (distance(config), config[Own.buckets])
        return EncoderSpec.DisentangledPositions(
            terms: relative, span: count > 0 ? count : distance,
            buckets: count > 0 ? .init(count: count, maxDistance: distance) : nil,
            norm: config[Own.norm] ? EncoderSpec.Norm(epsilon: config.layerNormEpsilon) : nil,
            sharesProjections: config[Own.sharesProjections], dropout: config.hiddenDropout)
    }

    package func checkpoint(of config: EncoderConfig) -> CheckpointMap {
        let head: [CheckpointMap.Rule] = [
            .rename("cls.predictions.transform.dense", "lm_predictions.lm_head.dense"),
            .rename("cls.predictions.transform.LayerNorm", "lm_predictions.lm_head.LayerNorm"),
            .rename("cls.predictions.bias", "lm_predictions.lm_head.bias"),
        ]
        let projections = ["query", "key", "value", "pos_key", "pos_query"].map { name in
            CheckpointMap.Rule.rename(
                "encoder.layer.*.attention.self.\(name)", "encoder.layer.*.attention.self.\(name)_proj")
        }
        return CheckpointMap(
            prefix: "deberta", encoder: ["embeddings", "encoder"],
            rules: [
                .rename("encoder.relative_embeddings.LayerNorm", "encoder.LayerNorm"),
                .rename("encoder.relative_embeddings", "encoder.rel_embeddings"),
            ] + projections + (config[Own.isLegacy] ? [] : head))
    }
}
