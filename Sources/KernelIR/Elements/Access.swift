import GraphIR

/// Where a row kernel reads or writes a buffer at (row, column):
/// `buffer[base + column * (hasColumns ? 1 : 0)]` with `base = r' * rowStride`, where r' is
/// `(row / divisor) % modulus`, replaced by `ids[r']` when the access is indirect. `offset` elements come first.
package struct Access: Hashable, Sendable {
    package var buffer: Int
    package var element: ElementType
    package var divisor: Extent = .one
    package var modulus: Extent?
    package var rowStride: Extent
    package var hasColumns: Bool
    package var offset: Extent = .fixed(0)
    /// The buffer of row numbers (i32) and how many rows the table has; numbers outside are clamped.
    package var indirection: Indirection?
    /// How a stored matrix lies in memory.
    package var layout: Layout = .rowMajor

    package init(buffer: Int, element: ElementType, rowStride: Extent, hasColumns: Bool) {
        self.buffer = buffer
        self.element = element
        self.rowStride = rowStride
        self.hasColumns = hasColumns
    }

    /// An element (row, column) of a matrix, in the panels that products read (`PackPanels`): panels of `width`
    /// columns of the product's right operand, one row of a panel behind the other, rows of bf16 in pairs.
    package enum Layout: Hashable, Sendable {
        case rowMajor
        /// Panels of a matrix with `depth` rows, rounded up to pairs: `(column / width, row, column % width)`.
        case panels(width: Int, depth: Extent)
        /// Panels of its transpose, `depth` being its columns: `(row / width, column, row % width)`.
        case transposedPanels(width: Int, depth: Extent)
    }

    package struct Indirection: Hashable, Sendable {
        package let ids: Int
        package let rows: Extent

        package init(ids: Int, rows: Extent) {
            self.ids = ids
            self.rows = rows
        }
    }

    /// Row-major elements of a `[rows, columns]` buffer.
    package static func elements(_ buffer: Int, _ element: ElementType, columns: Extent) -> Access {
        Access(buffer: buffer, element: element, rowStride: columns, hasColumns: true)
    }

    /// One value a row.
    package static func rows(_ buffer: Int, _ element: ElementType) -> Access {
        Access(buffer: buffer, element: element, rowStride: .one, hasColumns: false)
    }

    /// One value a column.
    package static func columns(_ buffer: Int, _ element: ElementType) -> Access {
        Access(buffer: buffer, element: element, rowStride: .fixed(0), hasColumns: true)
    }

    /// One value.
    package static func scalar(_ buffer: Int, _ element: ElementType) -> Access {
        Access(buffer: buffer, element: element, rowStride: .fixed(0), hasColumns: false)
    }
}

extension Access: CustomStringConvertible {
    package var description: String {
        var terms: [String] = []
        if rowStride != .fixed(0) {
            var row = "row"
            if divisor != .one { row = "(\(row) / \(divisor))" }
            if let modulus { row = "(\(row) % \(modulus))" }
            if let indirection { row = "b\(indirection.ids)[\(row)]" }
            terms.append(rowStride == .one ? row : "\(row) * \(rowStride)")
        }
        if hasColumns { terms.append("column") }
        if offset != .fixed(0) { terms.append("\(offset)") }
        switch layout {
        case .rowMajor: break
        case .panels(let width, _): terms.append("in panels of \(width)")
        case .transposedPanels(let width, _): terms.append("transposed, in panels of \(width)")
        }
        return "b\(buffer)[\(terms.isEmpty ? "0" : terms.joined(separator: " + "))] \(element.rawValue)"
    }
}
