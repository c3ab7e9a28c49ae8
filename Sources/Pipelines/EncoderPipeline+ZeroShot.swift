import Encoders
import Text

/// Labels that a model for entailment has not seen: each is put into a sentence, and a text has the label as far as it
/// entails the sentence (Yin et al., arXiv:1909.00161).
public struct CandidateLabels: Hashable, Sendable {
    /// The labels.
    public var labels: [String]
    /// The sentence, with `{}` in the place of the label.
    public var template: String
    /// Whether several labels may be right, each by itself.
    public var allowsSeveral: Bool

    /// What stands for the label in a template.
    public static let place = "{}"

    /// Labels with Hugging Face's sentence.
    public init(_ labels: [String], template: String = "This example is {}.", allowsSeveral: Bool = false) {
        self.labels = labels
        self.template = template
        self.allowsSeveral = allowsSeveral
    }

    /// Whether the template has one place for the label.
    package var hasPlace: Bool {
        template.split(separator: Self.place, omittingEmptySubsequences: false).count == 2
    }

    fileprivate var hypotheses: [String] {
        labels.map { label in
            template.split(separator: Self.place, omittingEmptySubsequences: false).joined(separator: label)
        }
    }
}

extension EncoderPipeline {
    /// The score of each candidate label for each text, in the order of the labels, as Hugging Face's pipeline
    /// `zero-shot-classification` has them: a softmax over the labels of how much each is entailed, or, where several may be right or there is but
    /// one, for each label that of entailment against contradiction.
    ///
    /// - Throws: `ModelError` when the model is no classifier of pairs, or a text is too long.
    public func classify(_ texts: [String], candidates: CandidateLabels) throws -> [[Float]] {
        guard case .classification = head, labels.count > 1 else {
            throw wrongTask("judge whether a text entails a sentence")
        }
        guard !candidates.labels.isEmpty, candidates.hasPlace else {
            throw ModelError(
                .invalidInput,
                "needs candidate labels, and a template with one \(CandidateLabels.place) in the place of the label",
                at: path)
        }
        let hypotheses = candidates.hypotheses
        let pairs = texts.flatMap { text in hypotheses.map { TextPair(text, pair: $0) } }
        let encodings = try encode(pairs, truncation: .onlyFirst) { "text \($0 / hypotheses.count + 1)" }
        let rows = try run(.head, output: "logits", on: encodings)
        let entailment = entailmentLabel
        let contradiction = entailment == 0 ? labels.count - 1 : 0
        return stride(from: 0, to: rows.count, by: hypotheses.count).map { start in
            let rows = rows[start..<(start + hypotheses.count)]
            if candidates.allowsSeveral || hypotheses.count == 1 {
                return rows.map { Float(softmax([$0[contradiction], $0[entailment]])[1]) }
            }
            return softmax(rows.map { $0[entailment] }).map { Float($0) }
        }
    }

    /// The label that begins with "entail"; the last one where none does, with a note.
    private var entailmentLabel: Int {
        if let found = labels.firstIndex(where: { $0.lowercased().hasPrefix("entail") }) { return found }
        addNote(
            "none of the labels \(labels.joined(separator: ", ")) begins with \"entail\"; the last one is taken for entailment"
        )
        return labels.count - 1
    }
}
