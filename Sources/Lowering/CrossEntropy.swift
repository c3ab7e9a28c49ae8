import GraphIR
import KernelIR

extension RowBuilder {
    mutating func loss(_ op: Op.Loss, _ x: [Value]) throws(Stop) -> [ElementID] {
        switch op {
        case .crossEntropy(let ignored): try crossEntropy(x, ignored)
        case .crossEntropyGradient(let ignored): [try crossEntropyGradient(x, ignored)]
        }
    }

    private mutating func crossEntropy(_ x: [Value], _ ignoreIndex: Int) throws(Stop) -> [ElementID] {
        let (logits, label) = (try operand(x[0]), try operand(x[1], .row))
        let top = program.max(logits)
        let total = program.sum(program.unary(.exp, program.subtracting(logits, top)))
        let lse = program.adding(top, program.unary(.log, total))
        let hit = program.compare(.eq, program.add(.column), label)
        let picked = program.sum(program.select(hit, logits, program.constant(0)))
        let ignored = program.compare(.eq, label, program.constant(Double(ignoreIndex), .i32))
        return [program.select(ignored, program.constant(0), program.subtracting(lse, picked)), lse]
    }

    private mutating func crossEntropyGradient(
        _ x: [Value], _ ignoreIndex: Int
    ) throws(Stop) -> ElementID {
        let (dloss, logits) = (try operand(x[0], .row), try operand(x[1]))
        let (label, lse) = (try operand(x[2], .row), try operand(x[3], .row))
        let probability = program.unary(.exp, program.subtracting(logits, lse))
        let hit = program.compare(.eq, program.add(.column), label)
        let target = program.select(hit, program.constant(1), program.constant(0))
        let ignored = program.compare(.eq, label, program.constant(Double(ignoreIndex), .i32))
        let slope = program.multiplying(program.subtracting(probability, target), dloss)
        return program.select(ignored, program.constant(0), slope)
    }
}
