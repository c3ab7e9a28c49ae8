import Foundation
import Text

/// The best answers that a model finds in one window of a context.
struct WindowAnswers {
    /// A start and an end.
    struct Candidate {
        /// The sum of both logits.
        let score: Double
        /// Bytes of the context; empty for none.
        let bytes: Range<Int>
    }

    /// The score of no answer.
    let nullScore: Double
    /// The best ones, in the order in which they were found: by the logits of starts, then of ends.
    let candidates: [Candidate]

    /// - Parameter logits: those of a start and an end for each token of the window.
    init(_ window: QuestionWindow, logits: ArraySlice<Float>, _ options: AnswerOptions) {
        let (starts, ends) = (Self.column(0, of: logits), Self.column(1, of: logits))
        nullScore = Double(starts[QuestionWindow.noAnswer]) + Double(ends[QuestionWindow.noAnswer])
        let bestEnds = Self.best(options.nBest, of: ends)
        var candidates: [Candidate] = []
        let context = window.contextStart..<(window.contextStart + window.spans.count)
        for start in Self.best(options.nBest, of: starts) where context.contains(start) {
            for end in bestEnds
            where context.contains(end) && end >= start && end - start < options.maxAnswerLength {
                let first = window.spans[start - context.lowerBound].lowerBound
                let last = window.spans[end - context.lowerBound].upperBound
                candidates.append(
                    Candidate(
                        score: Double(starts[start]) + Double(ends[end]), bytes: first..<max(first, last)))
            }
        }
        self.candidates = candidates.best(options.nBest).sorted().map { candidates[$0] }
    }

    /// The mean cross-entropy of the start and the end of an answer, in nats.
    static func loss(_ logits: ArraySlice<Float>, of tokens: (start: Int, end: Int)) -> Double {
        let losses = [tokens.start, tokens.end].enumerated().map { column, target in
            Guess(logits: Self.column(column, of: logits)[...], target: target).loss
        }
        return losses.reduce(0, +) / 2
    }

    private static func column(_ index: Int, of logits: ArraySlice<Float>) -> [Float] {
        stride(from: logits.startIndex + index, to: logits.endIndex, by: 2).map { logits[$0] }
    }

    /// The tokens with the greatest logits, the greatest first.
    private static func best(_ count: Int, of logits: [Float]) -> ArraySlice<Int> {
        logits.indices.sorted { (logits[$1], $0) < (logits[$0], $1) }.prefix(count)
    }
}

extension [WindowAnswers.Candidate] {
    /// The indices of the best ones, the best first; of equal ones the first.
    fileprivate func best(_ count: Int) -> ArraySlice<Int> {
        indices.sorted { (self[$1].score, $0) < (self[$0].score, $1) }.prefix(count)
    }
}

extension [WindowAnswers] {
    /// The answers to a question in the windows of its context: the one that is given, then the others from the best on, as
    /// Hugging Face's `postprocess_qa_predictions` has them.
    func answers(in context: String, _ options: AnswerOptions) -> [Answer] {
        let none = WindowAnswers.Candidate(score: map(\.nullScore).min() ?? 0, bytes: 0..<0)
        let all = flatMap(\.candidates) + (options.allowsNone ? [none] : [])
        var best = all.best(options.nBest).map { all[$0] }
        if options.allowsNone, best.allSatisfy({ !$0.bytes.isEmpty }) { best.append(none) }
        if best.isEmpty { best = [none] }
        let shares = softmax(best.map(\.score))
        var answers = zip(best, shares).map { Answer(in: context, $0.bytes, score: $1) }
        let chosen = best.firstIndex { !$0.bytes.isEmpty }
        let isNone =
            chosen.map { options.allowsNone && none.score - best[$0].score > options.nullScoreDiffThreshold }
            ?? true
        let first = isNone ? best.firstIndex { $0.bytes.isEmpty } : chosen
        if let first { answers.insert(answers.remove(at: first), at: 0) }
        return answers
    }
}

extension Answer {
    /// - Parameter bytes: of the context's UTF-8.
    fileprivate init(in context: String, _ bytes: Range<Int>, score: Double) {
        let utf8 = context.utf8
        let start = utf8.index(utf8.startIndex, offsetBy: bytes.lowerBound)
        let end = utf8.index(start, offsetBy: bytes.count)
        let scalars = context.unicodeScalars
        text = String(scalars[start..<end])
        let first = scalars.distance(from: scalars.startIndex, to: start)
        range = first..<(first + scalars.distance(from: start, to: end))
        self.score = score
    }
}
