import Support

/// Which examples make up each batch of an epoch.
///
/// A plan is a pure function of (extents, options, epoch), so that training resumes in the middle of an epoch
/// with the batches it would have had. In the modes `fixed`, `dynamic` and `packed`, without a token limit,
/// the same seed puts the same examples into the same batches.
package struct BatchPlan: Sendable {
    /// The size of each example.
    package let examples: [ExampleExtent]
    package let options: BatchingOptions
    /// Keys of each example that no other of its batch may have.
    private let keys: [[Int]]?

    /// A plan for examples of one sequence each, with these numbers of tokens.
    ///
    /// - Throws: as `init(_:options:keys:)`.
    package init(lengths: [Int], options: BatchingOptions) throws(TextError) {
        try self.init(lengths.map { ExampleExtent(lengths: CollectionOfOne($0)) }, options: options)
    }

    /// - Parameter keys: examples that share a key, such as a text, are kept out of one another's batches, as
    ///   sentence-transformers' `NoDuplicatesBatchSampler` does: they wait for a later batch.
    /// - Throws: `.emptyDataset` without examples, `.invalidBatching` for options that cannot be met or an
    ///   example that is longer than they allow.
    package init(
        _ examples: [ExampleExtent], options: BatchingOptions, keys: [[Int]]? = nil
    ) throws(TextError) {
        guard !examples.isEmpty else {
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
        for (index, example) in examples.enumerated() {
            guard example.shortest > 0 else {
                throw TextError(.invalidBatching, "example \(index) has no tokens; expected at least one")
            }
            guard example.longest <= options.maxLength else {
                throw TextError(
                    .invalidBatching,
                    "example \(index) has \(example.longest) tokens but maxLength is \(options.maxLength); "
                        + "truncate it or raise maxLength")
            }
        }
        self.examples = examples
        self.options = options
        self.keys = keys
        let (largest, sequences) =
            examples.map { (BatchFill(options, holding: $0).tokens, $0.sequences) }.max { $0.0 < $1.0 }
            ?? (0, 1)
        if let maxTokens = options.maxTokens, maxTokens < largest {
            throw TextError(
                .invalidBatching,
                "maxTokens is \(maxTokens) but one \(sequences == 1 ? "sequence" : "example") takes \(largest) tokens; "
                    + "raise maxTokens or truncate"
            )
        }
    }

    /// Whether epochs may have different numbers of batches: the order of the examples decides how many fit into one.
    package var variesByEpoch: Bool { options.maxTokens != nil || keys != nil }

    /// The example indices of each batch of an epoch, in the order they are trained on.
    package func batches(epoch: Int) -> [[Int]] {
        var order = Array(examples.indices)
        var generator = SplitMix64(seed: options.seed, epoch: epoch)
        if options.shuffle { generator.shuffle(&order) }
        guard options.mode == .uniform else { return cut(order) }

        var buckets: [Int: [Int]] = [:]
        for index in order {
            buckets[(examples[index].longest - 1) / options.bucketWidth, default: []].append(index)
        }
        var batches = buckets.sorted { $0.key < $1.key }.flatMap { cut($0.value) }
        if options.shuffle { generator.shuffle(&batches) }
        return batches
    }

    /// Cuts the order into batches that respect `batchSize` and `maxTokens`.
    private func cut(_ order: [Int]) -> [[Int]] {
        guard let keys else { return cutInOrder(order) }
        var batches: [[Int]] = []
        // Examples that share a key with one of a batch wait, and are the first of the next one.
        var (next, waiting) = (0, [Int]())
        while next < order.count || !waiting.isEmpty {
            var (batch, fill, taken) = ([Int](), BatchFill(options), Set<Int>())
            var (isFull, left) = (false, [Int]())
            func offer(_ index: Int) {
                isFull = isFull || !batch.isEmpty && !fill.takes(examples[index])
                guard !isFull, taken.isDisjoint(with: keys[index]) else { return left.append(index) }
                taken.formUnion(keys[index])
                batch.append(index)
                fill.add(examples[index])
            }
            waiting.forEach(offer)
            while next < order.count, !isFull {
                offer(order[next])
                next += 1
            }
            batches.append(batch)
            waiting = left
        }
        return batches
    }

    private func cutInOrder(_ order: [Int]) -> [[Int]] {
        var batches: [[Int]] = []
        var batch: [Int] = []
        var fill = BatchFill(options)
        for index in order {
            if !batch.isEmpty, !fill.takes(examples[index]) {
                batches.append(batch)
                (batch, fill) = ([], BatchFill(options))
            }
            batch.append(index)
            fill.add(examples[index])
        }
        if !batch.isEmpty { batches.append(batch) }
        return batches
    }

    /// The extents of the batches that take most memory in some epochs: those with most sequences, most tokens, the
    /// longest slot, and most tokens times the longest slot.
    ///
    /// - Parameter pieces: examples of the pieces that batches are cut into, the last one perhaps smaller.
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
        let fill = fill(of: batch)
        return BatchShape(
            examples: batch.count, sequences: fill.sequences, tokens: fill.tokens,
            maxLength: options.mode == .fixed ? options.maxLength : fill.longest)
    }

    private func fill(of batch: [Int]) -> BatchFill {
        batch.reduce(into: BatchFill(options)) { $0.add(examples[$1]) }
    }

    /// How much of an epoch is padding.
    package func report(epoch: Int) -> EpochReport {
        var report = EpochReport(epoch: epoch)
        for batch in batches(epoch: epoch) {
            let fill = fill(of: batch)
            report.add(
                sequences: fill.sequences, realTokens: fill.realTokens,
                paddedTokens: fill.tokens - fill.realTokens)
        }
        return report
    }
}

/// A batch that is being filled.
private struct BatchFill {
    let options: BatchingOptions
    private(set) var (examples, sequences, realTokens, longest) = (0, 0, 0, 0)

    init(_ options: BatchingOptions) { self.options = options }

    init(_ options: BatchingOptions, holding example: ExampleExtent) {
        self.init(options)
        add(example)
    }

    mutating func add(_ example: ExampleExtent) {
        examples += 1
        sequences += example.sequences
        realTokens += example.tokens
        longest = max(longest, example.longest)
    }

    /// Whether there is room for an example.
    func takes(_ example: ExampleExtent) -> Bool {
        var next = self
        next.add(example)
        return examples < options.batchSize && next.tokens <= options.maxTokens ?? .max
    }

    /// Tokens with padding.
    var tokens: Int {
        switch options.mode {
        case .fixed: sequences * options.maxLength
        case .dynamic, .uniform: sequences * longest
        case .packed: realTokens
        }
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
    package let examples: Int
    package let sequences: Int
    package let tokens: Int
    /// Tokens of the longest slot.
    package let maxLength: Int

    /// - Parameter examples: as many as sequences when `nil`.
    package init(examples: Int? = nil, sequences: Int, tokens: Int, maxLength: Int) {
        self.examples = examples ?? sequences
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
