import GraphCompiler
import Pipelines
import Text

extension StepInputs {
    /// A batch of sequences with a target each.
    ///
    /// - Parameters:
    ///   - targets: the batch's `labels`, [sequences].
    ///   - stepSequences: sequences of the whole step; the batch's own when `nil`.
    package init(_ batch: Batch, targets: TensorData, stepSequences: Int? = nil) {
        let inputs = EncoderInputs(batch)
        self.init(
            inputs.tensors.merging(["labels": targets]) { $1 }, symbols: inputs.symbols,
            lossWeights: [Float(batch.sequences) / Float(stepSequences ?? batch.sequences)])
    }

    /// Makes the loss a mean with weights.
    ///
    /// - Parameters:
    ///   - weights: one for each row of the loss.
    ///   - total: what all rows of the step weigh.
    package mutating func weigh(by weights: [Float], ofStep total: Float) {
        tensors["example_weights"] = TensorData(weights)
        lossWeights = [weights.reduce(0, +) / total]
    }
}
