import Encoders
import GraphCompiler
import Pipelines
import Text

/// A phase of pre-training: how its examples are made and batched, and how its rate goes.
struct PretrainingPhase {
    let sampler: PairSampler
    let masking: TokenMasking
    let batching: BatchingOptions
    let batchesPerStep: Int
    private let tokenizer: any Tokenizer

    /// - Parameter config: the configuration as it is in the phase.
    /// - Throws: `ModelError` for a length that the model does not have, `TextError` for too few documents.
    init(_ config: TrainingConfig, _ documents: TokenDocuments, _ source: ModelSource) throws {
        let length = config.data.maxLength ?? min(source.config.positionCount, source.limit?.length ?? .max)
        let specials = source.tokenizer.template.specialCount(isPair: true)
        let least = specials + 2
        guard (least...max(least, source.config.positionCount)).contains(length) else {
            throw ModelError(
                .invalidSetting,
                "a phase has sequences of \(length) tokens; expected \(least) to the model's "
                    + "\(source.config.positionCount) positions", at: config.file)
        }
        tokenizer = source.tokenizer
        batchesPerStep = config.batches.gradientAccumulation
        sampler = try PairSampler(
            documents, length: length, specials: specials, shortShare: config.pretraining.shortShare,
            seed: UInt64(config.seed), swaps: source.config.learnsSentenceOrder)
        let predictions = max(1, Int((Double(length) * config.pretraining.maskedShare).rounded()))
        masking = try TokenMasking(
            share: config.pretraining.maskedShare,
            maxPredictions: config.pretraining.maxPredictions ?? predictions,
            wholeWords: config.pretraining.wholeWordMasking, tokenizer: source.tokenizer)
        batching = BatchingOptions(
            mode: config.batches.mode, bucketWidth: config.batches.bucketWidth,
            batchSize: config.batches.size,
            maxTokens: config.batches.maxTokens,
            maxLength: length, padID: source.tokenizer.special.padding,
            uncountedID: source.config.uncountedToken, shuffle: true,
            seed: UInt64(config.seed))
    }

    func examples(epoch: Int) -> PretrainingEpoch {
        PretrainingEpoch(sampler, masking: masking, tokenizer: tokenizer, epoch: epoch)
    }

    /// Bounds of a batch's symbols with at most `limit` sequences.
    func largestShape(limit: Int) -> [String: Int] {
        let sequences = min(limit, batching.batchSize)
        let tokens = sequences * batching.maxLength
        return [
            "sequences": sequences, "tokens": min(tokens, batching.maxTokens ?? tokens),
            "length": batching.maxLength, "masked": sequences * masking.count(length: batching.maxLength),
        ]
    }
}

extension EncoderInputs {
    /// What the pre-training head needs; without labels.
    init(_ batch: PretrainingBatch) {
        self.init(batch.batch)
        tensors["masked_positions"] = TensorData(batch.maskedPositions)
    }
}

extension StepInputs {
    /// - Parameters:
    ///   - masked: masked tokens of the whole step.
    ///   - sequences: its sentence pairs.
    init(_ batch: PretrainingBatch, masked: Int, sequences: Int) {
        let inputs = EncoderInputs(batch)
        let labels = [
            "labels": TensorData(batch.maskedLabels),
            "next_sentence_labels": TensorData(batch.nextSentenceLabels),
        ]
        self.init(
            inputs.tensors.merging(labels) { $1 }, symbols: inputs.symbols,
            lossWeights: [
                Float(batch.maskedLabels.count) / Float(masked),
                Float(batch.nextSentenceLabels.count) / Float(sequences),
            ])
    }
}
