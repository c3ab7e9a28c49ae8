import GraphIR

/// Where a value lies that has no memory of its own: in that of another value, row by row.
package struct StorageView: Hashable, Sendable {
    /// The value in whose memory it lies.
    package let base: Value
    /// Elements of `base` that come before the first one.
    package let offset: Extent
    /// The axis of the value from which on its elements are neighbours.
    package let columnAxis: Int
    /// Elements of one row.
    package let columns: Extent
    /// Elements from the start of a row to the start of the next one; `columns` when rows are neighbours.
    package let stride: Extent

    /// All of `base`, whatever its shape.
    package static func whole(_ base: Value) -> StorageView {
        StorageView(base: base, offset: .fixed(0), columnAxis: 0, columns: .one, stride: .one)
    }

    /// Whether elements follow one another in the value's own order.
    package var isContiguous: Bool { columns == stride }

    package var isWhole: Bool { isContiguous && offset == .fixed(0) }

    /// The view of a slice from `shape` to `result`, of a value with this view; `nil` where its rows are not evenly apart.
    package func slice(_ shape: [Dimension], _ result: [Dimension], axis: Int, start: Int) -> StorageView? {
        guard let offset = sum(offset, .fixed(start) * Extent(shape[(axis + 1)...])) else { return nil }
        let columns = Extent(result[axis...])
        var stride = Extent(shape[axis...])
        if !isContiguous {
            guard axis >= columnAxis, Extent(shape[columnAxis..<axis]) == .one else { return nil }
            stride = self.stride
        }
        let isOneRow = Extent(result[..<axis]) == .one
        return StorageView(
            base: base, offset: offset, columnAxis: axis, columns: columns,
            stride: isOneRow ? columns : stride)
    }

    /// The same elements under another shape; `nil` where an axis would run over the end of a row.
    package func reshaped(_ shape: [Dimension], _ result: [Dimension]) -> StorageView? {
        guard !isContiguous else { return self }
        let rows = Extent(shape[..<columnAxis])
        let axis = (0...result.count).first { axis in
            Extent(result[..<axis]) == rows && Extent(result[axis...]) == columns
        }
        return axis.map {
            StorageView(base: base, offset: offset, columnAxis: $0, columns: columns, stride: stride)
        }
    }

    /// Whether a value `[tokens, heads, headSize]` has all heads of a token side by side, tokens a fixed distance apart.
    package func isHeads(_ type: TensorType) -> Bool {
        type.rank == 3 && columnAxis == 1 && stride.fixedValue != nil
    }

    private func sum(_ a: Extent, _ b: Extent) -> Extent? {
        if a == .fixed(0) { return b }
        if b == .fixed(0) { return a }
        guard let first = a.fixedValue, let second = b.fixedValue else { return nil }
        return .fixed(first + second)
    }
}
