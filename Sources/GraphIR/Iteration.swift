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

extension Node {
    /// The shape over which the node iterates, given its operands' types.
    package func iterationShape(_ operands: [TensorType]) -> [Dimension] {
        switch op {
        case .reduce, .layerNormGradient, .rowStatistics, .crossEntropy: operands[0].shape
        case .crossEntropyGradient: operands[1].shape
        default: types.first?.shape ?? []
        }
    }

    package func iterationKind(_ operands: [TensorType]) -> IterationKind {
        let last = iterationShape(operands).count - 1
        switch op {
        case .constant(.splat, _), .dimensionSize: return .free
        case .unary, .unaryGradient, .binary, .compare, .select, .cast, .broadcast, .dropout, .adamW:
            return .map
        case .normalize, .crossEntropyGradient: return .map
        // What is left of custom ops when fusion runs has an element program.
        case .custom:
            let fits = types.count == 1 && operands.allSatisfy { broadcasts($0.shape, to: types[0].shape) }
            return fits ? .map : .opaque
        case .softmax, .softmaxGradient, .layerNorm, .rowStatistics, .crossEntropy: return .row(columns: last)
        case .layerNormGradient: return .row(columns: last)
        case .gather: return operands[0].rank >= 2 ? .map : .opaque
        case .reduce(let reduction, let axes, _):
            return Self.reductionKind(reduction, axes, operands[0])
        case .matmul:
            return types[0].rank == 2 && types[0].element == .f32 ? .contraction : .opaque
        case .input, .parameter, .constant, .iota, .reshape, .transpose, .slice, .concatenate,
            .raggedMatmul, .scatterAdd, .coalesce, .segmentSum, .segmentBroadcast, .flashAttention,
            .flashAttentionGradient,
            .fusion:
            return .opaque
        }
    }

    /// Where the columns of the node's rows begin; `nil` when any view of the elements will do.
    package func columnAxis(_ operands: [TensorType]) -> Int? {
        switch iterationKind(operands) {
        case .row(let axis): return axis
        case .crossRow(let axis): return axis == 0 ? nil : axis
        case .free, .map, .contraction, .opaque: break
        }
        switch op {
        case .dropout, .normalize, .crossEntropyGradient: return types[0].rank - 1
        case .gather: return operands[1].rank
        default: return nil
        }
    }

    private static func reductionKind(
        _ reduction: Reduction, _ axes: [Int], _ operand: TensorType
    ) -> IterationKind {
        let live = operand.shape.indices.filter { operand.shape[$0] != 1 }
        let reduced = live.filter(axes.contains)
        let kept = live.filter { !axes.contains($0) }
        let isFloatSum = reduction == .sum && operand.element.isFloat
        guard let first = reduced.first, let last = reduced.last else { return .row(columns: operand.rank) }
        if kept.isEmpty { return isFloatSum ? .crossRow(columns: 0) : .row(columns: 0) }
        if kept.allSatisfy({ $0 < first }) { return .row(columns: first) }
        if isFloatSum, kept.allSatisfy({ $0 > last }) { return .crossRow(columns: last + 1) }
        return .opaque
    }
}

/// Whether a tensor of `shape` can be read along with one of shape `full`, repeating where it broadcasts.
package func broadcasts(_ shape: [Dimension], to full: [Dimension]) -> Bool {
    guard shape.count <= full.count else { return false }
    return zip(shape.reversed(), full.reversed()).allSatisfy { $0 == $1 || $0 == 1 }
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
