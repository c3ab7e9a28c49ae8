// cross_entropy           loss[i] = lse[i] - logits[i, labels[i]], lse[i] = log Σ_c exp logits[i, c]; 0 where the
//                         label is `ignore_index`; operands (logits [n, classes], labels i32[n]), results (loss, lse)
// cross_entropy_gradient  dlogits = (exp(logits - lse) - onehot(label)) dloss, 0 in ignored rows; operands
//                         (dloss [n], logits, labels, lse)

extension Op {
    func crossEntropyTypes(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        let isGradient = if case .crossEntropyGradient = self { true } else { false }
        try expect(operands, isGradient ? 4...4 : 2...2)
        let logits = operands[isGradient ? 1 : 0]
        let labels = operands[isGradient ? 2 : 1]
        guard logits.rank == 2, logits.element.isFloat, labels == TensorType(.i32, [logits.shape[0]]) else {
            throw .type("needs logits [n, classes] and labels i32[n], got \(logits) and \(labels)")
        }
        let row = TensorType(.f32, [logits.shape[0]])
        guard isGradient else { return [row, row] }
        guard operands[0] == row, operands[3] == row else {
            throw .type("needs dloss and lse \(row), got \(operands[0]) and \(operands[3])")
        }
        return [logits]
    }

    func crossEntropyVJP(_ rule: VJP) throws(IRError) -> [Tensor?] {
        guard case .crossEntropy(let ignoreIndex) = self else { throw noGradient() }
        let (logits, labels, lse) = (rule.operands[0], rule.operands[1], rule.results[1])
        let op = Op.crossEntropyGradient(ignoreIndex: ignoreIndex)
        let gradient = rule.builder.apply(op, [rule.cotangent, logits, labels, lse])
        guard let dlse = rule.cotangents[1] else { return [gradient, nil] }
        // ∂lse / ∂logits = softmax(logits)
        let column: [Dimension] = [logits.shape[0], 1]
        let softmax = (logits.cast(.f32) - lse.reshaped(column)).exp()
        return [gradient + (softmax * dlse.reshaped(column)).cast(logits.type.element), nil]
    }
}
