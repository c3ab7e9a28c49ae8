/// How an op runs over rows and columns: what it can share a kernel with.
package enum IterationKind: Hashable, Sendable {
    /// A number that any kernel can make: constants and extents.
    case free
    /// Each element depends on one element of each operand, which may broadcast.
    case map
    /// Some result needs whole rows, which begin at axis `columns`.
    case row(columns: Int)
    /// A sum over rows: complete when all rows are.
    case crossRow(columns: Int)
    /// A product of two matrices.
    case contraction
    /// A kernel of its own.
    case opaque
}

/// What a node iterates over, and how.
package struct Iteration {
    package let kind: IterationKind
    package let shape: [Dimension]
    /// Where the columns of the rows begin; `nil` when any view of the elements will do.
    package let columnAxis: Int?
    /// Results of a row op that are sums over all rows, one number per column.
    private let columnSums: Range<Int>

    /// Over the shape of the first of `types`.
    ///
    /// - Parameter columnAxis: for elements that count rows and columns; the other kinds know it.
    init(
        _ kind: IterationKind, over types: [TensorType], columnAxis: Int? = nil,
        columnSums: Range<Int> = 0..<0
    ) {
        self.kind = kind
        self.columnSums = columnSums
        shape = types.first?.shape ?? []
        switch kind {
        case .row(let axis): self.columnAxis = axis
        case .crossRow(let axis): self.columnAxis = axis == 0 ? nil : axis
        case .free, .map, .contraction, .opaque: self.columnAxis = columnAxis
        }
    }

    /// Whether a result is complete only when all rows are.
    package func isSumOverRows(_ result: Int) -> Bool {
        if case .crossRow = kind { true } else { columnSums.contains(result) }
    }

    /// Whether one of these types, with a number for each row, could as well have one for each column: in a kernel with
    /// others its shape does not say which.
    package func hasRowsLikeColumns(_ types: [TensorType]) -> Bool {
        guard case .row(let axis) = kind, shape.prefix(axis).contains(where: { $0 != 1 }) else {
            return false
        }
        return types.contains { hasNumberForEachRow($0) && broadcasts($0.shape, to: shape) }
    }

    /// Whether a result of this type of a row op has one number for each row: the axes of rows are left, and perhaps some of
    /// extent 1.
    package func hasNumberForEachRow(_ type: TensorType) -> Bool {
        guard case .row(let axis) = kind, type.rank < shape.count else { return false }
        return type.shape.filter { $0 != 1 } == shape.prefix(axis).filter { $0 != 1 }
    }

    /// Whether no result is a sum over rows.
    package var isRowWise: Bool { if case .crossRow = kind { false } else { columnSums.isEmpty } }
}

extension Node {
    /// How the node runs over rows and columns, given its operands' types.
    package func iteration(_ operands: [TensorType]) -> Iteration { op.iteration(operands, types) }
}

/// Whether a tensor of `shape` can be read along with one of shape `full`, repeating where it broadcasts.
package func broadcasts(_ shape: [Dimension], to full: [Dimension]) -> Bool {
    guard shape.count <= full.count else { return false }
    return zip(shape.reversed(), full.reversed()).allSatisfy { $0 == $1 || $0 == 1 }
}

/// How one number of a tensor serves several rows.
package enum RowRepetition: Equatable {
    /// One for each row, or one for all.
    case none
    /// One for so many rows that follow one another.
    case blocks(Extents)
    /// The same ones again after so many rows.
    case cycles(Extents)

    package typealias Extents = [Dimension]
}

/// How a tensor that has no columns of its own stands to rows of the shape `rows`; `nil` where it does not broadcast to
/// them, or repeats in a way that no kernel has.
package func rowRepetition(_ shape: [Dimension], over rows: [Dimension]) -> RowRepetition? {
    guard broadcasts(shape, to: rows) else { return nil }
    let axes = rows.indices.filter { rows[$0] != 1 }
    let runs = axes.map { TensorType(.f32, shape).runs(along: $0, of: rows) }
    guard let first = runs.first, let last = runs.last, runs.contains(true), runs.contains(false) else {
        return RowRepetition.none
    }
    let change = runs.firstIndex { $0 != first } ?? runs.count
    guard runs[change...].allSatisfy({ $0 == last }), first != last else { return nil }
    let tail = axes[change...].map { rows[$0] }
    return first ? .blocks(tail) : .cycles(tail)
}

/// Axes of `shape` in groups along which all of `types` do the same, run or repeat: the columns, and at most two
/// groups of rows before them.
///
/// - Parameters:
///   - types: tensors that broadcast to `shape`.
///   - columnAxis: where the columns must begin, if that matters; else they are the last group.
/// - Returns: `nil` when that takes more groups, which no kernel has loops for.
package func axisGroups(
    _ shape: [Dimension], _ types: [TensorType], columnAxis: Int?
) -> (rows: [[Int]], columns: [Int])? {
    var groups: [(runs: [Bool], axes: [Int])] = []
    for axis in shape.indices where shape[axis] != 1 {
        let runs = types.map { $0.runs(along: axis, of: shape) }
        let startsColumns = columnAxis.map { axis >= $0 && (groups.last?.axes[0] ?? $0) < $0 } ?? false
        if !startsColumns, groups.last?.runs == runs {
            groups[groups.count - 1].axes.append(axis)
        } else {
            groups.append((runs, [axis]))
        }
    }
    let rows =
        columnAxis.map { start in groups.prefix { $0.axes[0] < start }.count } ?? max(0, groups.count - 1)
    guard rows <= 2, groups.count - rows <= 1 else { return nil }
    return (groups.prefix(rows).map(\.axes), groups.dropFirst(rows).first?.axes ?? [])
}

extension TensorType {
    /// Whether a tensor that broadcasts to `shape` changes along its axis `axis`.
    package func runs(along axis: Int, of shape: [Dimension]) -> Bool {
        let own = axis - (shape.count - rank)
        return own >= 0 && self.shape[own] != 1
    }
}
