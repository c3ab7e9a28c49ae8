/// What the task `pretrain` reads and guesses.
public struct PretrainingSettings: Sendable, Equatable {
    /// Documents to pre-train on.
    public var textFiles: [String] = []
    /// Documents to evaluate on.
    public var heldOutFiles: [String] = []
    /// The share of the documents of `textFiles` that is held out when there are no `heldOutFiles`.
    public var heldOutShare = 0.02
    /// Where the tokenised text is kept; `tokens` in the output directory when `nil`.
    public var tokenDirectory: String?
    /// The share of tokens to guess.
    public var maskedShare = 0.15
    /// Guess all pieces of a word or none.
    public var wholeWordMasking = false
    /// Tokens to guess in a sequence at most; the share of `maxLength` when `nil`.
    public var maxPredictions: Int?
    /// The probability that a document is cut into shorter sequences.
    public var shortShare = 0.1
    /// What follows one another, each with its own length and steps; one phase of the other fields when empty.
    public var phases: [TrainingPhase] = []
}

extension PretrainingSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "textFiles", \.textFiles,
                "`pretrain`: text files, documents separated by blank lines; required.", isPath: true),
            .init("heldOutFiles", \.heldOutFiles, "`pretrain`: such files to evaluate on.", isPath: true),
            .init(
                share: "heldOutShare", \.heldOutShare,
                "`pretrain`: without `heldOutFiles`, the share of documents that is held out; 0 is none."),
            .init(
                "tokenDirectory", \.tokenDirectory,
                "`pretrain`: where the tokenised text is kept for the next run; null is `tokens` in `outputDirectory`.",
                effect: .none, isPath: true),
            .init(share: "maskedShare", \.maskedShare, "`pretrain`: the share of tokens to guess."),
            .init(
                "wholeWordMasking", \.wholeWordMasking, "`pretrain`: guess all pieces of a word or none."),
            .init(
                "maxPredictions", \.maxPredictions,
                "`pretrain`: tokens to guess in a sequence at most; null is `maskedShare` of the length.",
                atLeast: 1),
            .init(
                share: "shortShare", \.shortShare,
                "`pretrain`: the probability that a document is cut into shorter sequences.", included: true),
            .init(
                "phases", \.phases,
                "`pretrain`: phases that follow one another, replacing `epochs` and `maxSteps`: `steps` each, and "
                    + "`length`, `batchSize`, `learningRate`, `warmupRatio`, `warmupSteps` and "
                    + "`gradientAccumulation` where they differ."
            ),
        ]
    }

    /// Only pre-training has these, and it needs text.
    func check(in config: TrainingConfig) throws {
        guard config.task == .pretrain else {
            return try config.refuseUseless(Self.fields.map(\.name), "but only in \"pretrain\"")
        }
        guard !textFiles.isEmpty else {
            throw config.error("textFiles", "is missing; the task \"pretrain\" needs files with text")
        }
        if !phases.isEmpty, config.optimizer.maxSteps != nil {
            throw config.error(
                "maxSteps", "has no effect with 'phases', which have their own steps; remove it")
        }
    }
}
