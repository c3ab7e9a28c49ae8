import ArgumentParser
import Encoders
import Pipelines

/// Which labels a model gives that may give several.
struct ThresholdOption: ParsableArguments {
    @Option(help: "The probability from which on a label of several is given; 0.5 by default.")
    var threshold: Double?

    var value: Double { threshold ?? 0.5 }

    func validate() throws {
        if let threshold, !(0...1).contains(threshold) {
            throw ValidationError("--threshold is \(threshold); expected 0 to 1")
        }
    }

    /// Refuses what is for several labels where a model gives one.
    func check(_ pipeline: EncoderPipeline, separator: String?) throws {
        if case .multiLabelClassification = pipeline.head { return }
        for (name, isSet) in [("--threshold", threshold != nil), ("--label-separator", separator != nil)]
        where isSet {
            throw CommandError(
                .usage, "\(pipeline.path): does not give several labels; \(name) is for models that do")
        }
    }
}
