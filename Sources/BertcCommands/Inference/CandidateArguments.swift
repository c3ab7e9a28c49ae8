import ArgumentParser
import Encoders
import Pipelines

/// Labels that `bertc predict` gives texts by entailment.
struct CandidateArguments: ParsableArguments {
    @Option(
        name: .customLong("candidate-labels"), parsing: .unconditional,
        help:
            "Labels of your own, with commas between them, for a model of entailment (zero-shot classification)."
    )
    var labels: String?

    @Option(
        name: .customLong("hypothesis-template"), parsing: .unconditional,
        help:
            "The sentence that a text entails or not, with {} for the label; \"This example is {}.\" by default."
    )
    var template: String?

    @Flag(name: .customLong("multi-label"), help: "Judge each candidate label by itself.")
    var allowsSeveral = false

    func validate() throws {
        guard let labels else {
            guard template == nil, !allowsSeveral else {
                throw ValidationError("--hypothesis-template and --multi-label need --candidate-labels")
            }
            return
        }
        guard labels.split(separator: ",").contains(where: { !$0.allSatisfy(\.isWhitespace) }) else {
            throw ValidationError("--candidate-labels has no label; expected some with commas between them")
        }
        if let template, !CandidateLabels([], template: template).hasPlace {
            throw ValidationError("--hypothesis-template must have {} in the place of the label, once")
        }
    }

    /// Nil where none were given.
    var candidates: CandidateLabels? {
        guard let labels else { return nil }
        let names = labels.split(separator: ",").map { String($0.trimmingPrefix(while: \.isWhitespace)) }
            .map { String($0.reversed().drop(while: \.isWhitespace).reversed()) }.filter { !$0.isEmpty }
        var candidates = CandidateLabels(names, allowsSeveral: allowsSeveral)
        if let template { candidates.template = template }
        return candidates
    }
}
