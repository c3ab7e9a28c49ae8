import Text

/// How sequences share batches, and batches a step.
public struct BatchSettings: Sendable, Equatable {
    /// How sequences share a batch, and what is padded.
    public var mode = BatchingMode.packed
    /// Lengths that share a batch of `uniform`.
    public var bucketWidth = 1
    /// Sequences in a batch at most.
    public var size = 32
    /// Tokens in a batch at most, padding included.
    public var maxTokens: Int?
    /// Examples that the graph is run on at once; a whole batch when `nil`.
    public var miniBatchSize: Int?
    /// Batches whose gradients one step adds up.
    public var gradientAccumulation = 1
}

extension BatchSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "batching", \.mode,
                "`fixed` pads to `maxLength`, `dynamic` to the longest of the batch, `uniform` batches equal lengths, "
                    + "`packed` lays sequences end to end; the last two pad nothing, unless `bucketWidth` says so."
            ),
            .init(
                "bucketWidth", \.bucketWidth,
                "`uniform`: how many lengths share batches. 8 puts those from 1 to 8 tokens together, from 9 to 16, and so "
                    + "on, padded to the longest of the batch; 1 pads nothing.",
                atLeast: 1),
            .init("batchSize", \.size, "Sequences in a batch at most.", atLeast: 1),
            .init("maxTokens", \.maxTokens, "Tokens in a batch at most, padding included.", atLeast: 1),
            .init(
                "miniBatchSize", \.miniBatchSize,
                "Examples that the graph is run on at once, in whose memory a batch is computed; null is `batchSize`. The "
                    + "gradients are those of the whole batch, also of losses that compare its examples "
                    + "([embedding.md](embedding.md#large-batches)).", atLeast: 1),
            .init(
                "gradientAccumulation", \.gradientAccumulation,
                "Batches that a step adds up the gradients of, as Hugging Face's `gradient_accumulation_steps`: a step "
                    + "learns from `batchSize` times as many sequences, in the memory of one batch.",
                atLeast: 1),
        ]
    }

    func check(in config: TrainingConfig) throws {
        guard bucketWidth == 1 || mode == .uniform else {
            throw config.error(
                "bucketWidth",
                "has no effect with \"batching\": \"\(mode.rawValue)\"; set that to \"uniform\", or remove this"
            )
        }
    }
}
