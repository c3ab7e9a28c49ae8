import Foundation
import GraphIR

/// Writes the vectors of distances, and the keys and queries that layers make of them.
struct DisentangledPositionWriter {
    private let builder: EncoderBuilder
    private let part: EncoderSpec.DisentangledPositions
    /// A vector for each distance, or bucket of them, [2 span, width].
    private let vectors: Tensor
    /// The row of the vectors for each distance from 1 - n to n - 1 of key and query, where n is the longest sequence.
    private let rows: Tensor

    private static let name = "encoder.relative_embeddings"

    init(_ builder: EncoderBuilder, _ part: EncoderSpec.DisentangledPositions) {
        self.builder = builder
        self.part = part
        let width = builder.spec.width
        let table = builder.parameter(
            ParameterSpec(
                "\(Self.name).weight", [2 * part.span, width], role: .table(padding: nil), part: .encoder))
        vectors =
            part.norm.map { builder.norm(table, $0, "\(Self.name).LayerNorm", width: width, .encoder) }
            ?? table
        let longest = builder.spec.embeddings.positions.count
        let distances = 1 - longest...longest - 1
        rows = builder.g.constant(
            distances.map { Double(part.row(keyBehindQuery: $0)) }, .i32, [distances.count])
    }

    /// What a layer makes of them, [2n - 1, heads, head size]; nil where it has no such term.
    func tables(_ layer: EncoderSpec.Attention, headSize: Int) -> (keys: Tensor?, queries: Tensor?) {
        let width = builder.spec.width
        let dropped = builder.dropout(vectors, part.dropout)
        func table(_ name: String) -> Tensor {
            let own = part.sharesProjections ? name : "pos_\(name)"
            let all = builder.linear(
                dropped, "encoder.layer.\(layer.owner).attention.self.\(own)", (width, width),
                .layer(layer.owner), hasBias: layer.hasBiases)
            let shape = [rows.shape[0]] + [layer.heads, headSize].map { .fixed($0) }
            return all.gather(rows).reshaped(shape)
        }
        return (
            keys: part.terms.hasKeys ? table("key") : nil,
            queries: part.terms.hasQueries ? table("query") : nil
        )
    }
}

extension EncoderSpec.DisentangledPositions {
    /// The row of a distance's vector.
    func row(keyBehindQuery distance: Int) -> Int {
        min(max(bucket(-distance) + span, 0), 2 * span - 1)
    }

    /// The bucket of the distance from the key to the query, in f32 as Transformers' `make_log_bucket_position` computes it.
    private func bucket(_ distance: Int) -> Int {
        guard let buckets else { return distance }
        let middle = buckets.count / 2
        guard abs(distance) > middle else { return distance }
        let farthest = Float(Double(buckets.maxDistance - 1) / Double(middle))
        let share = log(Float(abs(distance)) / Float(middle)) / log(farthest)
        let bucket = (share * Float(middle - 1)).rounded(.up) + Float(middle)
        return distance.signum() * Int(bucket)
    }
}
