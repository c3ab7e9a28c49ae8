import Foundation
import GraphIR

extension Evaluation {
    func loss(_ op: Op.Loss) throws(InterpreterError) -> [[Double]] {
        switch op {
        case .crossEntropy(let ignored): try crossEntropy(ignoreIndex: ignored)
        case .crossEntropyGradient(let ignored): [try crossEntropyGradient(ignoreIndex: ignored)]
        }
    }

    /// Results (loss, lse), one number per row each; operands (logits, labels).
    private func crossEntropy(ignoreIndex: Int) throws(InterpreterError) -> [[Double]] {
        let logits = operands[0]
        let classes = logits.shape[1]
        var (losses, lses): ([Double], [Double]) = ([], [])
        for (row, label) in try labels(operands[1], classes: classes, ignoreIndex: ignoreIndex).enumerated() {
            let values = Array(logits.values[row * classes..<(row + 1) * classes])
            let maximum = values.reduce(-Double.infinity, Scalar.max)
            let lse = maximum + log(values.reduce(0) { $0 + exp($1 - maximum) })
            losses.append(label.map { lse - values[$0] } ?? 0)
            lses.append(lse)
        }
        return [losses, lses]
    }

    /// dlogits = (exp(logits - lse) - onehot(label)) dloss; operands (dloss, logits, labels, lse).
    private func crossEntropyGradient(ignoreIndex: Int) throws(InterpreterError) -> [Double] {
        let (dloss, logits, lse) = (operands[0].values, operands[1], operands[3].values)
        let classes = logits.shape[1]
        var dlogits: [Double] = []
        for (row, label) in try labels(operands[2], classes: classes, ignoreIndex: ignoreIndex).enumerated() {
            for column in 0..<classes {
                let probability = exp(logits.values[row * classes + column] - lse[row])
                let target = label == column ? 1.0 : 0
                dlogits.append(label == nil ? 0 : (probability - target) * dloss[row])
            }
        }
        return dlogits
    }

    /// Each row's class, `nil` where it is ignored.
    private func labels(
        _ tensor: HostTensor, classes: Int, ignoreIndex: Int
    ) throws(InterpreterError) -> [Int?] {
        var labels: [Int?] = []
        for (row, label) in tensor.values.map(ElementType.saturatingInt).enumerated() {
            guard label != ignoreIndex else {
                labels.append(nil)
                continue
            }
            guard (0..<classes).contains(label) else {
                throw error(
                    "label \(label) of row \(row) is not within 0..<\(classes) and not \(ignoreIndex)")
            }
            labels.append(label)
        }
        return labels
    }
}
