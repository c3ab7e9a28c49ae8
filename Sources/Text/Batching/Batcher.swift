/// Makes the batches of a tokenised data set.
///
/// ```swift
/// let batcher = try Batcher(encodings, options: BatchingOptions(mode: .packed, batchSize: 32))
/// for batch in batcher.batches(epoch: 0) { ... }
/// for batch in batcher.batches(epoch: 0, from: 17) { ... }  // the same batches, from the 18th on
/// ```
package struct Batcher: Sendable {
    package let encodings: [Encoding]
    package let plan: BatchPlan

    package init(_ encodings: [Encoding], options: BatchingOptions) throws(TextError) {
        self.encodings = encodings
        plan = try BatchPlan(lengths: encodings.map(\.count), options: options)
    }

    /// The batches of an epoch from the one with index `first` on, laid out one at a time.
    package func batches(epoch: Int, from first: Int = 0) -> some Sequence<Batch> {
        plan.batches(epoch: epoch).dropFirst(first).lazy.map { layOut($0) }
    }

    /// Puts any examples into one batch the way the options say.
    package func layOut(_ indices: [Int]) -> Batch {
        let slotLength: Int? =
            switch plan.options.mode {
            case .fixed: plan.options.maxLength
            case .dynamic, .uniform: indices.reduce(0) { max($0, encodings[$1].count) }
            case .packed: nil
            }
        return Batch(encodings, indices: indices, slotLength: slotLength, plan.options)
    }
}
