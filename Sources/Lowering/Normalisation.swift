import GraphIR
import KernelIR

extension RowBuilder {
    mutating func normalisation(
        _ op: Op.Normalisation, _ x: [Value], _ id: NodeID
    ) throws(Stop) -> [ElementID] {
        switch op {
        case .softmax: return [try softmax(id, section.graph[id])]
        case .softmaxGradient:
            let (dy, y) = (try operand(x[0]), try operand(x[1]))
            let total = program.sum(program.multiplying(dy, y))
            return [program.multiplying(y, program.subtracting(dy, total))]
        case .layerNorm(let epsilon):
            let input = try operand(x[0])
            let (mean, rstd) = statistics(input, epsilon)
            return [normalized(input, mean, rstd, try operand(x[1]), try operand(x[2])), mean, rstd]
        case .rowStatistics(let epsilon):
            let (mean, rstd) = statistics(try operand(x[0]), epsilon)
            return [mean, rstd]
        case .normalize:
            let input = try operand(x[0])
            let (mean, rstd) = (try operand(x[1], .row), try operand(x[2], .row))
            return [normalized(input, mean, rstd, try operand(x[3]), try operand(x[4]))]
        case .layerNormGradient: return try layerNormGradient(x)
        }
    }

    private mutating func softmax(_ id: NodeID, _ node: Node) throws(Stop) -> ElementID {
        var x = try operand(node.operands[0])
        var inside: ElementID?
        if node.operands.count == 2 {
            let limits = section.type(node.operands[1])
            var access = Access.rows(try buffer(node.operands[1], of: id), .i32)
            access.divisor = Extent(node.types[0].shape[limits.rank...].dropLast())
            let condition = program.compare(.lt, program.add(.column), program.load(access))
            x = program.select(condition, x, program.constant(-.infinity))
            inside = condition
        }
        var e = program.unary(.exp, program.subtracting(x, program.max(x)))
        if let inside { e = program.select(inside, e, program.constant(0)) }
        let y = program.multiplying(e, program.dividing(program.constant(1), program.sum(e)))
        guard let inside else { return y }
        return program.select(inside, y, program.constant(0))
    }

    /// The number of columns as f32.
    private mutating func width() -> ElementID {
        program.add(.cast(program.add(.extent(view.columns)), .f32))
    }

    private mutating func statistics(_ x: ElementID, _ epsilon: Double) -> (mean: ElementID, rstd: ElementID)
    {
        let width = width()
        let mean = program.dividing(program.sum(x), width)
        let centred = program.subtracting(x, mean)
        let variance = program.dividing(program.sum(program.multiplying(centred, centred)), width)
        let deviation = program.unary(.sqrt, program.adding(variance, program.constant(epsilon)))
        return (mean, program.dividing(program.constant(1), deviation))
    }

    private mutating func normalized(
        _ x: ElementID, _ mean: ElementID, _ rstd: ElementID, _ gamma: ElementID, _ beta: ElementID
    ) -> ElementID {
        let normal = program.multiplying(program.subtracting(x, mean), rstd)
        return program.adding(program.multiplying(normal, gamma), beta)
    }

    /// With x̂ = (x - mean) rstd and h = dy gamma: dx = rstd (h - mean(h) - x̂ mean(h x̂)); the other two results
    /// are what to add up over the rows for dgamma and dbeta: dy x̂ and dy.
    private mutating func layerNormGradient(_ x: [Value]) throws(Stop) -> [ElementID] {
        let (dy, input, gamma) = (try operand(x[0]), try operand(x[1]), try operand(x[2]))
        let (mean, rstd) = (try operand(x[3], .row), try operand(x[4], .row))
        let normal = program.multiplying(program.subtracting(input, mean), rstd)
        let h = program.multiplying(dy, gamma)
        let width = width()
        let meanH = program.dividing(program.sum(h), width)
        let meanHX = program.dividing(program.sum(program.multiplying(h, normal)), width)
        let centred = program.subtracting(
            program.subtracting(h, meanH), program.multiplying(normal, meanHX))
        return [program.multiplying(rstd, centred), program.multiplying(dy, normal), dy]
    }
}
