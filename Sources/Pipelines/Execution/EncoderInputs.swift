import GraphCompiler
import Text

extension BatchShape {
    /// The symbols of `EncoderGraph`.
    package var symbols: [String: Int] { ["sequences": sequences, "tokens": tokens, "length": maxLength] }
}

/// A batch as the inputs and symbols of `EncoderGraph`.
package struct EncoderInputs {
    package var tensors: [String: TensorData]
    package var symbols: [String: Int]

    package init(_ batch: Batch) {
        tensors = [
            "input_ids": TensorData(batch.ids),
            "token_type_ids": TensorData(batch.typeIDs),
            "position_ids": TensorData(batch.positions),
            "offsets": TensorData(batch.offsets),
            "lengths": TensorData(batch.lengths),
        ]
        symbols = ["length": batch.maxLength]
    }
}
