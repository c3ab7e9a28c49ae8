import GraphIR

/// A view of element-wise work as rows and columns, with one access an operand.
private struct RowView {
    var rows: Extent
    var columns: Extent
    var accesses: [Access]
}

extension Lowering {
    mutating func elementwise(_ id: NodeID) throws(IRError) {
        let node = graph[id]
        let types = node.operands.map(type)
        if case .custom(let op) = node.op { try checkCustom(op, node, id) }
        guard let view = rowView(node.types[0], types) else {
            throw unsupported(id, "these operands broadcast along more than two separate groups of axes")
        }
        var program = ElementProgram()
        var buffers = standardBuffers(id)
        var loads: [ElementID] = []
        for (index, access) in view.accesses.enumerated() {
            if let value = splat(node.operands[index]) {
                loads.append(program.constant(value, types[index].element.computeType))
                buffers[index] = .unused
            } else {
                loads.append(program.load(access))
            }
        }
        let result = try apply(node.op, loads, types, &program, id)
        let target = Access.elements(types.count, node.types[0].element, columns: view.columns)
        emit(id, [.rows(map(view, program, [.element(target, result)]))], buffers: buffers)
    }

    /// The number in every element of a splat constant.
    private func splat(_ value: Value) -> Double? {
        if case .constant(.splat(let number), _) = graph[value.node].op { number } else { nil }
    }

    private func apply(
        _ op: Op, _ x: [ElementID], _ types: [TensorType], _ program: inout ElementProgram, _ id: NodeID
    ) throws(IRError) -> ElementID {
        switch op {
        case .unary(let function):
            return program.apply(function, x[0], types[0].element)
        case .unaryGradient(let function):
            guard let slope = program.derivative(function, x[1]) else {
                throw unsupported(id, "'\(function.rawValue)' has no derivative")
            }
            return program.multiplying(x[0], slope)
        case .binary(let function): return program.binary(function, x[0], x[1])
        case .compare(let comparison): return program.compare(comparison, x[0], x[1])
        case .select: return program.select(x[0], x[1], x[2])
        case .cast(let element): return program.add(.cast(x[0], element.computeType))
        case .custom(let custom): return try applyCustom(custom, x, id, &program)
        default: preconditionFailure("not element-wise: \(op.mnemonic)")
        }
    }

    mutating func dropout(_ id: NodeID, rate: Double, stream: Int) {
        let node = graph[id]
        let type = node.types[0]
        let columns = Extent(type.shape.suffix(1))
        let rows = Extent(type.shape.dropLast())
        var program = ElementProgram()
        let x = program.load(.elements(0, type.element, columns: columns))
        let keep = program.add(.keep(rate: rate, stream: stream, rng: 1))
        let y = program.select(keep, program.scaling(x, 1 / (1 - rate)), program.constant(0))
        let view = RowView(rows: rows, columns: columns, accesses: [])
        emit(id, [.rows(map(view, program, [.element(.elements(2, type.element, columns: columns), y)]))])
    }

    mutating func adamW(_ id: NodeID, _ a: AdamWAttributes) {
        let columns = Extent(graph[id].types[0].shape)
        var program = ElementProgram()
        func element(_ buffer: Int) -> Access { .elements(buffer, .f32, columns: columns) }
        let (p, g) = (program.load(element(0)), program.load(element(1)))
        let (m, v) = (program.load(element(2)), program.load(element(3)))
        let scalars = (4...7).map { program.load(.scalar($0, .f32)) }
        let (rate, correction1, correction2, scale) = (scalars[0], scalars[1], scalars[2], scalars[3])
        let gradient = program.multiplying(g, scale)
        let m2 = program.adding(program.scaling(m, a.beta1), program.scaling(gradient, 1 - a.beta1))
        let square = program.multiplying(gradient, gradient)
        let v2 = program.adding(program.scaling(v, a.beta2), program.scaling(square, 1 - a.beta2))
        let root = program.dividing(program.unary(.sqrt, v2), program.unary(.sqrt, correction2))
        let update = program.dividing(m2, program.adding(root, program.constant(a.epsilon)))
        let decay = program.subtracting(program.constant(1), program.scaling(rate, a.weightDecay))
        let step = program.multiplying(program.dividing(rate, correction1), update)
        let p2 = program.subtracting(program.multiplying(p, decay), step)
        let view = RowView(rows: .one, columns: columns, accesses: [])
        let stores = zip(8..., [p2, m2, v2]).map { RowKernel.Store.element(element($0), $1) }
        emit(id, [.rows(map(view, program, stores))])
    }

    private func map(_ view: RowView, _ program: ElementProgram, _ stores: [RowKernel.Store]) -> RowKernel {
        RowKernel(
            rows: view.rows, columns: view.columns, program: program.ops, stores: stores,
            tasks: tasks(view.rows * view.columns))
    }

    /// Groups adjacent axes along which every operand does the same (runs or repeats). One group becomes a flat
    /// loop, two become rows and columns, three become nested rows and columns.
    private func rowView(_ result: TensorType, _ operands: [TensorType]) -> RowView? {
        var groups: [(runs: [Bool], axes: [Dimension])] = []
        for (axis, extent) in result.shape.enumerated() where extent != 1 {
            let runs = operands.map { operand in
                let own = axis - (result.rank - operand.rank)
                return own >= 0 && operand.shape[own] != 1
            }
            if groups.last?.runs == runs {
                groups[groups.count - 1].axes.append(extent)
            } else {
                groups.append((runs, [extent]))
            }
        }
        guard groups.count <= 3 else { return nil }
        let columns = Extent(groups.last?.axes ?? [])
        let outer = groups.dropLast().map { Extent($0.axes) }
        let rows = outer.reduce(.one, *)
        var accesses: [Access] = []
        for (index, operand) in operands.enumerated() {
            let hasColumns = groups.last?.runs[index] ?? false
            var access = Access.scalar(index, operand.element)
            access.hasColumns = hasColumns
            let width = hasColumns ? columns : .one
            switch groups.dropLast().map({ $0.runs[index] }) {
            case [], [false], [false, false]: break
            case [true], [true, true]: access.rowStride = width
            case [true, false]:
                access.rowStride = width
                access.divisor = outer[1]
            case [false, true]:
                access.rowStride = width
                access.modulus = outer[1]
            default: preconditionFailure("at most two outer groups")
            }
            accesses.append(access)
        }
        return RowView(rows: rows, columns: columns, accesses: accesses)
    }
}
