import Foundation
import Text

extension SequenceRunner {
    /// One row over the vocabulary for each sequence: log(1 + ReLU(logit)), the greatest over its tokens
    /// (SPLADE: Formal et al., arXiv:2109.10086).
    func sparseRows(of encodings: [Encoding]) throws -> [[Float]] {
        var rows = [[Float]](repeating: [], count: encodings.count)
        let positions = encodings.map { (0..<Int32($0.count)).map(\.self) }
        _ = try maskedRows(of: "logits", on: encodings, at: positions) { index, logits in
            if rows[index].isEmpty { rows[index] = Array(repeating: 0, count: logits.count) }
            // The logarithm grows with its argument: it is taken once, of the greatest.
            for (place, logit) in logits.enumerated() where logit > rows[index][place] {
                rows[index][place] = logit
            }
        }
        return rows.map { $0.map { $0 > 0 ? log1p($0) : 0 } }
    }
}
