import GraphIR

/// One algebraic identity: recognises a node that matches its left side and builds its right side.
struct RewriteRule: Sendable {
    let name: String
    /// The value that can stand for the site's node, or `nil` where the rule does not apply. It must have the
    /// node's type.
    let rewrite: @Sendable (RewriteSite, inout GraphRewriter) throws(IRError) -> Value?

    init(
        _ name: String,
        _ rewrite: @escaping @Sendable (RewriteSite, inout GraphRewriter) throws(IRError) -> Value?
    ) {
        self.name = name
        self.rewrite = rewrite
    }
}

/// A node as rules see it: not yet in the new graph, its operands already there.
struct RewriteSite {
    let op: Op
    let operands: [Value]
    /// For each operand, whether nothing but this node reads it: then its node goes away with a rewrite.
    let isOnlyReader: [Bool]
    let type: TensorType
    let label: String
}

extension GraphRewriter {
    func type(of value: Value) -> TensorType { result.type(of: value) }

    /// The node that computes a new value.
    func producer(_ value: Value) -> Node { result[value.node] }

    /// The number that every element of a constant is; `nil` for anything else.
    func splat(_ value: Value) -> Double? {
        if case .constant(.splat(let number), _) = producer(value).op { number } else { nil }
    }
}
