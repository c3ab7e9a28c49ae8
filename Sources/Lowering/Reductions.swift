import GraphIR
import KernelIR

extension GraphLowering {
    mutating func reduce(_ id: NodeID, _ op: Op.Reduce) throws(IRError) {
        let section = section(id)
        if section.kind(id) != .opaque { return try rowSection(section, id) }
        let operand = type(graph[id].operands[0])
        let live = operand.shape.indices.filter { operand.shape[$0] != 1 }
        transposedReduce(
            id, op.function, operand, kept: live.filter { !op.axes.contains($0) },
            reduced: live.filter(op.axes.contains))
    }

    /// Kept axes first, then a row reduction.
    private mutating func transposedReduce(
        _ id: NodeID, _ reduction: Reduction, _ operand: TensorType, kept: [Int], reduced: [Int]
    ) {
        let rows = Extent(kept.map { operand.shape[$0] })
        let columns = Extent(reduced.map { operand.shape[$0] })
        let copy = transposition(operand, kept + reduced, source: 0, target: 2)
        var program = ElementProgram()
        let x = program.load(.elements(2, operand.element, columns: columns))
        let y = program.add(.reduce(reduction, x))
        let fold = RowKernel(
            rows: rows, columns: columns, program: program.ops,
            stores: [.element(.rows(1, operand.element), y)], tasks: tasks(rows * columns))
        let size = rows * columns * (operand.element == .i64 ? .fixed(2) : .one)
        emit(id, [copy, .rows(fold)], buffers: standardBuffers(id) + [workspace(size)])
    }
}
