import GraphIR

/// An index into a row kernel's element program.
public typealias ElementID = Int

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
        /// Of a matrix with `depth` rows, rounded up to pairs: `(column / width, row, column % width)`.
        case panels(width: Int, depth: Extent)
        /// Of its transpose, `depth` being its columns: `(row / width, column, row % width)`.
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

/// One step of an element program: what a row kernel computes for each element, or (when nothing in it varies
/// along the columns) once a row. Reduced-precision loads widen to f32 and stores narrow again.
package enum ElementOp: Hashable, Sendable {
    case load(Access)
    case constant(Double, ElementType)
    /// The column number, i32.
    case column
    /// The row number, i32.
    case row
    /// A product of dimensions, i64.
    case extent(Extent)
    case unary(ElementUnary, ElementID)
    case binary(BinaryFunction, ElementID, ElementID)
    case compare(Comparison, ElementID, ElementID)
    case select(ElementID, ElementID, ElementID)
    case cast(ElementID, ElementType)
    /// Sum or maximum over the columns: one value a row, available to later passes over the row.
    case reduce(Reduction, ElementID)
    /// Whether dropout keeps the element; `rng` is the buffer of (seed, step), `stream` that of the stream's number.
    case keep(rate: Double, stream: Int, rng: Int)
}

/// Functions with a vector form of their own; activations are programs of these.
public enum ElementUnary: String, Hashable, Sendable {
    case neg, abs, sign, exp, log, sqrt, tanh, erf, not
}

extension ElementOp {
    /// The steps that this one reads.
    package var operands: [ElementID] {
        switch self {
        case .load, .constant, .column, .row, .extent, .keep: []
        case .unary(_, let x), .cast(let x, _), .reduce(_, let x): [x]
        case .binary(_, let a, let b), .compare(_, let a, let b): [a, b]
        case .select(let c, let a, let b): [c, a, b]
        }
    }

    /// The type in which the step computes, given those of the steps before it.
    package func type(_ types: [ElementType]) -> ElementType {
        switch self {
        case .load(let access): access.element.computeType
        case .constant(_, let type): type
        case .column, .row: .i32
        case .extent: .i64
        case .unary(_, let x), .reduce(_, let x): types[x]
        case .binary(_, let a, _): types[a]
        case .compare, .keep: .bool
        case .select(_, let a, _): types[a]
        case .cast(_, let type): type.computeType
        }
    }
}

extension ElementType {
    /// The type in which kernels compute with elements stored as this one.
    package var computeType: ElementType {
        switch self {
        case .f32, .bf16, .f16: .f32
        case .i32, .i64, .bool: self
        }
    }
}
