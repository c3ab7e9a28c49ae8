/// Makes the batches of a tokenised data set.
///
/// ```swift
/// let batcher = try Batcher(encodings, options: BatchingOptions(mode: .packed, batchSize: 32))
/// for batch in batcher.batches(epoch: 0) { ... }
/// for batch in batcher.batches(epoch: 0, from: 17) { ... }  // the same batches, from the 18th on
/// ```
package struct Batcher: Sendable {
    package let encodings: [Encoding]
    package let groups: ExampleGroups
    package let plan: BatchPlan

    /// - Parameters:
    ///   - groups: which encodings make up an example; each is one when `nil`.
    ///   - keys: what no two examples of a batch may share; see `BatchPlan`.
    package init(
        _ encodings: [Encoding], groups: ExampleGroups? = nil, keys: [[Int]]? = nil, options: BatchingOptions
    ) throws(TextError) {
        let groups = groups ?? ExampleGroups(singles: encodings.count)
        self.encodings = encodings
        self.groups = groups
        let extents = (0..<groups.count).map { example in
            ExampleExtent(lengths: groups[example].lazy.map { encodings[$0].count })
        }
        plan = try BatchPlan(extents, options: options, keys: keys)
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
            case .dynamic, .uniform: indices.reduce(0) { max($0, plan.examples[$1].longest) }
            case .packed: nil
            }
        return Batch(encodings, examples: indices, of: groups, slotLength: slotLength, plan.options)
    }
}
