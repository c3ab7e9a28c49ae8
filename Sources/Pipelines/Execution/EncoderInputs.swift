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

    /// The input that not every family has.
    package static let tokenTypes = "token_type_ids"

    package init(_ batch: Batch) {
        tensors = [
            "input_ids": TensorData(batch.ids),
            Self.tokenTypes: TensorData(batch.typeIDs),
            "position_ids": TensorData(batch.positions),
            "offsets": TensorData(batch.offsets),
            "lengths": TensorData(batch.lengths),
        ]
        symbols = ["length": batch.maxLength]
    }
}
