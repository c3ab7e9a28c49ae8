import GraphIR

/// What the scores of a cross-encoder are trained to be: a loss of sentence-transformers' `CrossEncoder`, on one logit for each
/// sequence, a query with a document.
package enum RankingLoss: Hashable, Sendable {
    /// Mean binary cross-entropy, log(1 + exp(x)) - x · label (`BinaryCrossEntropyLoss`).
    case binaryCrossEntropy
    /// Cross-entropy of the softmax over each query's documents (Cao et al., 2007; `ListNetLoss`).
    case listNet
    /// Mean squared error of the differences between the first document and each other one, of `documents` each
    /// (`MarginMSELoss`).
    case marginMSE(documents: Int)

    /// Names of the inputs that a loss has beside the scores.
    package enum Input {
        /// i32[examples, documents], the rows of each query's documents; a row again beyond the last one.
        package static let rows = "example_rows"
        /// i32[examples], how many of them there are; `listNet`.
        package static let counts = "example_counts"
        /// i32[examples + 1], where their rows start; `listNet`.
        package static let offsets = "example_offsets"
        /// f32[sequences], the label of each document, or its probability for `listNet`; f32[examples, documents - 1] for
        /// `marginMSE`.
        package static let labels = "labels"
    }

    /// The loss as a graph of its own: its input `scores` is f32[sequences], its output `loss`.
    package func graph() throws -> Graph {
        try GraphBuilder.build("ranking_loss") { g in
            g.output("loss", write(g, g.input("scores", .f32, ["sequences"])))
        }
    }

    /// Writes the loss into a graph, in general ops.
    ///
    /// - Parameter scores: f32[sequences].
    func write(_ g: GraphBuilder, _ scores: Tensor) -> Tensor {
        switch self {
        case .binaryCrossEntropy:
            let labels = g.input(Input.labels, .f32, ["sequences"])
            return (scores.softplus() - scores * labels).mean()
        case .listNet:
            let rows = g.input(Input.rows, .i32, ["examples", "documents"])
            let counts = g.input(Input.counts, .i32, ["examples"])
            let offsets = g.input(Input.offsets, .i32, [.symbol("examples", offset: 1)])
            let queries = SegmentCrossEntropy(g, offsets: offsets, lengths: counts, longest: "documents")
            let right = (scores * g.input(Input.labels, .f32, ["sequences"])).sum()
            return (queries.logSums(column(scores), rows: rows).sum() - right) / g.size("examples")
        case .marginMSE(let documents):
            let rows = g.input(Input.rows, .i32, ["examples", .fixed(documents)])
            let margins = g.input(Input.labels, .f32, ["examples", .fixed(documents - 1)])
            func score(_ document: Int) -> Tensor {
                let rows = rows.slice(axis: 1, start: document, size: 1).reshaped(["examples"])
                return column(scores).gather(rows).reshaped(["examples"])
            }
            let terms = (1..<documents).map { document in
                let margin = margins.slice(axis: 1, start: document - 1, size: 1)
                let error = score(0) - score(document) - margin.reshaped(["examples"])
                return (error * error).sum()
            }
            return terms.dropFirst().reduce(terms[0], +) / (g.size("examples") * Double(documents - 1))
        }
    }

    private func column(_ scores: Tensor) -> Tensor { scores.reshaped(["sequences", 1]) }
}
