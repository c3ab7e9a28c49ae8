/// Some sequences laid end to end, as the model's inputs want them.
///
/// Sequence `s` has the slot `offsets[s]..<offsets[s + 1]`; its first `lengths[s]` tokens are real, the rest
/// is padding.
package struct Batch: Sendable, Equatable {
    /// `[tokens]`; padding has the padding id.
    package let ids: [Int32]
    /// `[tokens]`; padding has type 0.
    package let typeIDs: [Int32]
    /// `[tokens]`; each slot counts from 0, padding goes on counting. The options' `uncountedID` has -1.
    package let positions: [Int32]
    /// `[sequences + 1]`, from 0 to the number of tokens.
    package let offsets: [Int32]
    /// `[sequences]`, real tokens of each sequence.
    package let lengths: [Int32]
    /// `[sequences]`, where each sequence is among the encodings of the data set.
    package let sequenceIndices: [Int]
    /// `[examples]`, where each example is in the data set.
    package let exampleIndices: [Int]
    /// `[examples + 1]`: the sequences of example `e` are `exampleOffsets[e]..<exampleOffsets[e + 1]` of the batch.
    package let exampleOffsets: [Int32]
    /// Tokens of the longest slot.
    package let maxLength: Int
    package let realTokens: Int

    package var sequences: Int { lengths.count }
    package var examples: Int { exampleIndices.count }
    /// All tokens, padding included.
    package var tokens: Int { ids.count }
    /// Padding tokens alone.
    package var paddedTokens: Int { tokens - realTokens }

    /// Lays out the sequences of some examples.
    ///
    /// - Parameter slotLength: the length of every slot, at least that of the longest sequence; `nil` gives
    ///   each sequence a slot of its own length.
    init(
        _ encodings: [Encoding], examples: [Int], of groups: ExampleGroups, slotLength: Int?,
        _ options: BatchingOptions
    ) {
        let indices = examples.flatMap { groups[$0] }
        let padID = options.padID
        let real = indices.reduce(0) { $0 + encodings[$1].count }
        let total = slotLength.map { $0 * indices.count } ?? real
        var ids: [Int32] = []
        var typeIDs: [Int32] = []
        var positions: [Int32] = []
        var offsets: [Int32] = [0]
        ids.reserveCapacity(total)
        typeIDs.reserveCapacity(total)
        positions.reserveCapacity(total)
        offsets.reserveCapacity(indices.count + 1)
        for index in indices {
            let encoding = encodings[index]
            let slot = slotLength ?? encoding.count
            ids.append(contentsOf: encoding.ids)
            ids.append(contentsOf: repeatElement(padID, count: slot - encoding.count))
            typeIDs.append(contentsOf: encoding.typeIDs)
            typeIDs.append(contentsOf: repeatElement(0, count: slot - encoding.count))
            if let uncounted = options.uncountedID, encoding.ids.contains(uncounted) {
                Self.append(positions: ids.suffix(slot), without: uncounted, to: &positions)
            } else {
                positions.append(contentsOf: 0..<Int32(slot))
            }
            offsets.append(Int32(ids.count))
        }
        self.ids = ids
        self.typeIDs = typeIDs
        self.positions = positions
        self.offsets = offsets
        lengths = indices.map { Int32(encodings[$0].count) }
        sequenceIndices = indices
        exampleIndices = examples
        exampleOffsets = examples.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int32(groups[$1].count)) }
        maxLength = slotLength ?? indices.reduce(0) { max($0, encodings[$1].count) }
        realTokens = real
    }

    private static func append(
        positions ids: ArraySlice<Int32>, without uncounted: Int32, to positions: inout [Int32]
    ) {
        var next: Int32 = 0
        for id in ids {
            positions.append(id == uncounted ? -1 : next)
            if id != uncounted { next += 1 }
        }
    }
}
