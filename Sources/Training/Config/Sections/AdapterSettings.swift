import Encoders

/// The low-rank adapter (LoRA) that is trained in the place of the model's weights, if one is.
public struct AdapterSettings: Sendable, Equatable {
    /// The directory of an adapter to train further; a new one when `nil`.
    public var path: String?
    /// Rank of a new adapter's matrices; `nil` trains none.
    public var rank: Int?
    /// What a new adapter's scale is made of: alpha / rank.
    public var alpha = 8.0
    /// Dropout on what a new adapter reads, in [0, 1).
    public var dropout = 0.0
    /// The layers that get an adapter; see `LoRAConfig.targetModules`.
    public var targetModules: [String] = []
    /// What is trained and saved beside the adapter; the classifier when `nil`, and what the model's weights lack.
    public var modulesToSave: [String]?
    /// Whether the scale is alpha / √rank.
    public var isRankStabilized = false

    /// How matrices and tables that are not trained are kept in memory.
    public var frozenWeights = FrozenWeights.f32

    /// Whether an adapter is made or trained further.
    var isOn: Bool { path != nil || rank != nil }

    /// What a new adapter is like.
    var lora: LoRAConfig? {
        guard let rank else { return nil }
        var lora = LoRAConfig()
        (lora.rank, lora.alpha, lora.dropout) = (rank, alpha, dropout)
        (lora.targetModules, lora.modulesToSave) = (targetModules, modulesToSave)
        lora.isRankStabilized = isRankStabilized
        return lora
    }
}

extension AdapterSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "loraRank", \.rank,
                "Trains a low-rank adapter of this rank (PEFT's `r`) beside linear layers, whose own weights stay as they are "
                    + "([lora.md](lora.md)); null trains the weights.",
                expectation: "an integer from 1 to 65536, or null"
            ) { $0.map { (1...65_536).contains($0) } ?? true },
            .init(
                "loraAlpha", \.alpha, "What the adapter adds is multiplied by `loraAlpha` / `loraRank`.",
                expectation: ConfigFloat.positive
            ) { Float($0).isNormal && $0 > 0 },
            .init(
                share: "loraDropout", \.dropout, "Dropout on what the adapter reads."),
            .init(
                "targetModules", \.targetModules,
                "The linear layers that get an adapter, by PEFT's names: modules of Hugging Face's model or the ends of their names "
                    + "(`query`), globs on whole names, or `all-linear`; [] is those that make queries and values."
            ),
            .init(
                "modulesToSave", \.modulesToSave,
                "What is trained itself and saved with the adapter, by the ends of modules' names, beside the classifier; "
                    + "null is also what the model's weights lack."),
            .init(
                "useRslora", \.isRankStabilized,
                "Multiplies by `loraAlpha` / √`loraRank` instead (arXiv:2312.03732)."),
            .init(
                "frozenWeights", \.frozenWeights,
                "How the model's own matrices and tables, which are not trained, are kept in memory: \"bf16\" takes half of it, for weights that "
                    + "are rounded ([lora.md](lora.md#frozen-weights-in-bf16))."),
            .init(
                "adapter", \.path,
                "The directory of an adapter to train further, as PEFT or bertc saved it; it says what the other fields would.",
                isPath: true),
        ]
    }

    func check(in config: TrainingConfig) throws {
        let others = Self.fields.map(\.name).filter {
            !["adapter", "loraRank", "frozenWeights"].contains($0)
        }
        if path != nil {
            try config.refuse(others + ["loraRank"]) {
                "has no effect with 'adapter', whose adapter_config.json says it; remove one of them"
            }
        } else if rank == nil {
            try config.refuse(others) { "has no effect without 'loraRank'; set that, or remove this" }
        }
        guard isOn else {
            return try config.refuse(["frozenWeights"]) {
                "is for the weights beside an adapter; set 'loraRank' or 'adapter', or remove this"
            }
        }
        try config.refuse(["dam", "shareLayers", "embeddingSize"]) {
            "changes the model's own weights, which an adapter leaves as they are; remove it, or loraRank and adapter"
        }
        guard config.resolve(config.output.directory) != config.resolve(config.model.path) else {
            throw config.error(
                "outputDirectory", "is the model's directory, whose weights the adapter needs; choose another"
            )
        }
    }
}

/// How weights that are not trained are kept.
public enum FrozenWeights: String, Sendable, CaseIterable {
    /// As they are.
    case f32
    /// Rounded to the nearest bf16, in half the memory.
    case bf16
}

extension FrozenWeights: ConfigChoice {}
