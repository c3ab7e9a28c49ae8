import GraphCompiler
import Text

/// The batches of a run over tokenised sequences, as the configuration has them.
struct SequenceBatches {
    let plan: TrainingPlan
    let batchesPerStep: Int
    /// Whether examples that share a key are kept out of one another's batches.
    let keepsOutDuplicates: Bool
    private let batcher: Batcher

    /// - Parameters:
    ///   - groups: which sequences make up an example; each is one when `nil`.
    ///   - keys: what no two examples of a batch may share; see `BatchPlan`.
    ///   - source: the model, whose padding fills batches.
    init(
        _ training: TrainingConfig, _ encodings: [Encoding], groups: ExampleGroups? = nil,
        keys: [[Int]]? = nil, maxLength: Int, _ source: ModelSource
    ) throws {
        batcher = try Batcher(
            encodings, groups: groups, keys: keys,
            options: BatchingOptions(
                mode: training.batches.mode, bucketWidth: training.batches.bucketWidth,
                batchSize: training.batches.size, maxTokens: training.batches.maxTokens,
                maxLength: maxLength, padID: source.tokenizer.special.padding,
                uncountedID: source.config.uncountedToken, shuffle: true, seed: UInt64(training.seed)))
        keepsOutDuplicates = keys != nil
        batchesPerStep = training.batches.gradientAccumulation
        plan = TrainingPlan(training, batcher.plan)
    }

    /// The batches of an epoch, each the indices of its examples.
    func indices(epoch: Int) -> [[Int]] { batcher.plan.batches(epoch: epoch) }

    func layOut(_ indices: [Int]) -> Batch { batcher.layOut(indices) }

    /// The largest batch of the first epoch.
    var largestBatchSize: Int { indices(epoch: 0).map(\.count).max() ?? 1 }

    /// Those of the batches that take most memory, cut into pieces of `batchSize` examples. Of very many epochs only the
    /// first are looked at; a larger batch in a later one makes memory grow.
    func largestShapes(batchSize: Int) -> [BatchShape] {
        let most = max(1, 20_000_000 / batcher.plan.examples.count)
        let epochs = min(plan.epochs, batcher.plan.options.mode == .fixed ? 1 : most)
        return batcher.plan.largestShapes(epochs: 0..<epochs, pieces: batchSize)
    }
}

extension TaskStep {
    /// - Parameter batches: what the inputs were made of.
    init(_ inputs: [StepInputs], of batches: [Batch]) {
        self.init(
            inputs: inputs, sequences: batches.reduce(0) { $0 + $1.sequences },
            realTokens: batches.reduce(0) { $0 + $1.realTokens },
            paddedTokens: batches.reduce(0) { $0 + $1.paddedTokens })
    }
}
