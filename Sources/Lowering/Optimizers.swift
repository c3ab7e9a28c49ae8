import GraphIR
import KernelIR

extension RowBuilder {
    mutating func adamW(
        _ a: AdamWAttributes, _ x: AdamWOperands<Value>
    ) throws(Stop) -> [ElementID] {
        let (p, g) = (try operand(x.parameter), try operand(x.gradient))
        let (m, v) = (try operand(x.mean), try operand(x.square))
        let (rate, correction1) = (try operand(x.rate), try operand(x.correction1))
        let (correction2, scale) = (try operand(x.correction2), try operand(x.gradientScale))
        let gradient = program.multiplying(g, scale)
        let m2 = program.adding(program.scaling(m, a.beta1), program.scaling(gradient, 1 - a.beta1))
        let square = program.multiplying(gradient, gradient)
        let v2 = program.adding(program.scaling(v, a.beta2), program.scaling(square, 1 - a.beta2))
        let root = program.dividing(program.unary(.sqrt, v2), program.unary(.sqrt, correction2))
        let update = program.dividing(m2, program.adding(root, program.constant(a.epsilon)))
        let decay = program.subtracting(program.constant(1), program.scaling(rate, a.weightDecay))
        let step = program.multiplying(program.dividing(rate, correction1), update)
        return [program.subtracting(program.multiplying(p, decay), step), m2, v2]
    }
}
