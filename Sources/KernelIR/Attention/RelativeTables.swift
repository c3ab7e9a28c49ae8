import GraphIR

/// The buffers of the keys and queries that distances have, [rows, heads, headSize] of the kernel's element type.
package struct RelativeTables: Hashable, Sendable {
    package let keys: Int?
    package let queries: Int?
    /// Distances: 2n - 1.
    package let rows: Int

    package init(keys: Int?, queries: Int?, rows: Int) {
        (self.keys, self.queries, self.rows) = (keys, queries, rows)
    }

    package var buffers: [Int] { [keys, queries].compactMap(\.self) }

    /// The longest sequence that they serve.
    package var longest: Int { (rows + 1) / 2 }
}

/// The gradients of relative tables, which all sequences add to. Every group of sequences (`AttentionKernel.groups`) and
/// part of keys has a plane of its own in `partial`, f32 [heads, rows + window, paddedSize], to which whole windows of
/// distances are added. `sumRelativeGradients` makes the results of them.
package struct RelativeGradient: Hashable, Sendable {
    package struct Table: Hashable, Sendable {
        package let result: Int
        package let partial: Int

        package init(result: Int, partial: Int) { (self.result, self.partial) = (result, partial) }
    }

    package let keys: Table?
    package let queries: Table?

    package init(keys: Table?, queries: Table?) { (self.keys, self.queries) = (keys, queries) }

    package var tables: [Table] { [keys, queries].compactMap(\.self) }
}

extension AttentionKernel {
    /// Elements of one plane of a table's gradient.
    package var relativePlane: Int { relative.map { ($0.rows + tile.window) * heads * paddedSize } ?? 0 }

    /// Planes of each table's gradient.
    package var relativePlanes: Int { relativeGradient == nil ? 0 : (groups ?? 0) * parts }
}
