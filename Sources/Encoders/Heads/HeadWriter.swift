import GraphIR

/// Writes a head, and with labels its loss, into a graph.
struct HeadWriter {
    let builder: EncoderBuilder
    let head: EncoderHead
    private let hasLabels: Bool
    let labelSmoothing: Double
    /// What open gates add to the loss.
    private let maskLoss: Tensor?

    init(
        _ builder: EncoderBuilder, head: EncoderHead, hasLabels: Bool, labelSmoothing: Double,
        maskLoss: Tensor?
    ) {
        self.builder = builder
        self.head = head
        self.hasLabels = hasLabels
        self.labelSmoothing = labelSmoothing
        self.maskLoss = maskLoss
    }

    var g: GraphBuilder { builder.g }
    var width: Int { builder.spec.width }
    var heads: EncoderSpec.Heads { builder.spec.heads }

    /// - Parameter x: the encoder's states. The head is one that the specification has.
    func write(_ x: Tensor) {
        switch head {
        case .encoder: break
        case .classification(let labels): classification(x, labels: labels)
        case .regression: classification(x, labels: 1)
        case .multiLabelClassification(let labels): classification(x, labels: labels)
        case .multipleChoice: multipleChoice(x)
        case .tokenClassification(let labels): tokenClassification(x, labels: labels)
        case .questionAnswering: questionAnswering(x)
        case .maskedLM: maskedLM(x)
        case .pretraining: pretraining(x)
        case .nextSentencePrediction: nextSentencePrediction(x)
        case .discriminator: discriminator(x)
        }
    }

    // MARK: Losses

    /// Writes the loss where there are labels, with what open gates add to it: of several micro-batches, whose terms are
    /// weighted, each counts its share of them.
    func loss(_ body: () -> Tensor) {
        guard hasLabels else { return }
        g.scope("loss") {
            let own = withMaskLoss(body())
            guard let states = builder.teacher?.stateLoss() else { return g.output("loss", own) }
            for (name, loss) in zip(Distillation.lossTerms, [own, states]) { g.output(name, loss) }
            g.output("loss", own + states)
        }
    }

    private func withMaskLoss(_ loss: Tensor) -> Tensor { maskLoss.map { loss + $0 } ?? loss }

    func crossEntropy(_ logits: Tensor, _ labels: Tensor) -> Tensor {
        mean(logits.crossEntropy(labels: labels, labelSmoothing: labelSmoothing))
    }

    /// Cross-entropy, with a teacher's share where there is one.
    func loss(_ logits: Tensor, _ labels: Tensor, teacher: Tensor?) -> Tensor {
        let own = crossEntropy(logits, labels)
        guard let teacher, let writer = builder.teacher else { return own }
        return writer.mixed(own, (logits, teacher), labels: labels, mean: mean)
    }

    /// The mean over rows, with their weights where they have some: Σ w l / Σ w.
    func mean(_ losses: Tensor) -> Tensor {
        guard builder.isWeighted else { return losses.mean() }
        let weights = builder.exampleWeights(losses.shape)
        return (losses * weights).sum() / weights.sum()
    }

    // MARK: Pre-training

    /// Logits over the vocabulary at the masked positions, [masked, vocabulary].
    private func maskedLogits(_ x: Tensor, _ part: EncoderSpec.MaskedLM) -> Tensor {
        let (tables, name) = (builder.spec.embeddings, "cls.predictions")
        return g.scope("cls") {
            let rows = x.gather(g.input("masked_positions", .i32, ["masked"]))
            let normal =
                part.transform.map { builder.transform(rows, $0, (width, tables.width)) } ?? rows
            let decoder =
                part.isTied
                ? builder.wordEmbeddings()
                : builder.parameter(
                    ParameterSpec(
                        "\(name).decoder.weight", [tables.vocabulary, tables.width], role: .matrix,
                        part: .head))
            let scores = normal.matmul(decoder, transposeRight: true)
            guard let bias = part.bias else { return scores }
            return scores
                + builder.parameter(ParameterSpec(bias, [tables.vocabulary], role: .bias, part: .head))
        }
    }

    private func maskedLM(_ x: Tensor) {
        guard let part = heads.maskedLM else { return }
        let logits = maskedLogits(x, part)
        g.output("logits", logits)
        loss { crossEntropy(logits, g.input("labels", .i32, ["masked"])) }
    }

    /// Whether the second text of each pair follows, [sequences, 2].
    private func nextSentenceLogits(_ x: Tensor, _ pair: EncoderSpec.PairHead) -> Tensor {
        let pooled = pooler(x, heads.sequence)
        return g.scope("cls") {
            builder.linear(builder.dropout(pooled, pair.dropout), "cls.seq_relationship", (width, 2), .head)
        }
    }

    private func nextSentencePrediction(_ x: Tensor) {
        guard let pair = heads.pair else { return }
        let logits = nextSentenceLogits(x, pair)
        g.output("logits", logits)
        loss { crossEntropy(logits, g.input("labels", .i32, ["sequences"])) }
    }

    private func pretraining(_ x: Tensor) {
        guard let part = heads.maskedLM, let pair = heads.pair else { return }
        let logits = maskedLogits(x, part)
        let nextSentence = nextSentenceLogits(x, pair)
        g.output("logits", logits)
        g.output("next_sentence_logits", nextSentence)
        guard hasLabels else { return }
        g.scope("loss") {
            let target = g.input("labels", .i32, ["masked"])
            let nextSentenceTarget = g.input("next_sentence_labels", .i32, ["sequences"])
            let losses = [
                withMaskLoss(crossEntropy(logits, target)), crossEntropy(nextSentence, nextSentenceTarget),
            ]
            for (name, loss) in zip(head.lossTerms, losses) { g.output(name, loss) }
            g.output("loss", losses[0] + losses[1])
        }
    }
}
