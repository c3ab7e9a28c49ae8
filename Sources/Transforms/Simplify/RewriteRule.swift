import GraphIR

/// One identity: recognises a node that matches its left side and builds its right side. Only nodes with operands
/// and one result are offered to rules.
///
/// ```swift
/// // √(x · x) = |x|
/// let rule = RewriteRule("root-of-square") { (site, graph) throws(IRError) in
///     guard case .elementwise(.unary(.sqrt)) = site.op else { return nil }
///     let square = graph.producer(site.operands[0])
///     guard case .elementwise(.binary(.mul)) = square.op, square.operands[0] == square.operands[1] else { return nil }
///     return try graph.emit(.unary(.abs), [square.operands[0]], label: site.label)
/// }
/// ```
public struct RewriteRule: Sendable {
    /// What errors call the rule.
    public let name: String
    /// The value that can stand for the site's node, or `nil` where the rule does not apply. It must have the
    /// node's type.
    public let rewrite: @Sendable (RewriteSite, inout GraphRewriter) throws(IRError) -> Value?

    /// A rule.
    ///
    /// - Parameters:
    ///   - name: what errors call it.
    ///   - rewrite: gives the value that can stand for the node, or `nil`.
    public init(
        _ name: String,
        _ rewrite: @escaping @Sendable (RewriteSite, inout GraphRewriter) throws(IRError) -> Value?
    ) {
        self.name = name
        self.rewrite = rewrite
    }
}

/// A node as rules see it: not yet in the new graph, its operands already there.
public struct RewriteSite {
    /// The node's op.
    public let op: Op
    /// What it reads, as values of the new graph.
    public let operands: [Value]
    /// For each operand, whether nothing but this node reads it: then its node goes away with a rewrite.
    public let isOnlyReader: [Bool]
    /// The type of its result, which a rewrite must keep.
    public let type: TensorType
    /// Where the node stands in the model; give it to what stands for the node.
    public let label: String
}

extension GraphRewriter {
    /// Element type and shape of a new value.
    public func type(of value: Value) -> TensorType { result.type(of: value) }

    /// The node that computes a new value.
    public func producer(_ value: Value) -> Node { result[value.node] }

    /// The number that every element of a constant is; `nil` for anything else.
    public func splat(_ value: Value) -> Double? {
        if case .source(.constant(.splat(let number), _)) = producer(value).op { number } else { nil }
    }
}
