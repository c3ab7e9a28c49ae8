import GraphIR
import KernelIR

/// The elements of a shape as rows and columns, so that every tensor that broadcasts to it has one access.
struct RowView {
    let shape: [Dimension]
    let rows: Extent
    let columns: Extent
    private let columnAxes: [Int]
    /// Where the columns begin.
    private let columnAxis: Int
    private let rowAxes: [[Int]]

    /// - Parameters:
    ///   - shape: what is iterated over.
    ///   - types: tensors that broadcast to it and need an access.
    ///   - columnAxis: where the columns must begin, if that matters.
    /// - Returns: `nil` when the tensors broadcast along more groups of axes than a kernel has loops for.
    init?(_ shape: [Dimension], _ types: [TensorType], columnAxis: Int?) {
        guard let groups = axisGroups(shape, types, columnAxis: columnAxis) else { return nil }
        self.shape = shape
        (rowAxes, columnAxes) = groups
        self.columnAxis = columnAxis ?? columnAxes.first ?? shape.count
        rows = Extent(rowAxes.joined().map { shape[$0] })
        columns = Extent(columnAxes.map { shape[$0] })
    }

    /// Whether rows of a tensor that begin at its axis `columnAxis` and lie apart can be read or written one row
    /// at a time.
    func fits(_ type: TensorType, columnAxis: Int) -> Bool {
        guard broadcasts(type.shape, to: shape) else { return false }
        let split = columnAxis + shape.count - type.rank
        return columnAxes.allSatisfy { $0 >= split || !type.runs(along: $0, of: shape) }
            && rowAxes.joined().allSatisfy { $0 < split || !type.runs(along: $0, of: shape) }
    }

    /// The access of a tensor with numbers for rows: one for each, or fewer that serve several.
    func rowAccess(_ type: TensorType, buffer: Int) -> Access {
        var access = Access.rows(buffer, type.element)
        switch rowRepetition(type.shape, over: Array(shape.prefix(columnAxis))) {
        case .blocks(let extents): access.divisor = Extent(extents)
        case .cycles(let extents): access.modulus = Extent(extents)
        case .some(.none), nil: break
        }
        return access
    }

    /// The access of a tensor that broadcasts to the shape; it must be one of those that the view was made for,
    /// or repeat like one.
    func access(_ type: TensorType, buffer: Int, in view: StorageView? = nil) -> Access {
        var access = Access.scalar(buffer, type.element)
        access.hasColumns = columnAxes.first.map { type.runs(along: $0, of: shape) } ?? false
        let width = access.hasColumns ? columns : .one
        switch rowAxes.map({ type.runs(along: $0[0], of: shape) }) {
        case [true], [true, true]: access.rowStride = width
        case [true, false]:
            access.rowStride = width
            access.divisor = Extent(rowAxes[1].map { shape[$0] })
        case [false, true]:
            access.rowStride = width
            access.modulus = Extent(rowAxes[1].map { shape[$0] })
        default: break
        }
        if let view, access.rowStride != .fixed(0) { access.rowStride = view.stride }
        return access
    }
}
