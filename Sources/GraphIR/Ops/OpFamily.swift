/// What a family of ops defines of its members, in one file. Each requirement is met by a switch over the members
/// without a `default:`, so that the compiler asks a new op for all of it.
protocol OpFamily: Hashable, Sendable {
    /// How the members are written, one row per op; the parser knows what is listed here.
    static var spellings: [any OpSpelling] { get }
    /// The op as its row of `spellings` writes it.
    var text: OpText { get }
    /// The shape rule: types of the results for operands of these types; throws when the op can't take them.
    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType]
    /// The gradient rule, see `Op.operandGradients`.
    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?]
    /// How the op runs over rows and columns, given the types of its operands and results.
    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration
    /// What other modules ask of the op.
    var traits: OpTraits { get }
}

extension OpFamily {
    func noGradient() -> IRError { IRError("gradient", "'\(text.mnemonic)' has no gradient rule") }

    /// Checks the number of operands.
    func expect(_ operands: [TensorType], _ counts: ClosedRange<Int>) throws(IRError) {
        guard counts.contains(operands.count) else {
            let wanted = counts.lowerBound == counts.upperBound ? "\(counts.lowerBound)" : "\(counts)"
            throw .type("takes \(wanted) operands, got \(operands.count)")
        }
    }
}
