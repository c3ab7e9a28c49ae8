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
        case .norm(let norm, let epsilon):
            let input = try operand(x[0])
            let statistics = statistics(norm, input, epsilon)
            let beta = try norm.isCentred ? operand(x[2]) : nil
            return [normalized(input, statistics, try operand(x[1]), beta)] + statistics.all
        case .rowStatistics(let norm, let epsilon):
            return statistics(norm, try operand(x[0]), epsilon).all
        case .normalize(let norm):
            let input = try operand(x[0])
            guard norm.isCentred else {
                return [
                    normalized(input, RowStatistics(rstd: try operand(x[1], .row)), try operand(x[2]), nil)
                ]
            }
            let statistics = RowStatistics(mean: try operand(x[1], .row), rstd: try operand(x[2], .row))
            return [normalized(input, statistics, try operand(x[3]), try operand(x[4]))]
        case .normGradient(let norm): return try normGradient(norm, x)
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

    /// What a norm knows of a row: the mean, which RMSNorm has not, and what it multiplies by.
    private struct RowStatistics {
        var mean: ElementID?
        var rstd: ElementID

        /// In the order of the op's results.
        var all: [ElementID] { [mean, rstd].compactMap(\.self) }
    }

    private mutating func statistics(_ norm: Op.Norm, _ x: ElementID, _ epsilon: Double) -> RowStatistics {
        let width = width()
        let mean = norm.isCentred ? program.dividing(program.sum(x), width) : nil
        let centred = mean.map { program.subtracting(x, $0) } ?? x
        let variance = program.dividing(program.sum(program.multiplying(centred, centred)), width)
        let deviation = program.unary(.sqrt, program.adding(variance, program.constant(epsilon)))
        return RowStatistics(mean: mean, rstd: program.dividing(program.constant(1), deviation))
    }

    private mutating func normalized(
        _ x: ElementID, _ statistics: RowStatistics, _ gamma: ElementID, _ beta: ElementID?
    ) -> ElementID {
        let scaled = program.multiplying(normal(x, statistics), gamma)
        return beta.map { program.adding(scaled, $0) } ?? scaled
    }

    /// (x - mean) rstd.
    private mutating func normal(_ x: ElementID, _ statistics: RowStatistics) -> ElementID {
        let centred = statistics.mean.map { program.subtracting(x, $0) } ?? x
        return program.multiplying(centred, statistics.rstd)
    }

    /// With x̂ = (x - mean) rstd and h = dy gamma: dx = rstd (h - mean(h) - x̂ mean(h x̂)); the other two results
    /// are what to add up over the rows for dgamma and dbeta: dy x̂ and dy. RMSNorm's has neither mean, nor dbeta.
    private mutating func normGradient(_ norm: Op.Norm, _ x: [Value]) throws(Stop) -> [ElementID] {
        let (dy, input, gamma) = (try operand(x[0]), try operand(x[1]), try operand(x[2]))
        let mean = try norm.isCentred ? operand(x[3], .row) : nil
        let rstd = try operand(x[x.count - 1], .row)
        let normal = normal(input, RowStatistics(mean: mean, rstd: rstd))
        let h = program.multiplying(dy, gamma)
        let width = width()
        let meanH = norm.isCentred ? program.dividing(program.sum(h), width) : nil
        let meanHX = program.dividing(program.sum(program.multiplying(h, normal)), width)
        let centred = program.subtracting(
            meanH.map { program.subtracting(h, $0) } ?? h, program.multiplying(normal, meanHX))
        let dx = program.multiplying(rstd, centred)
        return [dx, program.multiplying(dy, normal)] + (norm.isCentred ? [dy] : [])
    }
}
