import Encoders
import GraphCompiler
import Pipelines
import Support

/// What a run trains a model for: the head, the examples and how they become inputs, and how good the model is.
///
/// `Trainer` knows nothing else about a task, so that its loop, checkpoints and logs serve all of them. Everything
/// here is a pure function of the configuration and the data: a resumed run gets the batches it would have had.
protocol LearningTask {
    /// The model's configuration, with the labels and the problem of the head.
    var config: EncoderConfig { get }
    var head: EncoderHead { get }
    /// What the model is saved as.
    var architecture: EncoderArchitecture { get }
    /// The modules behind the encoder and the loss of their vectors; `nil` where the head has the loss.
    var sentences: SentenceTraining? { get }
    /// The loss of a regression head's scores; mean squared error when `nil`.
    var ranking: RankingLoss? { get }
    /// Names of the classes; empty when the task has none.
    var labels: [String] { get }
    /// Whether the head of a checkpoint, if there is one, means the same and is trained further.
    var keepsHead: Bool { get }
    /// What decides which evaluation is the best, unless the configuration says otherwise.
    var metric: Metric { get }
    /// Changes when the training data do.
    var fingerprint: String { get }
    /// Changes when the validation data do; `nil` without any.
    var validationFingerprint: String? { get }
    /// What to know about the data.
    var warnings: [String] { get }
    var plan: TrainingPlan { get }

    /// Training examples (of an epoch), or those of an evaluated part; `nil` without the part.
    var exampleCount: Int { get }
    func exampleCount(of part: EvaluatedPart) -> Int?

    /// The batches of an epoch, each the indices of its examples. A step has `gradientAccumulation` of them.
    func batches(epoch: Int) throws -> [[Int]]
    /// Batches of a step.
    func gradientAccumulation(epoch: Int) -> Int
    /// Whether any step has several batches.
    var accumulates: Bool { get }

    /// The inputs of a step.
    /// - Parameter batches: the examples of the step's batches, each in as many pieces as the graph is run.
    func step(_ batches: [[[Int]]], epoch: Int) throws -> TaskStep

    /// Sequences of the largest batch.
    var largestBatchSize: Int { get }
    /// The symbols of the batches that take most memory, cut into pieces of `batchSize` sequences.
    func largestTrainingShapes(batchSize: Int) throws -> [[String: Int]]
    /// Those of the evaluations.
    func evaluationShapes() throws -> [[String: Int]]

    /// Runs the model without dropout over a part; `nil` without the part.
    /// - Throws: `ExecutionError` when an output is not finite, naming the node.
    func evaluate(_ part: EvaluatedPart, with model: TrainableModel) throws -> EvaluationMetrics?
    /// Runs the model without dropout on a training example.
    /// - Throws: as `evaluate`.
    func probe(_ model: TrainableModel) throws
    /// What errors call a part.
    func path(of part: EvaluatedPart) -> String
}

extension LearningTask {
    var sentences: SentenceTraining? { nil }
    var ranking: RankingLoss? { nil }
    /// Whether the loss compares the examples of a batch with one another, so that parts of a batch have another loss.
    var comparesExamples: Bool { sentences?.loss.comparesExamples ?? false }
}

/// Data that a model is measured on.
enum EvaluatedPart {
    case validation, test
}

/// One step of the optimiser as the graph wants it.
struct TaskStep {
    /// One for each micro-batch.
    let inputs: [StepInputs]
    /// What the loss of each whole batch reads, and of how many micro-batches it is, where the loss compares its examples.
    var wholeBatches: [(lossInputs: [String: TensorData], pieces: Int)] = []
    let sequences: Int
    let realTokens: Int
    let paddedTokens: Int
}

extension TaskStep {
    /// The whole batches of a step, each with the number of its first piece.
    ///
    /// - Parameter pieces: what the model reads of `inputs`.
    func cachedBatches(_ pieces: [StepInputs]) -> [(first: Int, batch: CachedBatch)] {
        var first = 0
        return wholeBatches.map { whole in
            defer { first += whole.pieces }
            let own = Array(pieces[first..<(first + whole.pieces)])
            return (
                first,
                CachedBatch(
                    own, lossInputs: whole.lossInputs,
                    lossWeight: own.reduce(0) { $0 + ($1.lossWeights.first ?? 0) })
            )
        }
    }

    /// Tokens in a batch of an evaluation, which needs no memory for gradients.
    static let evaluationTokens = 4096
}
