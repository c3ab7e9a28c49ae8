import GraphCompiler
import Text

/// What one micro-batch gives a training step.
package struct StepInputs {
    /// The forward graph's inputs but for `rng`.
    package var tensors: [String: TensorData]
    /// Symbols that no input binds.
    package var symbols: [String: Int]
    /// For each term of the loss, which is a mean over examples: the micro-batch's share of the step's examples, 0 to 1.
    /// The shares of a step's micro-batches add up to 1.
    package var lossWeights: [Float]

    package init(tensors: [String: TensorData], symbols: [String: Int], lossWeights: [Float] = [1]) {
        self.tensors = tensors
        self.symbols = symbols
        self.lossWeights = lossWeights
    }

    /// A batch of sequences with a target each.
    ///
    /// - Parameters:
    ///   - targets: the batch's `labels`, [sequences].
    ///   - stepSequences: sequences of the whole step; the batch's own when `nil`.
    package init(_ batch: Batch, targets: TensorData, stepSequences: Int? = nil) {
        let inputs = EncoderInputs(batch)
        tensors = inputs.tensors
        tensors["labels"] = targets
        symbols = inputs.symbols
        lossWeights = [Float(batch.sequences) / Float(stepSequences ?? batch.sequences)]
    }
}

/// What one training step found, all of it before the update.
package struct StepResult: Sendable, Equatable {
    /// Mean over the step's examples.
    package var loss: Double
    /// L2 norm of all gradients before clipping; not finite when the step was skipped.
    package var gradientNorm: Double

    /// Whether a scaled gradient overflowed, so that nothing was updated.
    package var isSkipped: Bool { !gradientNorm.isFinite }
}
