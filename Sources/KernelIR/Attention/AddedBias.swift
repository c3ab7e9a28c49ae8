import GraphIR

/// The buffer of a bias, f32.
package struct AddedBias: Hashable, Sendable {
    package let kind: AttentionBias
    package let buffer: Int
    /// Elements of the last axis, and all of them.
    package let columns: Extent
    package let elements: Extent

    package init(kind: AttentionBias, buffer: Int, columns: Extent, elements: Extent) {
        self.kind = kind
        self.buffer = buffer
        self.columns = columns
        self.elements = elements
    }

    /// The longest sequence that it serves.
    package func longest(_ symbols: [String: Int]) -> Int { kind.longest(columns.value(symbols)) }
}

/// The gradient of a bias, which all sequences add to. Groups of sequences (`AttentionKernel.groups`) have planes of their
/// own, and of a bias of distances the parts of keys too; those of pairs own different columns, for which parts are cut
/// from the longest sequence that the bias serves. The first plane is `dbias`, the others are in `partial`.
package struct BiasGradient: Hashable, Sendable {
    package let dbias: Int
    package let partial: Int

    package init(dbias: Int, partial: Int) {
        self.dbias = dbias
        self.partial = partial
    }
}
