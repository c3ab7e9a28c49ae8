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

    private static let (tokenTypes, positions) = ("token_type_ids", "position_ids")
    /// The inputs that not every family has.
    package static let optional = [tokenTypes, positions]

    package init(_ batch: Batch) {
        tensors = [
            "input_ids": TensorData(batch.ids),
            Self.tokenTypes: TensorData(batch.typeIDs),
            Self.positions: TensorData(batch.positions),
            "offsets": TensorData(batch.offsets),
            "lengths": TensorData(batch.lengths),
        ]
        symbols = ["length": batch.maxLength]
    }
}
