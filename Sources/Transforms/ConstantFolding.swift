import GraphIR
import Interpreter

extension Pass {
    /// Computes nodes whose operands are all constants, with the interpreter and rounded as at run time.
    ///
    /// Fixed shapes fold up to `maxFoldedElements` elements of operands and results together. A splat stays a
    /// splat through element-wise ops and ops that move elements, whatever the shape, symbolic ones included.
    /// A result with a NaN is left for run time, where the step that made it can be reported.
    package static let constantFolding = Pass("constant-folding") { (graph: inout Graph) throws(IRError) in
        var rewriter = GraphRewriter(graph)
        var changed = false
        for id in graph.nodeIDs {
            let node = graph[id]
            if let literals = try folded(node, rewriter.operands(id), rewriter.result) {
                var values: [Value] = []
                for (literal, type) in zip(literals, node.types) {
                    values.append(try rewriter.emit(.constant(literal, type: type), [], label: node.label))
                }
                rewriter.replace(id, with: values)
                changed = true
            } else {
                try rewriter.copy(id)
            }
        }
        if changed { graph = rewriter.finish() }
        return changed
    }
}

/// The most elements that a node may read and write to be folded: what is larger would bloat the graph.
private let maxFoldedElements = 4096

/// A constant operand: its number or numbers, and its type.
private typealias ConstantOperand = (literal: Literal, type: TensorType)

/// The results of a node with constant operands (which are values of `graph`); `nil` when it must stay.
private func folded(_ node: Node, _ operands: [Value], _ graph: Graph) throws(IRError) -> [Literal]? {
    var constants: [ConstantOperand] = []
    for operand in operands {
        guard case .source(.constant(let literal, let type)) = graph[operand.node].op else { return nil }
        constants.append((literal, type))
    }
    // Equal elements are a splat.
    if case .source(.constant(.dense(let numbers), _)) = node.op, case .splat(let number) = literal(numbers) {
        return [.splat(number)]
    }
    switch node.op.traits.folding {
    case .never: return nil
    case .moved: if let number = commonSplat(constants) { return [.splat(number)] }
    case .elements: if let scalars = scalars(constants) { return try evaluated(node.op, scalars) }
    case .small: break
    }
    var elements = 0
    for type in constants.map(\.type) + node.types {
        guard let extents = type.extents([:]) else { return nil }
        elements += extents.reduce(1, *)
    }
    return elements <= maxFoldedElements ? try evaluated(node.op, constants) : nil
}

/// The number that all operands are splats of.
private func commonSplat(_ operands: [ConstantOperand]) -> Double? {
    guard let scalars = scalars(operands), case .splat(let first)? = scalars.first?.literal,
        scalars.allSatisfy({
            if case .splat(let number) = $0.literal { isSame(number, first) } else { false }
        })
    else { return nil }
    return first
}

/// The operands as scalars, when all of them are splats.
private func scalars(_ operands: [ConstantOperand]) -> [ConstantOperand]? {
    var scalars: [ConstantOperand] = []
    for (literal, type) in operands {
        guard case .splat = literal else { return nil }
        scalars.append((literal, TensorType(type.element, [])))
    }
    return scalars
}

/// What the interpreter makes of one node; `nil` when it refuses (an id out of range, say) or gives a NaN.
private func evaluated(_ op: Op, _ operands: [ConstantOperand]) throws(IRError) -> [Literal]? {
    var graph = Graph(name: "constant")
    var values: [Value] = []
    for (literal, type) in operands {
        values.append(Value(try graph.append(.constant(literal, type: type), [])))
    }
    let node = try graph.append(op, values)
    for result in graph[node].types.indices { graph.addOutput("\(result)", Value(node, result: result)) }
    guard let outputs = try? Interpreter(graph: graph).run([:]).outputs else { return nil }
    var literals: [Literal] = []
    for result in graph[node].types.indices {
        guard let numbers = outputs["\(result)"]?.values, !numbers.contains(where: \.isNaN) else {
            return nil
        }
        literals.append(literal(numbers))
    }
    return literals
}

/// Numbers as a splat where they are all the same.
private func literal(_ numbers: [Double]) -> Literal {
    guard let first = numbers.first, numbers.allSatisfy({ isSame($0, first) }) else { return .dense(numbers) }
    return .splat(first)
}

/// Whether two numbers have the same bits: 0 and -0 differ.
private func isSame(_ a: Double, _ b: Double) -> Bool { a.bitPattern == b.bitPattern }
