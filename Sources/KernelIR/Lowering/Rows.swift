import GraphIR

// Row reductions and normalisations: every one an element program for the row template.

extension Lowering {
    /// The operand as rows and columns of its last axis.
    private func lastAxis(_ type: TensorType) -> (rows: Extent, columns: Extent) {
        (Extent(type.shape.dropLast()), Extent(type.shape.suffix(1)))
    }

    private mutating func emitRows(
        _ id: NodeID, _ shape: (rows: Extent, columns: Extent), _ program: ElementProgram,
        _ stores: [RowProgram.Store]
    ) {
        let kernel = RowKernel(
            rows: shape.rows, columns: shape.columns, program: program.ops, stores: stores,
            tasks: tasks(shape.rows * shape.columns))
        emit(id, [.rows(kernel)])
    }

    mutating func softmax(_ id: NodeID) {
        let node = graph[id]
        let type = node.types[0]
        let shape = lastAxis(type)
        let hasLimits = node.operands.count == 2
        var program = ElementProgram()
        var x = program.load(.elements(0, type.element, columns: shape.columns))
        var inside: ElementID?
        if hasLimits {
            let limitType = self.type(node.operands[1])
            var access = Access.rows(1, .i32)
            access.divisor = Extent(type.shape[limitType.rank...].dropLast())
            let condition = program.compare(.lt, program.add(.column), program.load(access))
            x = program.select(condition, x, program.constant(-.infinity))
            inside = condition
        }
        var e = program.unary(.exp, program.subtracting(x, program.max(x)))
        if let inside { e = program.select(inside, e, program.constant(0)) }
        var y = program.multiplying(e, program.dividing(program.constant(1), program.sum(e)))
        if let inside { y = program.select(inside, y, program.constant(0)) }
        let target = Access.elements(hasLimits ? 2 : 1, type.element, columns: shape.columns)
        emitRows(id, shape, program, [.element(target, y)])
    }

    mutating func softmaxGradient(_ id: NodeID) {
        let type = graph[id].types[0]
        let shape = lastAxis(type)
        var program = ElementProgram()
        let dy = program.load(.elements(0, type.element, columns: shape.columns))
        let y = program.load(.elements(1, type.element, columns: shape.columns))
        let total = program.sum(program.multiplying(dy, y))
        let dx = program.multiplying(y, program.subtracting(dy, total))
        emitRows(id, shape, program, [.element(.elements(2, type.element, columns: shape.columns), dx)])
    }

    mutating func layerNorm(_ id: NodeID, epsilon: Double) {
        let type = graph[id].types[0]
        let weight = self.type(graph[id].operands[1]).element
        let shape = lastAxis(type)
        var program = ElementProgram()
        let x = program.load(.elements(0, type.element, columns: shape.columns))
        let width = program.add(.cast(program.add(.extent(shape.columns)), .f32))
        let mean = program.dividing(program.sum(x), width)
        let centred = program.subtracting(x, mean)
        let variance = program.dividing(program.sum(program.multiplying(centred, centred)), width)
        let deviation = program.unary(.sqrt, program.adding(variance, program.constant(epsilon)))
        let rstd = program.dividing(program.constant(1), deviation)
        let scaled = program.multiplying(
            program.multiplying(centred, rstd), program.load(.columns(1, weight)))
        let y = program.adding(scaled, program.load(.columns(2, weight)))
        emitRows(
            id, shape, program,
            [
                .element(.elements(3, type.element, columns: shape.columns), y),
                .element(.rows(4, .f32), mean), .element(.rows(5, .f32), rstd),
            ])
    }

    /// With x̂ = (x - mean) rstd and h = dy gamma:
    /// dx = rstd (h - mean(h) - x̂ mean(h x̂)), dgamma = Σ_rows dy x̂, dbeta = Σ_rows dy.
    mutating func layerNormGradient(_ id: NodeID) {
        let type = graph[id].types[0]
        let weight = graph[id].types[1].element
        let shape = lastAxis(type)
        var program = ElementProgram()
        let dy = program.load(.elements(0, type.element, columns: shape.columns))
        let x = program.load(.elements(1, type.element, columns: shape.columns))
        let gamma = program.load(.columns(2, weight))
        let mean = program.load(.rows(3, .f32))
        let rstd = program.load(.rows(4, .f32))
        let normal = program.multiplying(program.subtracting(x, mean), rstd)
        let h = program.multiplying(dy, gamma)
        let width = program.add(.cast(program.add(.extent(shape.columns)), .f32))
        let meanH = program.dividing(program.sum(h), width)
        let meanHX = program.dividing(program.sum(program.multiplying(h, normal)), width)
        let centred = program.subtracting(program.subtracting(h, meanH), program.multiplying(normal, meanHX))
        let dx = program.multiplying(rstd, centred)
        let tasks = Machine.partialTasks
        let partials = Extent.fixed(tasks) * shape.columns
        let stores: [RowProgram.Store] = [
            .element(.elements(5, type.element, columns: shape.columns), dx),
            .columnSum(buffer: 8, program.multiplying(dy, normal)), .columnSum(buffer: 9, dy),
        ]
        let kernel = RowKernel(
            rows: shape.rows, columns: shape.columns, program: program.ops, stores: stores, tasks: tasks)
        let buffers = standardBuffers(id) + [workspace(partials), workspace(partials)]
        emit(
            id,
            [
                .rows(kernel), combine(8, into: 6, weight, shape.columns),
                combine(9, into: 7, weight, shape.columns),
            ], buffers: buffers)
    }

    /// Adds up the `[partialTasks, columns]` partial sums in `partials`, in task order.
    private func combine(
        _ partials: Int, into target: Int, _ element: ElementType, _ columns: Extent
    ) -> Phase {
        var program = ElementProgram()
        var total = program.load(.columns(partials, .f32))
        for task in 1..<Machine.partialTasks {
            var access = Access.columns(partials, .f32)
            access.offset = .fixed(task) * columns
            total = program.adding(total, program.load(access))
        }
        return .rows(
            RowKernel(
                rows: .one, columns: columns, program: program.ops,
                stores: [.element(.elements(target, element, columns: columns), total)], tasks: 1))
    }

    mutating func crossEntropy(_ id: NodeID, _ ignoreIndex: Int) {
        let shape = lastAxis(type(graph[id].operands[0]))
        var program = ElementProgram()
        let x = program.load(.elements(0, type(graph[id].operands[0]).element, columns: shape.columns))
        let label = program.load(.rows(1, .i32))
        let top = program.max(x)
        let total = program.sum(program.unary(.exp, program.subtracting(x, top)))
        let lse = program.adding(top, program.unary(.log, total))
        let hit = program.compare(.eq, program.add(.column), label)
        let picked = program.sum(program.select(hit, x, program.constant(0)))
        let ignored = program.compare(.eq, label, program.constant(Double(ignoreIndex), .i32))
        let loss = program.select(ignored, program.constant(0), program.subtracting(lse, picked))
        emitRows(id, shape, program, [.element(.rows(2, .f32), loss), .element(.rows(3, .f32), lse)])
    }

    mutating func crossEntropyGradient(_ id: NodeID, _ ignoreIndex: Int) {
        let type = graph[id].types[0]
        let shape = lastAxis(type)
        var program = ElementProgram()
        let dloss = program.load(.rows(0, .f32))
        let x = program.load(.elements(1, type.element, columns: shape.columns))
        let label = program.load(.rows(2, .i32))
        let probability = program.unary(.exp, program.subtracting(x, program.load(.rows(3, .f32))))
        let hit = program.compare(.eq, program.add(.column), label)
        let target = program.select(hit, program.constant(1), program.constant(0))
        let ignored = program.compare(.eq, label, program.constant(Double(ignoreIndex), .i32))
        let slope = program.multiplying(program.subtracting(probability, target), dloss)
        let dx = program.select(ignored, program.constant(0), slope)
        emitRows(id, shape, program, [.element(.elements(4, type.element, columns: shape.columns), dx)])
    }

    mutating func gather(_ id: NodeID) {
        let node = graph[id]
        let table = type(node.operands[0])
        let rows = Extent(type(node.operands[1]).shape)
        let columns = Extent(table.shape.dropFirst())
        var access = Access.elements(0, table.element, columns: columns)
        access.indirection = Access.Indirection(ids: 1, rows: Extent(table.shape.prefix(1)))
        var program = ElementProgram()
        let x = program.load(access)
        emitRows(id, (rows, columns), program, [.element(.elements(2, table.element, columns: columns), x)])
    }

    // MARK: Reductions

    mutating func reduce(_ id: NodeID, _ reduction: Reduction, _ axes: [Int]) throws(IRError) {
        let operand = type(graph[id].operands[0])
        let shape = operand.shape
        let live = shape.indices.filter { shape[$0] != 1 }
        let reduced = live.filter(axes.contains)
        let kept = live.filter { !axes.contains($0) }
        let element = operand.element
        if reduced.isEmpty || kept.allSatisfy({ $0 < reduced[0] }) {
            let rows = Extent(kept.map { shape[$0] })
            let columns = Extent(reduced.map { shape[$0] })
            if rows == .one, reduction == .sum, element.isFloat, !reduced.isEmpty {
                fullSum(id, reduced.map { shape[$0] }, element)
            } else {
                rowReduce(id, reduction, (rows, columns), element)
            }
        } else if reduction == .sum, element.isFloat, reduced.last.map({ $0 < kept[0] }) ?? false {
            columnSum(id, Extent(reduced.map { shape[$0] }), Extent(kept.map { shape[$0] }), element)
        } else {
            transposedReduce(id, reduction, operand, kept: kept, reduced: reduced)
        }
    }

    private func rowReducePhase(
        _ reduction: Reduction, _ shape: (rows: Extent, columns: Extent), _ element: ElementType, source: Int,
        target: Int
    ) -> Phase {
        var program = ElementProgram()
        let x = program.load(.elements(source, element, columns: shape.columns))
        let y = program.add(.reduce(reduction, x))
        return .rows(
            RowKernel(
                rows: shape.rows, columns: shape.columns, program: program.ops,
                stores: [.element(.rows(target, element), y)], tasks: tasks(shape.rows * shape.columns)))
    }

    private mutating func rowReduce(
        _ id: NodeID, _ reduction: Reduction, _ shape: (rows: Extent, columns: Extent), _ element: ElementType
    ) {
        emit(id, [rowReducePhase(reduction, shape, element, source: 0, target: 1)])
    }

    /// Rows in parallel into partial column sums, then their sum.
    private mutating func columnSum(_ id: NodeID, _ rows: Extent, _ columns: Extent, _ element: ElementType) {
        var program = ElementProgram()
        let x = program.load(.elements(0, element, columns: columns))
        let partial = RowKernel(
            rows: rows, columns: columns, program: program.ops, stores: [.columnSum(buffer: 2, x)],
            tasks: Machine.partialTasks)
        let buffers = standardBuffers(id) + [workspace(.fixed(Machine.partialTasks) * columns)]
        emit(id, [.rows(partial), combine(2, into: 1, element, columns)], buffers: buffers)
    }

    /// Everything to one number: partial column sums, then one row.
    private mutating func fullSum(_ id: NodeID, _ shape: [Dimension], _ element: ElementType) {
        let columns = Extent(shape.suffix(1))
        let rows = Extent(shape.dropLast())
        guard rows != .one else { return rowReduce(id, .sum, (rows, columns), element) }
        var program = ElementProgram()
        let x = program.load(.elements(0, element, columns: columns))
        let partial = RowKernel(
            rows: rows, columns: columns, program: program.ops, stores: [.columnSum(buffer: 2, x)],
            tasks: Machine.partialTasks)
        let flat = Extent.fixed(Machine.partialTasks) * columns
        var last = ElementProgram()
        let total = last.sum(last.load(.elements(2, .f32, columns: flat)))
        let combine = RowKernel(
            rows: .one, columns: flat, program: last.ops, stores: [.element(.rows(1, element), total)],
            tasks: 1)
        emit(id, [.rows(partial), .rows(combine)], buffers: standardBuffers(id) + [workspace(flat)])
    }

    /// Kept axes first, then a row reduction.
    private mutating func transposedReduce(
        _ id: NodeID, _ reduction: Reduction, _ operand: TensorType, kept: [Int], reduced: [Int]
    ) {
        let rows = Extent(kept.map { operand.shape[$0] })
        let columns = Extent(reduced.map { operand.shape[$0] })
        let copy = transposition(operand, kept + reduced, source: 0, target: 2)
        let fold = rowReducePhase(reduction, (rows, columns), operand.element, source: 2, target: 1)
        let size = rows * columns * (operand.element == .i64 ? .fixed(2) : .one)
        emit(id, [copy, fold], buffers: standardBuffers(id) + [workspace(size)])
    }
}
