import Support

extension RetrievalMetrics {
    /// Ranks all documents for each query by the cosine.
    ///
    /// - Parameters:
    ///   - queries: their vectors.
    ///   - documents: their vectors, each of the same width.
    ///   - relevant: the relevant documents of each query; queries without any are left out.
    ///   - order: decides between documents with equal scores: the lower one comes first.
    package init(
        queries: [[Float]], documents: [[Float]], relevant: [Set<Int>], order: [Int],
        runner: any TaskRunner = CallingThread()
    ) {
        let width = documents.first?.count ?? 0
        let all = documents.flatMap(VectorSimilarity.unitLength)
        let asked = queries.indices.filter { !relevant[$0].isEmpty }
        self.init(
            runner.map(asked.count) { index in
                let query = VectorSimilarity.unitLength(queries[asked[index]])
                let scores = Self.scores(of: query, all, width: width)
                let hits = Ranking.top(Self.depth, of: scores[...], order: order).map {
                    relevant[asked[index]].contains($0)
                }
                return (hits, relevant[asked[index]].count)
            })
    }

    /// Dot products with rows of `width` elements.
    private static func scores(of query: [Float], _ rows: [Float], width: Int) -> [Float] {
        guard width > 0 else { return [] }
        return query.withUnsafeBufferPointer { query in
            rows.withUnsafeBufferPointer { rows in
                (0..<(rows.count / width)).map { row in
                    var sums = SIMD8<Float>.zero
                    var (sum, column) = (Float(0), 0)
                    let start = row * width
                    while column + 8 <= width {
                        var (x, y) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
                        for lane in 0..<8 {
                            x[lane] = query[column + lane]
                            y[lane] = rows[start + column + lane]
                        }
                        sums += x * y
                        column += 8
                    }
                    while column < width {
                        sum += query[column] * rows[start + column]
                        column += 1
                    }
                    return sums.sum() + sum
                }
            }
        }
    }
}
