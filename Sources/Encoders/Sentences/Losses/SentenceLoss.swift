import GraphIR

/// What vectors of texts are trained to be: a loss of sentence-transformers, by its name there.
///
/// Each example has the same number of texts, `texts`: an anchor, and what it is compared with.
package struct SentenceLoss: Hashable, Sendable {
    /// How far apart two vectors are.
    package enum Distance: String, Sendable, CaseIterable {
        case cosine, euclidean, manhattan
    }

    /// What is compared with what.
    package enum Kind: Hashable, Sendable {
        /// Cross-entropy of each anchor's positive among all positives and negatives of the batch, by `scale` times the
        /// cosine (Henderson et al., arXiv:1705.00652); `isSymmetric` also of each positive's anchor among all anchors.
        case multipleNegativesRanking(scale: Double, isSymmetric: Bool)
        /// log(1 + Σ exp(scale (cos of a pair - cos of a pair with a higher score))).
        case coSENT(scale: Double)
        /// Mean squared error of the cosine against the score.
        case cosineSimilarity
        /// Half the squared distance of pairs with label 1, half the squared rest of the margin of those with label 0
        /// (Hadsell et al., 2006).
        case contrastive(margin: Double, Distance)
        /// As `contrastive`, a sum over the pairs that are hard in their batch.
        case onlineContrastive(margin: Double, Distance)
        /// How much less than `margin` the negative is farther away than the positive (Hermans et al., arXiv:1703.07737).
        case triplet(margin: Double, Distance)
        /// Mean squared error of the difference of dot products with the positive and each negative against that of a
        /// teacher (Hofstätter et al., arXiv:2010.02666).
        case marginMSE
        /// Mean squared error of the vectors against those of a teacher.
        case mse
    }

    /// The first elements of a vector that are to be a vector by themselves (Kusupati et al., arXiv:2205.13147).
    package struct Prefix: Hashable, Sendable {
        package let width: Int
        /// What the loss of these vectors counts.
        package let weight: Double

        package init(width: Int, weight: Double) { (self.width, self.weight) = (width, weight) }
    }

    package var kind: Kind
    /// Texts of an example.
    package var texts: Int
    /// Elements of a teacher's vector, for `mse`.
    package var teacherWidth = 0
    /// The loss is the weighted sum of those of these prefixes, scaled to unit length; of the whole vectors when empty.
    package var prefixes: [Prefix] = []

    package init(_ kind: Kind, texts: Int) { (self.kind, self.texts) = (kind, texts) }

    /// Whether the examples of a batch are compared with one another, so that parts of a batch have another loss.
    package var comparesExamples: Bool {
        switch kind {
        case .multipleNegativesRanking, .coSENT, .onlineContrastive: true
        case .cosineSimilarity, .contrastive, .triplet, .marginMSE, .mse: false
        }
    }

    /// Names of the inputs that a loss has beside the vectors.
    package enum Input {
        /// i32[examples, texts], the rows of each example's vectors.
        package static let rows = "example_rows"
        /// f32[examples], or f32[examples, negatives] for `marginMSE`.
        package static let labels = "labels"
        /// f32[sequences, width], what the vectors should be.
        package static let teacherVectors = "teacher_vectors"
    }

    /// The loss as a graph of its own: its input `pooled` is the vectors, f32[sequences, width], its output `loss`.
    package func graph(width: Int) throws -> Graph {
        try GraphBuilder.build("sentence_loss") { g in
            let vectors = g.input("pooled", .f32, ["sequences", .fixed(width)])
            g.output("loss", SentenceLossWriter(g, self, vectors: vectors).write())
        }
    }
}
