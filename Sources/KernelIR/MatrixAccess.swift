import GraphIR

/// A matrix in a buffer: element (i, j) stands at `i * rowStride + j * columnStride`; one of the strides is 1.
package struct MatrixAccess: Hashable, Sendable {
    package var buffer: Int
    package var rowStride: Extent
    package var columnStride: Extent

    package init(buffer: Int, rowStride: Extent, columnStride: Extent) {
        self.buffer = buffer
        self.rowStride = rowStride
        self.columnStride = columnStride
    }
}

extension MatrixAccess {
    /// Whether neighbours in memory are neighbours in a column.
    package var isTransposed: Bool { rowStride == .one && columnStride != .one }
}

extension MatrixAccess: CustomStringConvertible {
    package var description: String { "b\(buffer)(\(rowStride), \(columnStride))" }
}
