/// How sequences share a batch, and what is padded.
public enum BatchingMode: String, Sendable, CaseIterable {
    /// Every slot has `maxLength` tokens.
    case fixed
    /// Every slot is as long as the longest sequence of its batch.
    case dynamic
    /// A batch holds sequences of one bucket of lengths only and is padded to its longest; some batches are short.
    case uniform
    /// Sequences of any length lie end to end; nothing is padded.
    case packed
}

/// What a `BatchPlan` needs to know beside the lengths of the sequences.
package struct BatchingOptions: Sendable, Equatable {
    package var mode: BatchingMode
    /// Lengths in a bucket of `uniform`: with 8 those from 1 to 8, from 9 to 16, and so on. With 1 nothing is padded.
    package var bucketWidth: Int
    /// The greatest number of examples in a batch: of sequences, unless an example is a group of them.
    package var batchSize: Int
    /// The greatest number of tokens in a batch, padding included; `nil` for no limit.
    package var maxTokens: Int?
    /// The greatest length of a sequence, and the slot length of `fixed`; at most the model's positions.
    package var maxLength: Int
    /// Token id of the padding.
    package var padID: Int32
    /// The token that takes no position: it has position -1, and those behind it count on; `nil` when all take one.
    package var uncountedID: Int32?
    /// A new order every epoch; off for evaluation.
    package var shuffle: Bool
    package var seed: UInt64

    package init(
        mode: BatchingMode = .packed, bucketWidth: Int = 1, batchSize: Int = 32, maxTokens: Int? = nil,
        maxLength: Int = 512,
        padID: Int32 = 0, uncountedID: Int32? = nil, shuffle: Bool = true, seed: UInt64 = 0
    ) {
        self.mode = mode
        self.bucketWidth = bucketWidth
        self.batchSize = batchSize
        self.maxTokens = maxTokens
        self.maxLength = maxLength
        self.padID = padID
        self.uncountedID = uncountedID
        self.shuffle = shuffle
        self.seed = seed
    }
}
