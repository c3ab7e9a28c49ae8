import Encoders
import Pipelines

/// How question answering cuts contexts and chooses answers.
public struct QuestionSettings: Sendable, Equatable {
    /// Tokens that consecutive windows of a context have in common; 128, or a third of `maxLength`, when `nil`.
    public var stride: Int?
    /// Starts and ends that are tried in each window.
    public var nBest = 20
    /// Tokens of an answer at most.
    public var maxAnswerLength = 30
    /// No answer is given where its score is better than the best answer's by more than this.
    public var nullScoreDiffThreshold = 0.0
}

extension QuestionSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "docStride", \.stride,
                "`question_answering`: tokens of a long context that consecutive windows have in common; null is 128, or a third of "
                    + "`maxLength` where that is less.", atLeast: 0),
            .init(
                "nBestSize", \.nBest,
                "`question_answering`: starts and ends that an evaluation tries in each window.", atLeast: 1,
                effect: .selection),
            .init(
                "maxAnswerLength", \.maxAnswerLength,
                "`question_answering`: tokens of an answer at most, in evaluations.", atLeast: 1,
                effect: .selection),
            .init(
                "nullScoreDiffThreshold", \.nullScoreDiffThreshold,
                "`question_answering`: of data with questions that have no answer, none is given where its score is better than the "
                    + "best answer's by more than this.", expectation: "a number", effect: .selection),
        ]
    }

    func check(in config: TrainingConfig) throws {
        guard config.task != .questionAnswering else { return }
        try config.refuseUseless(Self.fields.map(\.name), "but only in \"question_answering\"")
    }

    /// Refuses a model that pairs of texts or the task's settings are not for.
    func check(against source: ModelSource, _ training: TrainingConfig) throws {
        guard source.config.acceptedTokenTypes >= source.tokenizer.tokenTypes(isPair: true) else {
            throw ModelError(
                .invalidModel, "has only one token type, but questions and contexts are pairs of texts",
                at: source.path)
        }
        let rate = source.config.family.spec(of: source.config).heads.question.dropout
        if let asked = training.model.classifierDropout, asked != rate {
            throw training.error(
                "classifierDropout",
                "has no effect: the head for question answering of the family '\(source.config.family.modelType)' does not have it; remove it"
            )
        }
    }
}
