import GraphIR

extension RewriteRule {
    /// What element-wise ops repeat by themselves needs no memory of its own.
    static let broadcasts: [RewriteRule] = [
        // f(broadcast(a), b) = f(a, b) where f's own broadcasting gives the same shape
        RewriteRule("broadcast-into-elementwise") { (site, graph) throws(IRError) in
            try shrinking(site, &graph) { value, graph in
                guard case .shape(.broadcast) = graph.producer(value).op else { return nil }
                return .value(graph.producer(value).operands[0])
            }
        },
        // f(splat of a shape, b) = f(scalar, b) where b alone gives the shape
        RewriteRule("splat-into-elementwise") { (site, graph) throws(IRError) in
            try shrinking(site, &graph) { value, graph in
                guard graph.type(of: value).rank > 0 else { return nil }
                return graph.splat(value).map(SmallerOperand.scalar)
            }
        },
    ]
}

/// What an element-wise op can read instead of an operand of the result's shape.
private enum SmallerOperand {
    case value(Value)
    case scalar(Double)
}

/// The site's node on smaller operands, as far as `smaller` has one and the result's type stays the same.
private func shrinking(
    _ site: RewriteSite, _ graph: inout GraphRewriter, _ smaller: (Value, GraphRewriter) -> SmallerOperand?
) throws(IRError) -> Value? {
    switch site.op {
    case .elementwise(.binary), .elementwise(.compare), .elementwise(.select): break
    default: return nil
    }
    var operands = site.operands
    var types = operands.map(graph.type(of:))
    for index in operands.indices {
        guard let candidate = smaller(operands[index], graph) else { continue }
        var trial = types
        switch candidate {
        case .value(let value): trial[index] = graph.type(of: value)
        case .scalar: trial[index] = TensorType(types[index].element, [])
        }
        guard try site.op.resultTypes(trial) == [site.type] else { continue }
        types = trial
        operands[index] =
            switch candidate {
            case .value(let value): value
            case .scalar(let number):
                try graph.emit(.constant(.splat(number), type: types[index]), [], label: site.label)
            }
    }
    return operands == site.operands ? nil : try graph.emit(site.op, operands, label: site.label)
}
