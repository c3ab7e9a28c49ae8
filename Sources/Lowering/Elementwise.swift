import GraphIR
import KernelIR

extension RowBuilder {
    mutating func elementwise(
        _ op: Op.Elementwise, _ x: [Value], _ id: NodeID, _ form: Form
    ) throws(Stop) -> ElementID {
        switch op {
        case .unary(let function):
            return program.apply(function, try operand(x[0], form), section.type(x[0]).element)
        case .unaryGradient(let function):
            let dy = try operand(x[0], form)
            guard let slope = program.derivative(function, try operand(x[1], form)) else {
                throw unsupported(id, "'\(function.rawValue)' has no derivative")
            }
            return program.multiplying(dy, slope)
        case .binary(let function):
            return program.binary(function, try operand(x[0], form), try operand(x[1], form))
        case .compare(let comparison):
            return program.compare(comparison, try operand(x[0], form), try operand(x[1], form))
        case .select:
            return program.select(try operand(x[0], form), try operand(x[1], form), try operand(x[2], form))
        case .cast(let element): return program.add(.cast(try operand(x[0], form), element.computeType))
        }
    }

    mutating func dropout(
        _ op: Op.Dropout, _ x: [Value], _ id: NodeID
    ) throws(Stop) -> ElementID {
        let keep = program.add(
            .keep(rate: op.rate, stream: section.buffer(ofStream: op.stream), rng: try buffer(x[1], of: id)))
        let scaled = program.scaling(try operand(x[0]), 1 / (1 - op.rate))
        return program.select(keep, scaled, program.constant(0))
    }

    mutating func stochasticRound(
        _ op: Op.StochasticRound, _ x: [Value], _ id: NodeID
    ) throws(Stop) -> ElementID {
        program.add(
            .stochasticRound(
                try operand(x[0]), stream: section.buffer(ofStream: op.stream),
                rng: try buffer(x[1], of: id)))
    }
}
