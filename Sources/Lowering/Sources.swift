import GraphIR
import KernelIR

extension GraphLowering {
    /// Inputs and parameters are there, and dense constants are filled in by the executor before the first run.
    mutating func source(_ id: NodeID, _ source: Op.Source) {
        switch source {
        case .input, .parameter, .constant(.dense, _): break
        case .constant(.splat(let value), let type):
            fill(id, type, [.constant(value, type.element.computeType)])
        case .iota(let type, let axis): iota(id, type, axis)
        case .dimensionSize(let dimension): fill(id, graph[id].types[0], [.extent(Extent([dimension]))])
        }
    }

    /// One value in every element.
    private mutating func fill(_ id: NodeID, _ type: TensorType, _ program: [ElementOp]) {
        let columns = Extent(type.shape)
        let store = RowProgram.Store.element(.elements(0, type.element, columns: columns), program.count - 1)
        let kernel = RowKernel(
            rows: .one, columns: columns, program: program, stores: [store], tasks: tasks(columns))
        emit(id, [.rows(kernel)])
    }

    private mutating func iota(_ id: NodeID, _ type: TensorType, _ axis: Int) {
        // View the tensor as [before, extent, after]: a row index for the axis needs `after` as columns.
        let after = Extent(type.shape[(axis + 1)...])
        let extent = Extent([type.shape[axis]])
        let before = Extent(type.shape[..<axis])
        var program = ElementProgram()
        let isLast = after == .one
        let index = program.add(isLast ? .column : .row)
        let wrapped: ElementID
        if isLast || before == .one {
            wrapped = index
        } else {
            // row mod extent = row - extent * (row / extent), on integers
            let size = program.add(.cast(program.add(.extent(extent)), .i32))
            let quotient = program.dividing(index, size)
            wrapped = program.subtracting(index, program.multiplying(quotient, size))
        }
        let value = type.element == .i32 ? wrapped : program.add(.cast(wrapped, type.element.computeType))
        let columns = isLast ? extent : after
        let rows = isLast ? before : before * extent
        let kernel = RowKernel(
            rows: rows, columns: columns, program: program.ops,
            stores: [.element(.elements(0, type.element, columns: columns), value)], tasks: 1)
        emit(id, [.rows(kernel)])
    }
}
