import GraphIR

/// Gates that learn an attention mask together with the model: SparseBERT's differentiable attention mask (Shi et al.,
/// arXiv:2102.12871, section 4), after its released code.
///
/// A gate opens or shuts pairs of positions of one head. It has two logits, α₀ for open and α₁ for shut. A training step
/// draws one hard Gumbel-softmax sample of them (Jang et al., arXiv:1611.01144; temperature 1), for which the difference
/// ε of two Gumbel numbers, a logistic number, is all that matters:
///
///     open  = α₀ - α₁ + ε ≥ 0                 soft = sigmoid(α₀ - α₁ + ε)
///     M     = open, with the gradient of soft (straight through)
///     score = score + bias, bias = 0 where M = 1, -infinity where M = 0, and d bias / d M = 10000
///     loss  = loss + λ Σ M over [heads, n, n], of each layer when each has its own gates
///
/// The factor is that of the paper's bias (1 - M) · (-10000), whose weights of shut pairs are e^-10000 = 0 as well. In
/// evaluation nothing is drawn: a gate is open when α₀ > α₁.
public struct AttentionGates: Hashable, Sendable {
    /// What shares a gate.
    public enum Form: String, Hashable, Sendable, CaseIterable {
        /// All pairs of equal distance |i - j|.
        case structured
        /// The pair (i, j) and the pair (j, i).
        case unstructured
    }

    /// What shares a gate.
    public let form: Form
    /// The longest sequence, n.
    public let length: Int
    /// What the loss takes for each open pair, λ.
    public let lambda: Double
    /// Whether each layer has gates of its own.
    public let isPerLayer: Bool

    /// Gates for sequences of up to `length` tokens, with the weight `lambda` of open pairs in the loss.
    public init(_ form: Form, length: Int, lambda: Double = 5e-5, isPerLayer: Bool = false) {
        self.form = form
        self.length = length
        self.lambda = lambda
        self.isPerLayer = isPerLayer
    }

    /// Gates of a head.
    package var count: Int {
        switch form {
        case .structured: length
        case .unstructured: length * (length + 1) / 2
        }
    }

    /// The gate of a pair of positions.
    package func gate(query i: Int, key j: Int) -> Int {
        switch form {
        case .structured: abs(i - j)
        case .unstructured: max(i, j) * (max(i, j) + 1) / 2 + min(i, j)
        }
    }

    // MARK: Names

    /// The parameters with the logits, f32[heads, gates, 2]: one for all layers, or one per layer.
    package func names(layers: Int) -> [String] {
        isPerLayer ? (0..<layers).map { "attention_gates.\($0)" } : ["attention_gates"]
    }

    /// The input with ε, f32[heads, gates], of a parameter with logits.
    package static func noiseName(_ name: String) -> String { "\(name).noise" }
}

/// Writes the gates of one parameter into a graph.
package struct AttentionGateWriter {
    let gates: AttentionGates
    let g: GraphBuilder
    /// α₀ - α₁, in training with ε: [heads, 2n - 1] by distance, or [heads, n, n].
    private let difference: Tensor
    /// How many pairs an element of `difference` stands for, [2n - 1] or a scalar.
    private let pairs: Tensor
    private let isTraining: Bool

    /// - Parameters:
    ///   - logits: f32[heads, gates, 2].
    ///   - name: that of the parameter with the logits.
    package init(_ gates: AttentionGates, logits: Tensor, name: String, isTraining: Bool) {
        self.gates = gates
        g = logits.builder
        self.isTraining = isTraining
        let shape = Array(logits.shape.prefix(2))
        let classes = (0..<2).map { logits.slice(axis: 2, start: $0, size: 1).reshaped(shape) }
        var difference = classes[0] - classes[1]
        if isTraining { difference = difference + g.input(AttentionGates.noiseName(name), .f32, shape) }
        // Rows of the table are gates, and each element of the bias takes the row of its gate.
        let table = difference.transposed([1, 0])
        let n = gates.length
        switch gates.form {
        case .structured:
            let place = g.apply(.iota(type: TensorType(.i32, [.fixed(2 * n - 1)]), axis: 0), [])
            let distance = (place - Double(n - 1)).abs()
            self.difference = table.gather(distance).transposed([1, 0])
            pairs = (Double(n) - distance).cast(.f32)
        case .unstructured:
            let square = TensorType(.i32, [.fixed(n), .fixed(n)])
            let (i, j) = (
                g.apply(.iota(type: square, axis: 0), []), g.apply(.iota(type: square, axis: 1), [])
            )
            let (low, high) = (g.binary(.min, i, j), g.binary(.max, i, j))
            self.difference = table.gather(high * (high + 1) / 2 + low).transposed([2, 0, 1])
            pairs = g.scalar(1)
        }
    }

    /// What is added to attention's scores, and Σ M; the latter in training only.
    package func bias() -> (scores: Tensor, openPairs: Tensor?) {
        let zero = g.scalar(0)
        let isOpen = g.compare(isTraining ? .ge : .gt, difference, zero)
        let hard = g.select(isOpen, zero, g.scalar(-.infinity))
        guard isTraining else { return (hard, nil) }
        let soft = difference.sigmoid()
        // 0, with the gradient of soft.
        let slope = soft - soft.stopGradient()
        return (hard + slope * 10000, ((isOpen.cast(.f32) + slope) * pairs).sum())
    }
}
