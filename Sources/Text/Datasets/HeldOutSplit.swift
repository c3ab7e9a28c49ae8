import Support

/// Examples that are kept out of training, the same ones for the same data, share and seed.
package struct HeldOutSplit: Sendable, Equatable {
    /// The places of the examples that stay, in order.
    package private(set) var train: [Int] = []
    /// Those that are kept out, in order.
    package private(set) var heldOut: [Int] = []

    /// Takes the share of each label's examples, so that both parts have the labels in the same proportions (stratified): in all
    /// the share of all examples, rounded. A label with a single example stays.
    ///
    /// - Parameters:
    ///   - labels: those of the examples; equal ones for a plain split.
    ///   - share: more than 0, less than 1.
    package init(labels: [String], share: Double, seed: Int) {
        let groups = Dictionary(grouping: labels.indices) { TextKey(labels[$0]) }.sorted { $0.key < $1.key }
        let total = Int((share * Double(labels.count)).rounded())
        let exact = groups.map { share * Double($0.value.count) }
        var counts = exact.map { Int($0) }
        // The largest remainders first, then in the order of labels.
        let order = groups.indices.sorted {
            (exact[$1] - Double(counts[$1]), $0) < (exact[$0] - Double(counts[$0]), $1)
        }
        for index in order where counts.reduce(0, +) < total && counts[index] + 1 < groups[index].value.count
        {
            counts[index] += 1
        }
        var generator = SplitMix64(seed: UInt64(bitPattern: Int64(seed)))
        var taken: Set<Int> = []
        for (group, count) in zip(groups, counts) {
            var places = group.value
            generator.shuffle(&places)
            taken.formUnion(places.prefix(count))
        }
        for index in labels.indices {
            if taken.contains(index) { heldOut.append(index) } else { train.append(index) }
        }
    }
}
