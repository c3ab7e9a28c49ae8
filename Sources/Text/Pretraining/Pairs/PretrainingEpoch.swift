import Support

/// The examples of one epoch: sentence pairs with the tokens that are to be guessed.
///
/// Everything is a pure function of the sampler, the masking, and the epoch; each example has a random stream of its
/// own, so that a run can go on from any of them.
package struct PretrainingEpoch: Sendable {
    package let pairs: [SentencePair]
    private let file: TokenFile
    private let masking: TokenMasking
    private let template: SequenceTemplate
    private let seed: UInt64

    package init(_ sampler: PairSampler, masking: TokenMasking, tokenizer: any Tokenizer, epoch: Int) {
        pairs = sampler.pairs(epoch: epoch)
        file = sampler.documents.file
        self.masking = masking
        template = tokenizer.template
        var generator = SplitMix64(seed: ~sampler.seed, epoch: epoch)
        seed = generator.next()
    }

    /// Tokens of each example, special ones included.
    package var lengths: [Int] { pairs.map { $0.count + template.specialCount(isPair: true) } }

    /// The examples at some indices as one batch.
    package func batch(_ indices: [Int], options: BatchingOptions) throws(TextError) -> PretrainingBatch {
        var masked: [(positions: [Int32], labels: [Int32])] = []
        let encodings = indices.map { index in
            var encoding = encoding(of: pairs[index])
            var generator = SplitMix64(seed: seed, epoch: index)
            masked.append(masking.mask(&encoding.ids, with: &generator))
            return encoding
        }
        let batch = try Batcher(encodings, options: options).layOut(Array(encodings.indices))
        var positions: [Int32] = []
        for (offset, mask) in zip(batch.offsets, masked) { positions += mask.positions.map { offset + $0 } }
        return PretrainingBatch(
            batch: batch, maskedPositions: positions, maskedLabels: masked.flatMap(\.labels),
            nextSentenceLabels: indices.map { pairs[$0].isRandom ? 1 : 0 })
    }

    private func encoding(of pair: SentencePair) -> Encoding {
        template.encoding(file.ids(pair.first)[...], pair: file.ids(pair.second)[...])
    }
}

/// Sentence pairs laid end to end, with what is to be guessed about them.
package struct PretrainingBatch: Sendable, Equatable {
    package let batch: Batch
    /// `[masked]`, tokens of the batch.
    package let maskedPositions: [Int32]
    /// `[masked]`, what stood there.
    package let maskedLabels: [Int32]
    /// `[sequences]`; 0 when the second part follows the first, 1 when it is a random one.
    package let nextSentenceLabels: [Int32]
}
