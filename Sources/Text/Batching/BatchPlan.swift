import Support

/// Which examples make up each batch of an epoch.
///
/// A plan is a pure function of (lengths, options, epoch), so that training resumes in the middle of an epoch
/// with the batches it would have had. In the modes `fixed`, `dynamic` and `packed`, without a token limit,
/// the same seed puts the same examples into the same batches.
package struct BatchPlan: Sendable {
    /// Real tokens of each example.
    package let lengths: [Int]
    package let options: BatchingOptions

    /// - Throws: `.emptyDataset` without examples, `.invalidBatching` for options that cannot be met or an
    ///   example that is longer than they allow.
    package init(lengths: [Int], options: BatchingOptions) throws(TextError) {
        guard !lengths.isEmpty else {
            throw TextError(.emptyDataset, "there are no examples to make batches of")
        }
        guard options.batchSize > 0 else {
            throw TextError(.invalidBatching, "batchSize is \(options.batchSize); expected at least 1")
        }
        guard options.bucketWidth > 0 else {
            throw TextError(.invalidBatching, "bucketWidth is \(options.bucketWidth); expected at least 1")
        }
        guard options.maxLength > 0 else {
            throw TextError(.invalidBatching, "maxLength is \(options.maxLength); expected at least 1")
        }
        for (index, length) in lengths.enumerated() {
            guard length > 0 else {
                throw TextError(.invalidBatching, "example \(index) has no tokens; expected at least one")
            }
            guard length <= options.maxLength else {
                throw TextError(
                    .invalidBatching,
                    "example \(index) has \(length) tokens but maxLength is \(options.maxLength); "
                        + "truncate it or raise maxLength")
            }
        }
        self.lengths = lengths
        self.options = options
        let widest = options.mode == .fixed ? options.maxLength : lengths.max() ?? 0
        if let maxTokens = options.maxTokens, maxTokens < widest {
            throw TextError(
                .invalidBatching,
                "maxTokens is \(maxTokens) but one sequence takes \(widest) tokens; "
                    + "raise maxTokens or truncate"
            )
        }
    }

    /// The example indices of each batch of an epoch, in the order they are trained on.
    package func batches(epoch: Int) -> [[Int]] {
        var order = Array(lengths.indices)
        var generator = SplitMix64(seed: options.seed, epoch: epoch)
        if options.shuffle { generator.shuffle(&order) }
        guard options.mode == .uniform else { return cut(order) }

        var buckets: [Int: [Int]] = [:]
        for index in order { buckets[(lengths[index] - 1) / options.bucketWidth, default: []].append(index) }
        var batches = buckets.sorted { $0.key < $1.key }.flatMap { cut($0.value) }
        if options.shuffle { generator.shuffle(&batches) }
        return batches
    }

    /// Cuts the order into batches that respect `batchSize` and `maxTokens`.
    private func cut(_ order: [Int]) -> [[Int]] {
        var batches: [[Int]] = []
        var batch: [Int] = []
        var longest = 0
        var total = 0
        for index in order {
            let length = lengths[index]
            let tokens = laidOut(
                sequences: batch.count + 1, longest: max(longest, length), real: total + length)
            if batch.count == options.batchSize || !batch.isEmpty && tokens > options.maxTokens ?? .max {
                batches.append(batch)
                (batch, longest, total) = ([], 0, 0)
            }
            batch.append(index)
            longest = max(longest, length)
            total += length
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }

    /// Tokens of a batch with its padding.
    private func laidOut(sequences: Int, longest: Int, real: Int) -> Int {
        switch options.mode {
        case .fixed: sequences * options.maxLength
        case .dynamic, .uniform: sequences * longest
        case .packed: real
        }
    }

    /// The extents of the batches that take most memory in some epochs: those with most sequences, most tokens, the
    /// longest slot, and most tokens times the longest slot.
    ///
    /// - Parameter pieces: sequences of the pieces that batches are cut into, the last one perhaps smaller.
    package func largestShapes(epochs: Range<Int>, pieces: Int = .max) -> [BatchShape] {
        var largest: [BatchShape?] = [nil, nil, nil, nil]
        for batch in epochs.lazy.flatMap({ batches(epoch: $0) }).flatMap({ $0.pieces(of: pieces) }) {
            let shape = shape(of: batch)
            for (index, size) in shape.sizes.enumerated() where size > largest[index]?.sizes[index] ?? -1 {
                largest[index] = shape
            }
        }
        return largest.compactMap { $0 }
    }

    private func shape(of batch: [Int]) -> BatchShape {
        let longest = batch.reduce(0) { max($0, lengths[$1]) }
        let tokens = laidOut(
            sequences: batch.count, longest: longest, real: batch.reduce(0) { $0 + lengths[$1] })
        return BatchShape(
            sequences: batch.count, tokens: tokens,
            maxLength: options.mode == .fixed ? options.maxLength : longest)
    }

    /// How much of an epoch is padding.
    package func report(epoch: Int) -> EpochReport {
        var report = EpochReport(epoch: epoch)
        for batch in batches(epoch: epoch) {
            let real = batch.reduce(0) { $0 + lengths[$1] }
            let longest = batch.reduce(0) { max($0, lengths[$1]) }
            let all = laidOut(sequences: batch.count, longest: longest, real: real)
            report.add(sequences: batch.count, realTokens: real, paddedTokens: all - real)
        }
        return report
    }
}

extension Array {
    /// The elements in order in pieces of `size`, the last one perhaps smaller.
    package func pieces(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: Swift.min(size, Swift.max(1, count))).map {
            Array(dropFirst($0).prefix(size))
        }
    }
}

/// The extents of a batch, padding included.
package struct BatchShape: Hashable, Sendable {
    package let sequences: Int
    package let tokens: Int
    /// Tokens of the longest slot.
    package let maxLength: Int

    package init(sequences: Int, tokens: Int, maxLength: Int) {
        (self.sequences, self.tokens, self.maxLength) = (sequences, tokens, maxLength)
    }

    fileprivate var sizes: [Int] { [sequences, tokens, maxLength, tokens * maxLength] }
}

/// Totals of one epoch of batches.
package struct EpochReport: Sendable, Equatable, CustomStringConvertible {
    package let epoch: Int
    package private(set) var batches = 0
    package private(set) var sequences = 0
    /// Tokens of the examples.
    package private(set) var realTokens = 0
    /// Padding tokens, which come on top of the real ones.
    package private(set) var paddedTokens = 0

    package init(epoch: Int) { self.epoch = epoch }

    /// Padding as a share of all tokens that are computed, 0 to 1.
    package var paddedShare: Double {
        let all = realTokens + paddedTokens
        return all == 0 ? 0 : Double(paddedTokens) / Double(all)
    }

    /// Counts one batch.
    package mutating func add(sequences: Int, realTokens: Int, paddedTokens: Int) {
        batches += 1
        self.sequences += sequences
        self.realTokens += realTokens
        self.paddedTokens += paddedTokens
    }

    package var description: String {
        let tenths = Int((paddedShare * 1000).rounded())
        return
            "\(Formatted.count(sequences, "sequence")) in \(Formatted.count(batches, "batch", "batches")), \(realTokens) real and \(paddedTokens) padded "
            + "tokens (\(tenths / 10).\(tenths % 10)% padding)"
    }
}
