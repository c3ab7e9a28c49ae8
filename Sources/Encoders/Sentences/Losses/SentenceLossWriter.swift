import GraphIR

/// Writes a loss of vectors into a graph, in general ops.
struct SentenceLossWriter {
    private let g: GraphBuilder
    private let loss: SentenceLoss
    private let vectors: Tensor
    private let examples: Dimension = "examples"
    /// The rows of all texts, [examples, texts]; nil where a loss looks at each text by itself.
    private let rows: Tensor?
    /// What the data say of each example; nil where nothing is needed.
    private let labels: Tensor?
    private let teacherVectors: Tensor?

    /// - Parameter vectors: f32[sequences, width].
    init(_ g: GraphBuilder, _ loss: SentenceLoss, vectors: Tensor) {
        (self.g, self.loss, self.vectors) = (g, loss, vectors)
        typealias Input = SentenceLoss.Input
        func scores(_ shape: [Dimension]) -> Tensor { g.input(Input.labels, .f32, shape) }
        rows =
            loss.kind == .mse ? nil : g.input(Input.rows, .i32, ["examples", .fixed(loss.texts)])
        switch loss.kind {
        case .multipleNegativesRanking, .triplet, .mse: labels = nil
        case .coSENT, .cosineSimilarity, .contrastive, .onlineContrastive: labels = scores(["examples"])
        case .marginMSE: labels = scores(["examples", .fixed(max(1, loss.texts - 2))])
        }
        teacherVectors =
            loss.kind == .mse
            ? g.input(Input.teacherVectors, .f32, ["sequences", .fixed(loss.teacherWidth)]) : nil
    }

    /// The loss, f32[].
    func write() -> Tensor {
        guard !loss.prefixes.isEmpty else { return loss(of: vectors) }
        let terms = loss.prefixes.map { prefix in
            let cut = vectors.slice(axis: 1, start: 0, size: .fixed(prefix.width))
            return loss(of: cut.unitLength()) * prefix.weight
        }
        return terms.dropFirst().reduce(terms[0], +)
    }

    private func loss(of vectors: Tensor) -> Tensor {
        switch loss.kind {
        case .multipleNegativesRanking(let scale, let isSymmetric):
            return ranking(vectors, scale: scale, isSymmetric: isSymmetric)
        case .coSENT(let scale): return coSENT(cosines(vectors) * scale)
        case .cosineSimilarity: return squared(cosines(vectors) - label).mean()
        case .contrastive(let margin, let distance):
            let d = distances(vectors, (0, 1), distance, epsilon: 1e-6)
            let terms = label * squared(d) + (1 - label) * squared((margin - d).relu())
            return (terms * 0.5).mean()
        case .onlineContrastive(let margin, let distance):
            return hardPairs(distances(vectors, (0, 1), distance, epsilon: 1e-6), margin: margin)
        case .triplet(let margin, let distance):
            let near = distances(vectors, (0, 1), distance)
            let far = distances(vectors, (0, 2), distance)
            return (near - far + margin).relu().mean()
        case .marginMSE:
            let positive = dots(vectors, 1)
            let margins = (2..<loss.texts).map { text in
                squared(positive - dots(vectors, text) - label(text - 2)).sum()
            }
            let sum = margins.dropFirst().reduce(margins[0], +)
            return sum / (g.size(examples) * Double(margins.count))
        case .mse: return squared(vectors - (teacherVectors ?? vectors)).mean()
        }
    }

    // MARK: Texts

    /// The rows of the texts with a role, i32[examples].
    private func rows(_ text: Int) -> Tensor {
        guard let rows else { return vectors }
        return rows.slice(axis: 1, start: text, size: 1).reshaped([examples])
    }

    private func texts(_ vectors: Tensor, _ text: Int) -> Tensor { vectors.gather(rows(text)) }

    private var label: Tensor { labels ?? vectors }

    private func label(_ column: Int) -> Tensor {
        label.slice(axis: 1, start: column, size: 1).reshaped([examples])
    }

    private func squared(_ x: Tensor) -> Tensor { x * x }

    // MARK: Similarities

    /// cos of the two texts of each example, [examples].
    private func cosines(_ vectors: Tensor, _ pair: (Int, Int) = (0, 1)) -> Tensor {
        let unit = vectors.unitLength()
        return (texts(unit, pair.0) * texts(unit, pair.1)).sum(axes: [1])
    }

    private func dots(_ vectors: Tensor, _ text: Int) -> Tensor {
        (texts(vectors, 0) * texts(vectors, text)).sum(axes: [1])
    }

    /// - Parameter epsilon: what is added to each difference, as `torch.nn.functional.pairwise_distance` does.
    private func distances(
        _ vectors: Tensor, _ pair: (Int, Int), _ distance: SentenceLoss.Distance, epsilon: Double = 0
    ) -> Tensor {
        guard distance != .cosine else { return 1 - cosines(vectors, pair) }
        var difference = texts(vectors, pair.0) - texts(vectors, pair.1)
        if epsilon > 0 { difference = difference + epsilon }
        return distance == .manhattan
            ? difference.abs().sum(axes: [1])
            : squared(difference).sum(axes: [1]).clamped(1e-24, nil).sqrt()
    }

    // MARK: Losses

    /// Candidates are all texts but the anchors, example by example.
    private func ranking(_ vectors: Tensor, scale: Double, isSymmetric: Bool) -> Tensor {
        let (unit, others) = (vectors.unitLength(), loss.texts - 1)
        let anchors = texts(unit, 0)
        let all =
            rows.map { rows in
                rows.slice(axis: 1, start: 1, size: .fixed(others)).reshaped([examples * others])
            } ?? vectors
        let scores = anchors.matmul(unit.gather(all), transposeRight: true) * scale
        let places = g.apply(.iota(type: TensorType(.i32, [examples]), axis: 0), [])
        let positives = others == 1 ? places : places * g.scalar(Double(others), .i32)
        let forward = scores.crossEntropy(labels: positives).mean()
        guard isSymmetric else { return forward }
        let back = texts(unit, 1).matmul(anchors, transposeRight: true) * scale
        return (forward + back.crossEntropy(labels: places).mean()) * 0.5
    }

    private func coSENT(_ scores: Tensor) -> Tensor {
        func column(_ x: Tensor) -> Tensor { x.reshaped([examples, 1]) }
        func row(_ x: Tensor) -> Tensor { x.reshaped([1, examples]) }
        let isLower = g.compare(.lt, column(label), row(label))
        let differences = g.select(isLower, column(scores) - row(scores), g.scalar(-1e30))
        let top = differences.max().clamped(0, nil).stopGradient()
        let sum = (differences - top).exp().sum() + (-top).exp()
        return top + sum.log()
    }

    /// Negatives that are nearer than the farthest positive, and positives farther than the nearest negative; where there
    /// are none of the others, than the mean.
    private func hardPairs(_ distances: Tensor, margin: Double) -> Tensor {
        let d = distances.stopGradient()
        let (isNegative, isPositive) = (isLabel(0), isLabel(1))
        func mean(_ chosen: Tensor, _ count: Tensor) -> Tensor {
            g.select(chosen, d, g.scalar(0)).sum() / count.clamped(1, nil)
        }
        let positives = isPositive.cast(.f32).sum()
        let negatives = isNegative.cast(.f32).sum()
        let none = g.scalar(0)
        let farthest = g.select(
            g.compare(.gt, positives, none), g.select(isPositive, d, g.scalar(-1e30)).max(),
            mean(isNegative, negatives))
        let nearest = g.select(
            g.compare(.gt, negatives, none), -g.select(isNegative, -d, g.scalar(-1e30)).max(),
            mean(isPositive, positives))
        let hardNegatives = g.apply(.binary(.and), [isNegative, g.compare(.lt, d, farthest)])
        let hardPositives = g.apply(.binary(.and), [isPositive, g.compare(.gt, d, nearest)])
        return g.select(hardPositives, squared(distances), none).sum()
            + g.select(hardNegatives, squared((margin - distances).relu()), none).sum()
    }

    private func isLabel(_ value: Double) -> Tensor { g.compare(.eq, label, g.scalar(value)) }
}

extension Tensor {
    /// Each row divided by its length, as `torch.nn.functional.normalize` does it; a row of zeros stays one.
    fileprivate func unitLength() -> Tensor {
        self * (self * self).sum(axes: [1], keepDimensions: true).clamped(1e-24, nil).rsqrt()
    }
}
