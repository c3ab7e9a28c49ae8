import GraphIR

extension RewriteRule {
    /// Identities of numbers. Where an operand is to stand for the result it must have the result's type: in
    /// `x + 0` the zero may be what gives the sum its shape.
    static let arithmetic: [RewriteRule] = [
        // x + 0 = x, 0 + x = x
        RewriteRule("add-zero") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.add)) = site.op else { return nil }
            return otherOperand(site, graph, whereOneIs: 0)
        },
        // x - 0 = x
        RewriteRule("sub-zero") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.sub)) = site.op else { return nil }
            return firstOperand(site, graph, whereSecondIs: 0)
        },
        // x * 1 = x, 1 * x = x
        RewriteRule("mul-one") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.mul)) = site.op else { return nil }
            return otherOperand(site, graph, whereOneIs: 1)
        },
        // x / 1 = x
        RewriteRule("div-one") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.div)) = site.op else { return nil }
            return firstOperand(site, graph, whereSecondIs: 1)
        },
        // x / c = x * (1 / c) where c = ±2^k: then 1 / c is exact and both sides round the same number.
        RewriteRule("div-power-of-two") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.div)) = site.op, site.type.element.isFloat,
                let c = graph.splat(site.operands[1]),
                c.isNormal, c.magnitude.significand == 1, isNormal(c, in: site.type.element),
                isNormal(1 / c, in: site.type.element)
            else { return nil }
            let type = graph.type(of: site.operands[1])
            let factor = try graph.emit(.constant(.splat(1 / c), type: type), [], label: site.label)
            return try graph.emit(.binary(.mul), [site.operands[0], factor], label: site.label)
        },
        // (x * c) * d = x * (c d), unless the product of the constants overflows or underflows. One rounding
        // less.
        RewriteRule("scale-twice") { (site, graph) throws(IRError) in
            guard site.type.element.isFloat, let (inner, d) = scaled(site.op, site.operands, graph),
                let (x, c) = scaled(graph.producer(inner).op, graph.producer(inner).operands, graph),
                graph.type(of: x) == site.type, isNormal(c * d, in: site.type.element)
            else { return nil }
            let scalar = TensorType(site.type.element, [])
            let factor = try graph.emit(.constant(.splat(c * d), type: scalar), [], label: site.label)
            return try graph.emit(.binary(.mul), [x, factor], label: site.label)
        },
        // -(-x) = x
        RewriteRule("neg-neg") { (site, graph) throws(IRError) in
            guard case .elementwise(.unary(.neg)) = site.op else { return nil }
            return negated(site.operands[0], graph)
        },
        // a + (-b) = a - b, (-a) + b = b - a
        RewriteRule("add-neg") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.add)) = site.op else { return nil }
            let (a, b) = (site.operands[0], site.operands[1])
            if let positive = negated(b, graph) {
                return try graph.emit(.binary(.sub), [a, positive], label: site.label)
            }
            guard let positive = negated(a, graph) else { return nil }
            return try graph.emit(.binary(.sub), [b, positive], label: site.label)
        },
        // a - (-b) = a + b
        RewriteRule("sub-neg") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.sub)) = site.op, let positive = negated(site.operands[1], graph)
            else {
                return nil
            }
            return try graph.emit(.binary(.add), [site.operands[0], positive], label: site.label)
        },
        // select(true, a, b) = a, select(false, a, b) = b, broadcast to the result's shape
        RewriteRule("select-constant") { (site, graph) throws(IRError) in
            guard case .elementwise(.select) = site.op, let condition = graph.splat(site.operands[0]) else {
                return nil
            }
            let chosen = site.operands[condition != 0 ? 1 : 2]
            guard graph.type(of: chosen) != site.type else { return chosen }
            return try graph.emit(.broadcast(site.type.shape), [chosen], label: site.label)
        },
    ]
}

/// The operand beside a splat of `number`, when it has the result's type.
private func otherOperand(_ site: RewriteSite, _ graph: GraphRewriter, whereOneIs number: Double) -> Value? {
    let (a, b) = (site.operands[0], site.operands[1])
    if graph.splat(b) == number, graph.type(of: a) == site.type { return a }
    if graph.splat(a) == number, graph.type(of: b) == site.type { return b }
    return nil
}

/// The first operand, when the second is a splat of `number` and the first has the result's type.
private func firstOperand(_ site: RewriteSite, _ graph: GraphRewriter, whereSecondIs number: Double) -> Value?
{
    let first = site.operands[0]
    return graph.splat(site.operands[1]) == number && graph.type(of: first) == site.type ? first : nil
}

/// `x` and `c` of `x * c` or `c * x`.
private func scaled(_ op: Op, _ operands: [Value], _ graph: GraphRewriter) -> (x: Value, c: Double)? {
    guard case .elementwise(.binary(.mul)) = op else { return nil }
    if let c = graph.splat(operands[1]) { return (operands[0], c) }
    return graph.splat(operands[0]).map { (operands[1], $0) }
}

/// `x` of `-x`.
private func negated(_ value: Value, _ graph: GraphRewriter) -> Value? {
    guard case .elementwise(.unary(.neg)) = graph.producer(value).op else { return nil }
    return graph.producer(value).operands[0]
}

/// Whether a number is neither zero, subnormal nor too large in a float type.
private func isNormal(_ number: Double, in element: ElementType) -> Bool {
    switch element {
    case .f32, .bf16: Float(number).isNormal
    case .f16: (0x1p-14...65504).contains(number.magnitude)
    case .i8, .i32, .i64, .bool: false
    }
}
