import Encoders
import GraphCompiler
import Training

/// One way to make training faster or smaller: a row of the table of `bertc bench`.
struct Technique: Sendable {
    /// What both sides do.
    enum Work: Sendable {
        /// Training on sequences of this kind.
        case training(BenchSequences)
        /// Attention alone, forward and backward, over sequences of so many tokens.
        case attention(length: Int)
    }

    /// A change of what `bertc train` does by itself, which may depend on the model.
    typealias Change = @Sendable (inout BenchSetting, EncoderConfig) -> Void

    /// The name in `--only`.
    let name: String
    /// The title in the table.
    let title: String
    let work: Work
    /// How both sides differ from what is usual.
    let both: Change
    /// Without the technique.
    let off: Change
    /// With it.
    let on: Change

    init(
        _ name: String, _ title: String, _ work: Work, both: @escaping Change = { _, _ in },
        off: @escaping Change = { _, _ in }, on: @escaping Change = { _, _ in }
    ) {
        (self.name, self.title, self.work) = (name, title, work)
        (self.both, self.off, self.on) = (both, off, on)
    }
}

/// How the data's texts become sequences.
enum BenchSequences: Hashable, Sendable {
    /// Each text as it is: sequences of mixed length.
    case sentences
    /// Texts joined until they fill so many tokens: sequences of one length.
    case filled(length: Int)
}

/// What a technique changes.
struct BenchSetting {
    /// What is trained. Files, steps and whatever else is the same on both sides are set by `BenchPlan`.
    var config: TrainingConfig
    /// Passes of the compiler to leave out.
    var disabledPasses: Set<String> = []
    /// Whether parameters start fresh even where the model has its own.
    var startsFresh = false
}
