import GraphIR

/// Writes a head, and with labels its loss, into a graph.
struct HeadWriter {
    private let builder: EncoderBuilder
    private let head: EncoderHead
    private let hasLabels: Bool
    private let labelSmoothing: Double
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

    private var g: GraphBuilder { builder.g }
    private var width: Int { builder.spec.width }
    private var heads: EncoderSpec.Heads { builder.spec.heads }

    /// - Parameter x: the encoder's states. The head is one that the specification has.
    func write(_ x: Tensor) {
        switch head {
        case .encoder: break
        case .classification(let labels): classification(x, labels: labels)
        case .regression: classification(x, labels: 1)
        case .tokenClassification(let labels): tokenClassification(x, labels: labels)
        case .maskedLM: maskedLM(x)
        case .pretraining: pretraining(x)
        case .discriminator: discriminator(x)
        }
    }

    // MARK: Losses

    /// Writes the loss where there are labels, with what open gates add to it: of several micro-batches, whose terms are
    /// weighted, each counts its share of them.
    private func loss(_ body: () -> Tensor) {
        guard hasLabels else { return }
        g.scope("loss") { g.output("loss", withMaskLoss(body())) }
    }

    private func withMaskLoss(_ loss: Tensor) -> Tensor { maskLoss.map { loss + $0 } ?? loss }

    private func crossEntropy(_ logits: Tensor, _ labels: Tensor) -> Tensor {
        logits.crossEntropy(labels: labels, labelSmoothing: labelSmoothing).mean()
    }

    // MARK: Classifiers

    private func classifier(_ x: Tensor, labels: Int) -> Tensor {
        builder.linear(x, "classifier", (width, labels), .classifier)
    }

    /// What a sequence's classifier reads, but for dropout.
    private func pooler(_ x: Tensor) -> Tensor {
        let part = heads.sequence
        func transformed(_ x: Tensor) -> Tensor {
            builder.transform(builder.dropout(x, part.inputDropout), part.transform, (width, width))
        }
        func pooled(_ x: Tensor) -> Tensor { SentenceWriter(builder, states: [x]).pooled(part.pooling) }
        return g.scope("pooler") {
            part.poolsTransformed ? pooled(transformed(x)) : transformed(pooled(x))
        }
    }

    private func classification(_ x: Tensor, labels: Int) {
        let pooled = pooler(x)
        let logits = g.scope("classifier") {
            classifier(builder.dropout(pooled, heads.sequence.dropout), labels: labels)
        }
        g.output("logits", logits)
        loss {
            guard head == .regression else {
                return crossEntropy(logits, g.input("labels", .i32, ["sequences"]))
            }
            let target = g.input("labels", .f32, ["sequences"])
            let error = logits.reshaped(["sequences"]) - target
            return (error * error).mean()
        }
    }

    private func tokenClassification(_ x: Tensor, labels: Int) {
        let logits = g.scope("classifier") {
            let inner = heads.token.transform.map { builder.transform(x, $0, (width, width)) } ?? x
            return classifier(builder.dropout(inner, heads.token.dropout), labels: labels)
        }
        g.output("logits", logits)
        loss {
            let rows = logits.gather(g.input("labelled_positions", .i32, ["labelled"]))
            return crossEntropy(rows, g.input("labels", .i32, ["labelled"]))
        }
    }

    /// Mean binary cross-entropy, log(1 + exp(x)) - x · label.
    private func discriminator(_ x: Tensor) {
        guard let activation = heads.discriminator else { return }
        let logits = g.scope("discriminator") {
            let inner = activation(builder.linear(x, "discriminator.dense", (width, width), .head))
            return builder.linear(inner, "discriminator.prediction", (width, 1), .head).reshaped(["tokens"])
        }
        g.output("logits", logits)
        loss {
            let places = g.input("labelled_positions", .i32, ["labelled"])
            let values = logits.reshaped(["tokens", 1]).gather(places).reshaped(["labelled"])
            return (values.softplus() - values * g.input("labels", .f32, ["labelled"])).mean()
        }
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

    private func pretraining(_ x: Tensor) {
        guard let part = heads.maskedLM, let pair = heads.pair else { return }
        let logits = maskedLogits(x, part)
        let pooled = pooler(x)
        let nextSentence = g.scope("cls") {
            builder.linear(builder.dropout(pooled, pair.dropout), "cls.seq_relationship", (width, 2), .head)
        }
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
