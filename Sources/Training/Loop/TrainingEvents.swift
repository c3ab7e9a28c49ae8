import Encoders
import GraphCompiler
import Pipelines

/// What a training run reports while it goes on. Showing it is the caller's business.
public enum TrainingEvent: Sendable {
    /// Everything is loaded and compiled; the first step comes next.
    case started(TrainingSummary)
    /// Something to know, in one line.
    case note(String)
    /// Training goes on from a checkpoint, after `step` steps.
    case resumed(path: String, step: Int)
    case step(StepReport)
    case epoch(EpochSummary)
    case evaluation(EvaluationReport)
    case checkpoint(path: String, step: Int)
    /// The evaluation after `step` steps was the best one so far, and its model was saved.
    case bestModel(path: String, step: Int)
    /// No better evaluation for `earlyStopping` in a row.
    case stoppedEarly(step: Int)
}

/// A run as it starts.
public struct TrainingSummary: Sendable {
    /// The path of the model that training starts from.
    public let model: String
    /// The model's configuration, with the labels of the task.
    public let config: EncoderConfig
    /// What is trained.
    public let task: TrainingTask
    /// The names of the classes; empty for regression and pre-training.
    public let labels: [String]
    /// What the weight file gave; `nil` for fresh parameters.
    public let loaded: LoadReport?
    /// Numbers in the parameters, and in those that are trained.
    public let parameterCount: Int
    /// Numbers in the parameters that are trained.
    public let trainedCount: Int
    /// Examples of each data set; `nil` without one.
    public let trainExamples: Int
    /// Examples to validate on; `nil` without such data.
    public let validationExamples: Int?
    /// Examples to test on; `nil` without such data.
    public let testExamples: Int?
    /// Steps of the whole run.
    public let steps: Int
    /// Steps of warm-up among them.
    public let warmupSteps: Int
    /// Passes over the training data, the last one perhaps cut short.
    public let epochs: Int
    /// The instruction set that the kernels use.
    public let instructionSet: String
    /// Worker threads.
    public let threads: Int
    /// What the run holds, planned before the first step.
    public let memory: TrainingMemory
    /// The gates of the attention mask that is learned; `nil` when none is.
    public let gates: AttentionGates?
    /// What a step computes again; `nil` when nothing was to be.
    public let recomputation: Recomputation?
    /// Batches that a step adds up the gradients of.
    public let gradientAccumulation: Int
    /// Sequences that the graph is run on at once, where `maxMemory` asks for fewer than a batch has.
    public let microBatchSize: Int?
    /// Fields of the model's configuration that look misspelt, and other things to know.
    public let warnings: [String]
}

/// One step of the optimiser.
public struct StepReport: Sendable, Equatable {
    /// Steps done, this one included.
    public let step: Int
    /// Steps of the whole run.
    public let steps: Int
    /// Counted from 1.
    public let epoch: Int
    /// Passes over the training data, the last one perhaps cut short.
    public let epochs: Int
    /// Mean over the batch's sequences, before the update.
    public let loss: Double
    /// The rate of this step.
    public let learningRate: Double
    /// L2 norm of all gradients before clipping; not finite for a step that was skipped.
    public let gradientNorm: Double
    /// Tokens of the batch that are not padding.
    public let realTokens: Int
    /// Padding tokens of the batch, which come on top of the real ones.
    public let paddedTokens: Int
    /// Sequences that were trained on.
    public let sequences: Int
    /// Wall time of the step.
    public let seconds: Double
    /// Real tokens a second over the last steps.
    public let tokensPerSecond: Double
    /// Estimated from the last steps; evaluations come on top.
    public let secondsLeft: Double
    /// The numbers of the features that the run uses.
    public let extras: [StepExtra: Double]
    /// What each process of several did, by rank; empty for one.
    public let processes: [ProcessTimes]
}

/// One pass over the training data.
public struct EpochSummary: Sendable, Equatable {
    /// Counted from 1.
    public let epoch: Int
    /// Mean over the epoch's sequences of the losses that the steps saw.
    public let loss: Double
    /// Batches of the epoch.
    public let batches: Int
    /// Sequences that were trained on.
    public let sequences: Int
    /// Tokens of the examples.
    public let realTokens: Int
    /// Padding, which comes on top of the real tokens.
    public let paddedTokens: Int
    /// Wall time of the steps that this process ran.
    public let seconds: Double

    /// Padding as a share of all tokens that were computed, 0 to 1.
    public var paddedShare: Double {
        let all = realTokens + paddedTokens
        return all == 0 ? 0 : Double(paddedTokens) / Double(all)
    }
}

/// How good the model was on the validation data.
public struct EvaluationReport: Sendable, Equatable {
    /// Steps done before.
    public let step: Int
    /// The epoch, counted from 1.
    public let epoch: Int
    /// What was measured.
    public let metrics: EvaluationMetrics
    /// What decides which evaluation is the best, and its value; `nil` where it is not defined.
    public let metric: Metric
    /// The value of `metric`; `nil` when it is not defined.
    public let value: Double?
    /// Whether it is the best evaluation so far.
    public let isBest: Bool
    /// Wall time of the evaluation.
    public let seconds: Double
}

/// What a finished run leaves.
public struct TrainingReport: Sendable {
    /// Why the run ended.
    public enum End: Sendable, Equatable {
        case finished, stoppedEarly, interrupted
    }

    /// How the run ended.
    public var end: End
    /// Steps done, those before a resume included.
    public var steps: Int
    /// Wall time of this process, loading included.
    public var seconds: Double
    /// Real tokens a second in the steps of this process; 0 without a step.
    public var tokensPerSecond: Double
    /// The loss of the last step of this process.
    public var finalLoss: Double?
    /// The epochs that this process finished.
    public var epochs: [EpochSummary]
    /// The evaluations that this process ran.
    public var evaluations: [EvaluationReport]
    /// The best evaluation's value, `nil` where that is not defined, and the steps before it, also when it was before a
    /// resume.
    public var bestValue: Double?
    /// The step of the best evaluation; `nil` without any.
    public var bestStep: Int?
    /// What decides which evaluation is the best.
    public var metric: Metric
    /// The saved model on the test data; `nil` without them or after an interruption.
    public var test: EvaluationMetrics?
    /// Where the model was saved.
    public var modelDirectory: String
    /// The most that the process ever held, in bytes; what was planned is in `TrainingSummary`.
    public var memoryByteCount: Int
    /// What each kernel of the training step did; `nil` unless it was asked for.
    public var profile: RunProfile?
}
