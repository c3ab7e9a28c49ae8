// cross_entropy           loss[i] = lse[i] - logits[i, labels[i]], lse[i] = log Σ_c exp logits[i, c]; 0 where the
//                         label is `ignore_index`; operands (logits [n, classes], labels i32[n]), results (loss, lse)
// cross_entropy_gradient  dlogits = (exp(logits - lse) - onehot(label)) dloss, 0 in ignored rows; operands
//                         (dloss [n], logits, labels, lse)

extension Op {
    /// Losses with their gradients.
    public enum Loss: Hashable, Sendable {
        /// The loss of each row, and its log-sum-exp.
        case crossEntropy(ignoreIndex: Int)
        /// The gradient with respect to the logits.
        case crossEntropyGradient(ignoreIndex: Int)
    }

    /// Losses of rows of logits against integer classes; see `Tensor.crossEntropy`.
    public static func crossEntropy(ignoreIndex: Int) -> Op { .loss(.crossEntropy(ignoreIndex: ignoreIndex)) }

    package static func crossEntropyGradient(ignoreIndex: Int) -> Op {
        .loss(.crossEntropyGradient(ignoreIndex: ignoreIndex))
    }
}

extension Op.Loss: OpFamily {
    private enum Row {
        static let crossEntropy = Spelling("cross_entropy", .int("ignore_index")) {
            .crossEntropy(ignoreIndex: $0)
        }
        static let crossEntropyGradient = Spelling("cross_entropy_gradient", .int("ignore_index")) {
            .crossEntropyGradient(ignoreIndex: $0)
        }
    }

    static let spellings: [any OpSpelling] = [Row.crossEntropy, Row.crossEntropyGradient]

    var text: OpText {
        switch self {
        case .crossEntropy(let ignoreIndex): Row.crossEntropy(ignoreIndex)
        case .crossEntropyGradient(let ignoreIndex): Row.crossEntropyGradient(ignoreIndex)
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        switch self {
        case .crossEntropy:
            try expect(operands, 2...2)
            let row = try rows(logits: operands[0], labels: operands[1])
            return [row, row]
        case .crossEntropyGradient:
            try expect(operands, 4...4)
            let row = try rows(logits: operands[1], labels: operands[2])
            guard operands[0] == row, operands[3] == row else {
                throw .type("needs dloss and lse \(row), got \(operands[0]) and \(operands[3])")
            }
            return [operands[1]]
        }
    }

    /// The type of one number per row.
    private func rows(logits: TensorType, labels: TensorType) throws(IRError) -> TensorType {
        guard logits.rank == 2, logits.element.isFloat, labels == TensorType(.i32, [logits.shape[0]]) else {
            throw .type("needs logits [n, classes] and labels i32[n], got \(logits) and \(labels)")
        }
        return TensorType(.f32, [logits.shape[0]])
    }

    func gradients(_ rule: VJP) throws(IRError) -> [Tensor?] {
        switch self {
        case .crossEntropy(let ignoreIndex):
            let (logits, labels, lse) = (rule.operands[0], rule.operands[1], rule.results[1])
            let op = Op.crossEntropyGradient(ignoreIndex: ignoreIndex)
            let gradient = rule.builder.apply(op, [rule.cotangent, logits, labels, lse])
            guard let dlse = rule.cotangents[1] else { return [gradient, nil] }
            // ∂lse / ∂logits = softmax(logits)
            let column: [Dimension] = [logits.shape[0], 1]
            let softmax = (logits.cast(.f32) - lse.reshaped(column)).exp()
            return [gradient + (softmax * dlse.reshaped(column)).cast(logits.type.element), nil]
        case .crossEntropyGradient:
            throw noGradient()
        }
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        switch self {
        case .crossEntropy: Iteration(.row(columns: 1), over: operands)
        case .crossEntropyGradient: Iteration(.map, over: results, columnAxis: 1)
        }
    }

    var traits: OpTraits {
        switch self {
        case .crossEntropy:
            OpTraits(
                results: 2, merges: true, folding: .small, isElementWise: false, byAddress: 0..<0,
                lowPrecision: 0..<0, integers: [IntegerOperand(1, .below(.axis(1, operand: 0)))],
                work: .elements(10), word: nil, dropoutStream: nil)
        case .crossEntropyGradient:
            OpTraits(
                results: 1, merges: true, folding: .small, isElementWise: false, byAddress: 0..<0,
                lowPrecision: 0..<0, integers: [IntegerOperand(2, .below(.axis(1, operand: 1)))],
                work: .elements(20), word: "dcross_entropy", dropoutStream: nil)
        }
    }
}
