import GraphIR

extension RewriteRule {
    /// Identities of ops that move elements.
    static let shapes: [RewriteRule] = [
        // reshape(x, shape of x) = x, broadcast(x, shape of x) = x
        RewriteRule("own-shape") { (site, graph) throws(IRError) in
            switch site.op {
            case .shape(.reshape), .shape(.broadcast):
                graph.type(of: site.operands[0]) == site.type ? site.operands[0] : nil
            default: nil
            }
        },
        // reshape(reshape(x, s), t) = reshape(x, t)
        RewriteRule("reshape-reshape") { (site, graph) throws(IRError) in
            guard case .shape(.reshape) = site.op, case .shape(.reshape) = graph.producer(site.operands[0]).op
            else {
                return nil
            }
            return try graph.emit(site.op, graph.producer(site.operands[0]).operands, label: site.label)
        },
        // broadcast(broadcast(x, s), t) = broadcast(x, t)
        RewriteRule("broadcast-broadcast") { (site, graph) throws(IRError) in
            guard case .shape(.broadcast) = site.op,
                case .shape(.broadcast) = graph.producer(site.operands[0]).op
            else {
                return nil
            }
            return try graph.emit(site.op, graph.producer(site.operands[0]).operands, label: site.label)
        },
        // transpose(x, identity) = x
        RewriteRule("transpose-identity") { (site, graph) throws(IRError) in
            guard case .shape(.transpose(let permutation)) = site.op,
                permutation == Array(permutation.indices)
            else {
                return nil
            }
            return site.operands[0]
        },
        // transpose(transpose(x, p), q) = transpose(x, p ∘ q)
        RewriteRule("transpose-transpose") { (site, graph) throws(IRError) in
            guard case .shape(.transpose(let outer)) = site.op,
                case .shape(.transpose(let inner)) = graph.producer(site.operands[0]).op
            else { return nil }
            let x = graph.producer(site.operands[0]).operands
            return try graph.emit(.transpose(outer.map { inner[$0] }), x, label: site.label)
        },
        // slice(x, from 0, extent of x) = x
        RewriteRule("slice-whole") { (site, graph) throws(IRError) in
            guard case .shape(.slice) = site.op, graph.type(of: site.operands[0]) == site.type else {
                return nil
            }
            return site.operands[0]
        },
        // concatenate(x) = x
        RewriteRule("concatenate-one") { (site, graph) throws(IRError) in
            guard case .shape(.concatenate) = site.op, site.operands.count == 1 else { return nil }
            return site.operands[0]
        },
        // Σ (or max) over axes of extent 1, or over none, moves nothing: reduce(x) = reshape(x)
        RewriteRule("reduce-nothing") { (site, graph) throws(IRError) in
            guard case .reduction(let reduce) = site.op else { return nil }
            let shape = graph.type(of: site.operands[0]).shape
            guard reduce.axes.allSatisfy({ shape[$0] == 1 }) else { return nil }
            return try graph.emit(.reshape(site.type.shape), site.operands, label: site.label)
        },
    ]

    /// Transposes around a matmul become its flags.
    static let contractions: [RewriteRule] = [
        // matmul(Aᵀ, B) with a flag instead of the transpose, for either operand; all leading axes stay in
        // place.
        RewriteRule("transpose-into-matmul") { (site, graph) throws(IRError) in
            guard case .contraction(.matmul(var left, var right)) = site.op else { return nil }
            var operands = site.operands
            let isShared = graph.type(of: operands[0]).rank > graph.type(of: operands[1]).rank
            if !isShared, let a = swappedMatrix(operands[0], graph) {
                operands[0] = a
                left.toggle()
            }
            if let b = swappedMatrix(operands[1], graph) {
                operands[1] = b
                right.toggle()
            }
            guard operands != site.operands else { return nil }
            return try graph.emit(
                .matmul(transposeLeft: left, transposeRight: right), operands, label: site.label)
        },
        // (A B)ᵀ = Bᵀ Aᵀ, where nothing else reads A B: weight gradients come out in the weight's own layout.
        RewriteRule("transpose-of-matmul") { (site, graph) throws(IRError) in
            guard case .shape(.transpose(let permutation)) = site.op, swapsMatrix(permutation),
                site.isOnlyReader[0],
                case .contraction(.matmul(let left, let right)) = graph.producer(site.operands[0]).op
            else { return nil }
            let operands = graph.producer(site.operands[0]).operands
            guard graph.type(of: operands[0]).rank == graph.type(of: operands[1]).rank else { return nil }
            return try graph.emit(
                .matmul(transposeLeft: !right, transposeRight: !left), operands.reversed(), label: site.label)
        },
    ]
}

/// `x` of `transpose(x)` that swaps the last two axes and nothing else.
private func swappedMatrix(_ value: Value, _ graph: GraphRewriter) -> Value? {
    let node = graph.producer(value)
    guard case .shape(.transpose(let permutation)) = node.op, swapsMatrix(permutation) else { return nil }
    return node.operands[0]
}

/// Whether a permutation swaps the last two axes and leaves the others.
private func swapsMatrix(_ permutation: [Int]) -> Bool {
    guard permutation.count >= 2 else { return false }
    var swap = Array(permutation.indices)
    swap.swapAt(swap.count - 2, swap.count - 1)
    return permutation == swap
}
