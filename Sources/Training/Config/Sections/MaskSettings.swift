import Encoders

/// The attention mask that is learned with the model, if one is.
public struct MaskSettings: Sendable, Equatable {
    /// What shares a gate of the mask; `nil` learns none.
    public var form: AttentionGates.Form?
    /// The longest sequence that the mask is for; `maxLength` when `nil`.
    public var length: Int?
    /// What the loss takes for each pair of positions that the mask keeps.
    public var lambda = 5e-5
    /// The gates' peak learning rate; that of the parameters when `nil`.
    public var learningRate: Double?
    /// Whether each layer learns a mask of its own.
    public var isPerLayer = false
}

extension MaskSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "dam", \.form,
                "BERT: learns an attention mask with the model ([attention.md](attention.md#learned-masks)): `structured` has a "
                    + "gate for each head and distance, `unstructured` for each head and pair of positions.",
                expectation: "\"structured\", \"unstructured\" or null"),
            .init(
                "damLength", \.length,
                "Tokens of the longest sequence that the mask is for; null is `maxLength`.", atLeast: 1),
            .init(
                "damLambda", \.lambda,
                "What the loss takes for each of the heads · n · n pairs that the mask keeps.",
                expectation: ConfigFloat.expectation
            ) { ConfigFloat.isLegal($0) },
            .init(
                "damLearningRate", \.learningRate,
                "The gates' learning rate at the end of the warm-up; null is `learningRate`.",
                expectation: "\(ConfigFloat.expectation), or null"
            ) { $0.map(ConfigFloat.isLegal) ?? true },
            .init("damPerLayer", \.isPerLayer, "Each layer learns a mask of its own."),
        ]
    }

    /// The other fields need a mask; its learning rate is a multiple of the parameters'.
    func check(in config: TrainingConfig) throws {
        if form == nil {
            try config.refuse(Self.fields.dropFirst().map(\.name)) {
                "has no effect without 'dam'; set that to \"structured\", or remove this"
            }
        }
        if let learningRate, learningRate > 0, config.firstLearningRate == 0 {
            throw config.error("damLearningRate", "needs a learningRate above 0, whose schedule it follows")
        }
    }
}
