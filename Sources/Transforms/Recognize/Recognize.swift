import GraphIR

extension Pass {
    /// Puts an op in the place of what other programs write it with: GELU with its error function, LayerNorm with its mean and
    /// variance. Results are equal up to rounding, of which there is less.
    package static let recognize = Pass("recognize") { (graph: inout Graph) throws(IRError) in
        try !RewriteRule.walk(&graph, RewriteRule.recognitions).isEmpty
    }
}

extension RewriteRule {
    /// Ops that are written with others.
    static let recognitions: [RewriteRule] = [
        // x · 1/2 · (1 + erf(x / √2)) = gelu(x), in whatever order the factors stand
        RewriteRule("gelu") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.mul)) = site.op, site.type.element.isFloat,
                let (x, term) = errorTerm(of: site.operands, graph, depth: 3),
                graph.type(of: x) == site.type,
                let product = Factors(site.operands, of: x, and: term, graph), product.isHalf
            else { return nil }
            return try graph.emit(.unary(.gelu), [x], label: site.label)
        },
        // (x - mean(x)) / √(mean((x - mean(x))²) + ε) · γ + β = layer_norm(x, γ, β), over the last axis
        RewriteRule("layer-norm") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.add)) = site.op, let width = site.type.shape.last else {
                return nil
            }
            let row = TensorType(site.type.element, [width])
            for (scaled, beta) in [
                (site.operands[0], site.operands[1]), (site.operands[1], site.operands[0]),
            ]
            where graph.type(of: beta) == row {
                let product = graph.producer(scaled)
                guard case .elementwise(.binary(.mul)) = product.op else { continue }
                let (a, b) = (product.operands[0], product.operands[1])
                for (normal, gamma) in [(a, b), (b, a)] where graph.type(of: gamma) == row {
                    guard let (x, epsilon) = normalized(normal, graph), graph.type(of: x) == site.type else {
                        continue
                    }
                    return try graph.emit(.layerNorm(epsilon: epsilon), [x, gamma, beta], label: site.label)
                }
            }
            return nil
        },
    ]
}

/// How often x and the term 1 + erf(x / √2) stand in a product, and what numbers do.
private struct Factors {
    private var count = (x: 0, term: 0)
    private var number = 1.0

    /// `nil` when the product has other factors.
    init?(_ values: [Value], of x: Value, and term: Value, _ graph: GraphRewriter) {
        for value in values {
            if value == x {
                count.x += 1
            } else if value == term {
                count.term += 1
            } else if let splat = graph.splat(value) {
                number *= splat
            } else {
                let node = graph.producer(value)
                guard case .elementwise(.binary(.mul)) = node.op, count.x + count.term < 3,
                    let inner = Factors(node.operands, of: x, and: term, graph)
                else { return nil }
                count = (count.x + inner.count.x, count.term + inner.count.term)
                number *= inner.number
            }
        }
    }

    var isHalf: Bool { count == (1, 1) && number == 0.5 }
}

/// x and the value 1 + erf(x / √2) among the factors of a product.
private func errorTerm(of factors: [Value], _ graph: GraphRewriter, depth: Int) -> (x: Value, term: Value)? {
    for factor in factors {
        if let found = errorTerm(in: factor, graph, depth: depth) { return found }
    }
    return nil
}

private func errorTerm(in value: Value, _ graph: GraphRewriter, depth: Int) -> (x: Value, term: Value)? {
    let node = graph.producer(value)
    switch node.op {
    case .elementwise(.binary(.mul)) where depth > 0:
        return errorTerm(of: node.operands, graph, depth: depth - 1)
    case .elementwise(.binary(.add)):
        for (one, other) in [(node.operands[0], node.operands[1]), (node.operands[1], node.operands[0])]
        where graph.splat(one) == 1 {
            let error = graph.producer(other)
            guard case .elementwise(.unary(.erf)) = error.op,
                let (x, factor) = scaledValue(error.operands[0], graph),
                abs(factor - 0.5.squareRoot()) < 1e-6
            else { continue }
            return (x, value)
        }
        return nil
    default: return nil
    }
}

/// A value times a number, or divided by one.
private func scaledValue(_ value: Value, _ graph: GraphRewriter) -> (x: Value, factor: Double)? {
    let node = graph.producer(value)
    switch node.op {
    case .elementwise(.binary(.mul)):
        if let factor = graph.splat(node.operands[1]) { return (node.operands[0], factor) }
        return graph.splat(node.operands[0]).map { (node.operands[1], $0) }
    case .elementwise(.binary(.div)): return graph.splat(node.operands[1]).map { (node.operands[0], 1 / $0) }
    default: return nil
    }
}

/// x where `value` is the mean of x over its last axis, of fixed extent, which stays with extent 1.
private func meanOperand(_ value: Value, _ graph: GraphRewriter) -> Value? {
    guard let (sum, factor) = scaledValue(value, graph) else { return nil }
    let node = graph.producer(sum)
    guard case .reduction(let reduce) = node.op, reduce.function == .sum, reduce.keepDimensions,
        let shape = node.operands.first.map({ graph.type(of: $0).shape }), reduce.axes == [shape.count - 1],
        let extent = shape.last?.fixedExtent, abs(factor * Double(extent) - 1) < 1e-6
    else { return nil }
    return node.operands[0]
}

/// x and ε where `value` is (x - mean(x)) / √(mean((x - mean(x))²) + ε).
private func normalized(_ value: Value, _ graph: GraphRewriter) -> (x: Value, epsilon: Double)? {
    let node = graph.producer(value)
    guard node.operands.count == 2 else { return nil }
    let centred: Value
    let variance: Value
    switch node.op {
    case .elementwise(.binary(.div)):
        let root = graph.producer(node.operands[1])
        guard case .elementwise(.unary(.sqrt)) = root.op else { return nil }
        (centred, variance) = (node.operands[0], root.operands[0])
    case .elementwise(.binary(.mul)):
        let root = graph.producer(node.operands[1])
        guard case .elementwise(.unary(.rsqrt)) = root.op else { return nil }
        (centred, variance) = (node.operands[0], root.operands[0])
    default: return nil
    }
    let difference = graph.producer(centred)
    guard case .elementwise(.binary(.sub)) = difference.op,
        meanOperand(difference.operands[1], graph) == difference.operands[0]
    else { return nil }
    let sum = graph.producer(variance)
    guard case .elementwise(.binary(.add)) = sum.op, let epsilon = graph.splat(sum.operands[1]), epsilon >= 0,
        epsilon.isFinite, let square = meanOperand(sum.operands[0], graph)
    else { return nil }
    let product = graph.producer(square)
    guard case .elementwise(.binary(.mul)) = product.op, product.operands == [centred, centred] else {
        return nil
    }
    return (difference.operands[0], epsilon)
}
