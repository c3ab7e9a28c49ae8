import Encoders
import GraphCompiler
import Pipelines
import Support
import Text

/// Masked LM and next-sentence prediction on documents (Devlin et al., arXiv:1810.04805), or sentence order where that is what
/// the family learns, in one or more phases.
///
/// An epoch cuts the documents into sentence pairs anew and masks other tokens of them. A phase begins with an epoch
/// of its own; its last one may be cut short.
final class PretrainingTask: LearningTask {
    let config: EncoderConfig
    let fingerprint: String
    let validationFingerprint: String?
    let plan: TrainingPlan
    private let phases: [PretrainingPhase]
    /// For each epoch its phase, and how many of its batches are trained on.
    private let epochs: [(phase: Int, batches: Int)]
    /// What is held out, cut and masked once.
    private let heldOut: PretrainingEpoch?
    private let heldOutBatching: BatchingOptions
    private let heldOutPath: String
    /// The examples of the epoch that was used last.
    private var current: (epoch: Int, examples: PretrainingEpoch)?

    /// Tokenises the text, unless that was done before.
    ///
    /// - Throws: `TextError` for the text, `ModelError` for a setting that does not fit the model.
    init(_ training: TrainingConfig, _ source: ModelSource) throws {
        guard source.config.family.classes[.pretraining] != nil else {
            throw ModelError(
                .invalidModel,
                "is of the family '\(source.config.family.modelType)', which has no head for pairs of texts; pre-training "
                    + "is for BERT and ALBERT", at: source.path)
        }
        guard source.config.tokenTypes > 1 else {
            throw ModelError(
                .invalidModel,
                "has only one token type, but pre-training needs pairs of texts; raise "
                    + "type_vocab_size to 2", at: source.path)
        }
        config = source.config
        let text = try PretrainingText(training, source.tokenizer)
        fingerprint = text.fingerprint
        validationFingerprint = text.heldOut.map(PretrainingText.fingerprint)
        let configs =
            training.pretraining.phases.isEmpty
            ? [training] : training.pretraining.phases.map { $0.applied(to: training) }
        let phases = try configs.map { try PretrainingPhase($0, text.train, source) }
        self.phases = phases

        var epochs: [(phase: Int, batches: Int)] = []
        var schedules: [LearningRateSchedule] = []
        for (index, config) in configs.enumerated() {
            let first = epochs.count
            var steps = 0
            while config.optimizer.maxSteps.map({ steps < $0 })
                ?? (epochs.count - first < config.optimizer.epochs)
            {
                let examples = phases[index].examples(epoch: epochs.count)
                let batches = try BatchPlan(lengths: examples.lengths, options: phases[index].batching)
                    .batches(epoch: epochs.count).count
                let left =
                    config.optimizer.maxSteps.map { ($0 - steps) * config.batches.gradientAccumulation }
                    ?? batches
                epochs.append((index, min(batches, left)))
                steps +=
                    (min(batches, left) + config.batches.gradientAccumulation - 1)
                    / config.batches.gradientAccumulation
            }
            schedules.append(LearningRateSchedule(config, steps: steps))
        }
        self.epochs = epochs
        plan = TrainingPlan(epochs: epochs.count, schedules: schedules, variesByEpoch: true)

        // Text of the first phase's length, the same for every seed, so that all evaluations compare.
        heldOutBatching = BatchingOptions(
            mode: .packed, batchSize: TaskStep.evaluationTokens,
            maxTokens: max(TaskStep.evaluationTokens, phases[0].sampler.length),
            maxLength: phases[0].sampler.length, padID: source.tokenizer.special.padding,
            uncountedID: source.config.uncountedToken, shuffle: false)
        heldOutPath = text.heldOut?.file.path ?? ""
        heldOut = try text.heldOut.map { documents in
            let sampler = try PairSampler(
                documents, length: phases[0].sampler.length, specials: phases[0].sampler.specials,
                shortShare: training.pretraining.shortShare, seed: 0, swaps: phases[0].sampler.swaps)
            return PretrainingEpoch(
                sampler, masking: phases[0].masking, tokenizer: source.tokenizer, epoch: 0)
        }
        exampleCount = phases[0].examples(epoch: 0).pairs.count
    }

    var head: EncoderHead { .pretraining }
    var architecture: EncoderArchitecture { .pretraining }
    var labels: [String] { [] }
    var keepsHead: Bool { true }
    var metric: Metric { .loss }
    var warnings: [String] { [] }
    let exampleCount: Int

    func exampleCount(of part: EvaluatedPart) -> Int? {
        part == .validation ? heldOut?.pairs.count : nil
    }

    func path(of part: EvaluatedPart) -> String { heldOutPath }

    // MARK: Training

    private func examples(epoch: Int) -> PretrainingEpoch {
        if let current, current.epoch == epoch { return current.examples }
        let examples = phases[epochs[epoch].phase].examples(epoch: epoch)
        current = (epoch, examples)
        return examples
    }

    func batches(epoch: Int) throws -> [[Int]] {
        let options = phases[epochs[epoch].phase].batching
        let plan = try BatchPlan(lengths: examples(epoch: epoch).lengths, options: options)
        return Array(plan.batches(epoch: epoch).prefix(epochs[epoch].batches))
    }

    func step(_ batches: [[[Int]]], epoch: Int) throws -> TaskStep {
        let examples = examples(epoch: epoch)
        let options = phases[epochs[epoch].phase].batching
        let batches = try batches.joined().map { try examples.batch($0, options: options) }
        let masked = batches.reduce(0) { $0 + $1.maskedLabels.count }
        let sequences = batches.reduce(0) { $0 + $1.batch.sequences }
        return TaskStep(
            inputs: batches.map { StepInputs($0, masked: masked, sequences: sequences) },
            sequences: sequences, realTokens: batches.reduce(0) { $0 + $1.batch.realTokens },
            paddedTokens: batches.reduce(0) { $0 + $1.batch.paddedTokens })
    }

    var accumulates: Bool { phases.contains { $0.batchesPerStep > 1 } }

    func gradientAccumulation(epoch: Int) -> Int { phases[epochs[epoch].phase].batchesPerStep }

    var largestBatchSize: Int { phases.reduce(0) { max($0, $1.batching.batchSize) } }

    func largestTrainingShapes(batchSize: Int) -> [[String: Int]] {
        phases.map { $0.largestShape(limit: batchSize) }
    }

    // MARK: Evaluation

    private func heldOutBatches() throws -> [PretrainingBatch] {
        guard let heldOut else { return [] }
        return try BatchPlan(lengths: heldOut.lengths, options: heldOutBatching).batches(epoch: 0).map {
            try heldOut.batch($0, options: heldOutBatching)
        }
    }

    func evaluationShapes() throws -> [[String: Int]] {
        try heldOutBatches().map { batch in
            [
                "sequences": batch.batch.sequences, "tokens": batch.batch.tokens,
                "length": batch.batch.maxLength, "masked": batch.maskedLabels.count,
            ]
        }
    }

    func probe(_ model: TrainableModel) throws {
        let epoch = current?.epoch ?? 0
        let batch = try examples(epoch: epoch).batch([0], options: phases[epochs[epoch].phase].batching)
        _ = try model.infer(EncoderInputs(batch), outputs: ["logits", "next_sentence_logits"])
    }

    func evaluate(_ part: EvaluatedPart, with model: TrainableModel) throws -> EvaluationMetrics? {
        guard let heldOut, part == .validation else { return nil }
        var (words, pairs) = (GuessCounter(), GuessCounter())
        let batches = try heldOutBatches()
        try ProcessGroup.share(batches.count, in: model.training.options.group) { index in
            let batch = batches[index]
            let outputs = try model.infer(EncoderInputs(batch), outputs: ["logits", "next_sentence_logits"])
            func guesses(_ output: String, _ targets: [Int32]) throws -> [PretrainingGuess] {
                let logits = try outputs[output]?.floats ?? []
                return GuessCounter.guesses(logits: logits, targets: targets)
            }
            return try guesses("logits", batch.maskedLabels)
                + guesses("next_sentence_logits", batch.nextSentenceLabels)
        } _: { index, guesses in
            let count = batches[index].maskedLabels.count
            words.add(guesses.prefix(count))
            pairs.add(guesses.dropFirst(count))
        }
        return EvaluationMetrics(
            PretrainingMetrics(words: words, pairs: pairs), count: heldOut.pairs.count)
    }
}
