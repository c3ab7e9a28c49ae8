import Encoders
import Foundation
import Text

/// A token that a masked language model puts in the place of a mask.
public struct MaskPrediction: Hashable, Sendable {
    /// The token's id.
    public let id: Int32
    /// The token as a text.
    public let token: String
    /// Its probability among all tokens.
    public let score: Float
    /// The text with the token in the place of the mask.
    public let text: String
}

extension EncoderPipeline {
    /// The most probable tokens for each mask of each text, as Hugging Face's pipeline `fill-mask` has them.
    ///
    /// - Parameter top: tokens for each mask.
    /// - Throws: `ModelError` when the model has no head for masked tokens, or a text has no mask or is too long.
    public func fillMask(_ texts: [String], top: Int = 5) throws -> [[[MaskPrediction]]] {
        guard head == .maskedLM || head == .pretraining else { throw wrongTask("fill masks") }
        let mask = try tokenizer.special.id(.mask)
        let place = { "text \($0 + 1)" }
        let encodings = try encode(texts.map { TextPair($0) }, place: place)
        let positions = encodings.map { encoding in
            encoding.ids.indices.filter { encoding.ids[$0] == mask }.map(Int32.init)
        }
        if let index = positions.firstIndex(where: \.isEmpty) {
            throw ModelError(
                .invalidInput,
                "has no mask in its first \(maxLength) tokens; write \(tokenizer.token(of: mask) ?? "the mask") where a token is to be found",
                at: place(index))
        }
        let rows = try runner(for: .head).maskedRows(of: "logits", on: encodings, at: positions) { _, row in
            Self.best(top, of: row)
        }
        return try rows.indices.map { index in
            try zip(rows[index], positions[index]).map { best, position in
                try best.map { id, score in
                    var ids = encodings[index].ids
                    ids[Int(position)] = id
                    // Special tokens are left out, unless other masks would be too.
                    return MaskPrediction(
                        id: id, token: try tokenizer.decode([id], skipSpecialTokens: false), score: score,
                        text: try tokenizer.decode(ids, skipSpecialTokens: positions[index].count == 1))
                }
            }
        }
    }

    /// The tokens with the greatest logits, and their probabilities.
    private static func best(_ count: Int, of logits: ArraySlice<Float>) -> [(id: Int32, score: Float)] {
        let row = Array(logits)
        let probabilities = softmax(row)
        return row.indices.sorted { (row[$1], $0) < (row[$0], $1) }.prefix(count).map {
            (Int32($0), Float(probabilities[$0]))
        }
    }
}
