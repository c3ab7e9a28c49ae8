import GraphIR

extension RewriteRule {
    /// Identities of casts.
    static let casts: [RewriteRule] = [
        // cast(x, type of x) = x
        RewriteRule("cast-own-type") { (site, graph) throws(IRError) in
            guard case .elementwise(.cast) = site.op, graph.type(of: site.operands[0]) == site.type else {
                return nil
            }
            return site.operands[0]
        },
        // cast(cast(x, B), C) = cast(x, C) where B holds every value of x's type exactly
        RewriteRule("cast-cast") { (site, graph) throws(IRError) in
            guard case .elementwise(.cast(let outer)) = site.op,
                case .elementwise(.cast(let middle)) = graph.producer(site.operands[0]).op
            else {
                return nil
            }
            let x = graph.producer(site.operands[0]).operands[0]
            guard isLossless(from: graph.type(of: x).element, to: middle) else { return nil }
            return try graph.emit(.cast(outer), [x], label: site.label)
        },
        // cast(reshape(x), narrower) = reshape(cast(x, narrower)), for the node that makes x to round it
        RewriteRule("narrow-reshape") { (site, graph) throws(IRError) in
            guard case .elementwise(.cast(let element)) = site.op,
                case .shape(.reshape) = graph.producer(site.operands[0]).op,
                element.byteCount < graph.type(of: site.operands[0]).element.byteCount
            else {
                return nil
            }
            let reshape = graph.producer(site.operands[0])
            let narrow = try graph.emit(.cast(element), [reshape.operands[0]], label: site.label)
            return try graph.emit(reshape.op, [narrow], label: reshape.label)
        },
        // reshape(cast(x, wider)) = cast(reshape(x), wider), for the node that reads it to widen it
        RewriteRule("widen-reshape") { (site, graph) throws(IRError) in
            guard case .shape(.reshape) = site.op,
                case .elementwise(.cast(let element)) = graph.producer(site.operands[0]).op
            else {
                return nil
            }
            let cast = graph.producer(site.operands[0])
            guard element.byteCount > graph.type(of: cast.operands[0]).element.byteCount else { return nil }
            let narrow = try graph.emit(site.op, [cast.operands[0]], label: site.label)
            return try graph.emit(.cast(element), [narrow], label: cast.label)
        },
    ]
}

/// Whether every value of one element type is a value of another.
private func isLossless(from: ElementType, to: ElementType) -> Bool {
    switch (from, to) {
    case (.bool, _), (.f16, .f32), (.bf16, .f32), (.i32, .i64): true
    default: from == to
    }
}
