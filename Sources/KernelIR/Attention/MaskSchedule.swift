import GraphIR

/// A mask as one attention kernel runs it: by tiles of scores.
package struct MaskSchedule: Hashable, Sendable {
    package let mask: AttentionMask
    package let heads: Int
    package let tile: AttentionTile

    package init(mask: AttentionMask, heads: Int, tile: AttentionTile) {
        self.mask = mask
        self.heads = heads
        self.tile = tile
    }
}

extension MaskSchedule: CustomStringConvertible {
    /// `mask bigbird`; parameters can be long.
    package var description: String {
        "mask " + mask.patterns.map { $0.description.prefix { $0 != "(" } }.joined(separator: ";")
    }
}
