import Encoders

/// What the texts of an example are trained to be to one another.
public struct LossSettings: Sendable, Equatable {
    /// The loss; `nil` goes by the data: `CoSENTLoss` where pairs have numbers, else `MultipleNegativesRankingLoss`.
    public var name: LossName?
    /// What cosines are multiplied by.
    public var scale = 20.0
    /// Whether positives look for their anchors, too.
    public var isSymmetric = false
    /// The distance that is far enough; the loss's own when `nil`.
    public var margin: Double?
    /// How distances are measured; the loss's own when `nil`.
    public var distance: DistanceMetric?
    /// Widths of prefixes that are to be vectors by themselves.
    public var matryoshkaDims: [Int] = []
    /// What each of them counts; 1 when empty.
    public var matryoshkaWeights: [Double] = []
    /// How the token states of a plain encoder become a vector; the model's own way when `nil`.
    public var pooling: EncoderPooling?
    /// What is put before texts.
    public var prompts = ColumnPrompts.all("")
}

extension LossSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "loss", \.name,
                "`embedding`, `reranking`: the loss, by sentence-transformers' name ([embedding.md](embedding.md#losses), "
                    + "[reranking.md](reranking.md#losses)); null is \"CoSENTLoss\" where pairs have scores, else "
                    + "\"MultipleNegativesRankingLoss\"; of `reranking` \"BinaryCrossEntropyLoss\".",
                hint: LossName.hint),
            .init(
                "scale", \.scale,
                "`MultipleNegativesRankingLoss`, `CoSENTLoss`: what cosines are multiplied by, the inverse of a temperature.",
                expectation: ConfigFloat.positive
            ) { $0 != 0 && ConfigFloat.isLegal($0) },
            .init(
                "symmetric", \.isSymmetric,
                "`MultipleNegativesRankingLoss`: whether positives look for their anchors as well."),
            .init(
                "margin", \.margin,
                "`ContrastiveLoss`, `OnlineContrastiveLoss`, `TripletLoss`: the distance that is far enough; null is 0.5, "
                    + "of triplets 5.", expectation: "\(ConfigFloat.expectation), or null"
            ) { $0.map(ConfigFloat.isLegal) ?? true },
            .init(
                "distanceMetric", \.distance,
                "The same losses: how distances are measured; null is \"cosine\", of triplets \"euclidean\"."),
            .init(
                "matryoshkaDims", \.matryoshkaDims,
                "`embedding`: prefixes of the vectors that are to be good vectors by themselves, by their numbers of elements; "
                    + "the loss is the sum of theirs (`MatryoshkaLoss`). The full width is not implied.",
                expectation: "an array of different positive integers"
            ) { dims in dims.allSatisfy { $0 > 0 } && Set(dims).count == dims.count },
            .init(
                "matryoshkaWeights", \.matryoshkaWeights,
                "What the loss of each of `matryoshkaDims` counts; [] is 1 for all.",
                expectation: "an array of positive numbers"
            ) { $0.allSatisfy { $0 != 0 && ConfigFloat.isLegal($0) } },
            .init(
                "pooling", \.pooling,
                "`embedding`: how the token states of a model without modules.json become a vector; null is the model's "
                    + "own way, the mean unless its configuration says otherwise."
            ),
            .init(
                "prompts", \.prompts,
                "`embedding`: what is put before the texts: one text, or an object with one for each column by its name."
            ),
        ]
    }

    func check(in config: TrainingConfig) throws {
        guard config.task == .embedding || config.task == .reranking else {
            return try config.refuseUseless(
                Self.fields.map(\.name), "but only in \"embedding\" and \"reranking\"")
        }
        try config.refuseUseless(["labelSmoothing"], "which has no classes")
        if let name, !name.suits(config.task) {
            let legal = LossName.allCases.filter { $0.suits(config.task) }.map { "\"\($0.rawValue)\"" }
            throw config.error(
                "loss",
                "is \"\(name.rawValue)\", which the task \"\(config.task.rawValue)\" does not have; expected "
                    + legal.dropLast().joined(separator: ", ") + " or \(legal[legal.count - 1])")
        }
        if config.task == .reranking {
            return try config.refuseUseless(
                Self.fields.map(\.name).filter { $0 != "loss" }, "which has only 'loss' of them")
        }
        if !matryoshkaWeights.isEmpty, matryoshkaWeights.count != matryoshkaDims.count {
            throw config.error(
                "matryoshkaWeights",
                "has \(matryoshkaWeights.count) numbers, but 'matryoshkaDims' has \(matryoshkaDims.count); expected one each"
            )
        }
        guard let name else {
            if config.distillation.teacher != nil {
                throw config.error(
                    "teacher", "needs 'loss', which is \"MSELoss\" or \"MarginMSELoss\"; set that")
            }
            return
        }
        try check(name, in: config)
    }

    /// Refuses settings that the loss does not have, which may follow from the data.
    func check(_ name: LossName, in config: TrainingConfig) throws {
        try refuse(["teacher"], unless: name.takesTeacher, name, config)
        try refuse(["matryoshkaDims"], unless: name != .mse, name, config)
        try refuse(["symmetric"], unless: name == .multipleNegativesRanking, name, config)
        try refuse(
            ["scale"], unless: [.multipleNegativesRanking, .coSENT].contains(name), name, config)
        try refuse(
            ["margin", "distanceMetric"],
            unless: [.contrastive, .onlineContrastive, .triplet].contains(name), name, config)
    }

    private func refuse(
        _ fields: [String], unless isUsed: Bool, _ name: LossName, _ config: TrainingConfig
    ) throws {
        guard !isUsed else { return }
        try config.refuse(fields) {
            "has no effect with the loss \"\(name.rawValue)\"; remove it, or choose another 'loss'"
        }
    }
}
