/// How well the vectors of texts say what texts belong together.
public struct SimilarityMetrics: Hashable, Sendable {
    /// The share of an anchor's negatives that are less similar to it than its positive, by the cosine; `nil` without
    /// negatives.
    public var cosineAccuracy: Double?
    /// How well queries find their documents; `nil` without such.
    public var retrieval: RetrievalMetrics?
    /// How well scores tell pairs with label 1 from those with label 0; `nil` where labels are others.
    public var pairs: PairMetrics?

    package init(
        cosineAccuracy: Double? = nil, retrieval: RetrievalMetrics? = nil, pairs: PairMetrics? = nil
    ) {
        (self.cosineAccuracy, self.retrieval, self.pairs) = (cosineAccuracy, retrieval, pairs)
    }
}

/// Vectors of texts, and what can be measured on them.
package enum VectorSimilarity {
    /// x / max(‖x‖, 1e-12), as `torch.nn.functional.normalize`.
    package static func unitLength(_ vector: [Float]) -> [Float] {
        let norm = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return vector.map { Float(Double($0) / max(norm, 1e-12)) }
    }

    /// The cosine of two vectors.
    package static func cosine(_ x: [Float], _ y: [Float]) -> Float {
        var (xy, xx, yy) = (0.0, 0.0, 0.0)
        for (x, y) in zip(x, y) {
            xy += Double(x) * Double(y)
            xx += Double(x) * Double(x)
            yy += Double(y) * Double(y)
        }
        return Float(xy / (max(xx.squareRoot(), 1e-12) * max(yy.squareRoot(), 1e-12)))
    }

    /// The share of the negatives that are less similar to the anchor than the positive is.
    ///
    /// - Parameter groups: the vectors of anchor, positive and negatives of each example.
    package static func cosineAccuracy(_ groups: [[[Float]]]) -> Double? {
        var (right, count) = (0, 0)
        for group in groups where group.count > 2 {
            let positive = cosine(group[0], group[1])
            right += group[2...].count { cosine(group[0], $0) < positive }
            count += group.count - 2
        }
        return count == 0 ? nil : Double(right) / Double(count)
    }
}
