import GraphIR

// Heads of fine-tuned models: logits for each sequence or token.
extension HeadWriter {
    private func classifier(_ x: Tensor, labels: Int, name: String = "classifier") -> Tensor {
        builder.linear(x, name, (width, labels), .classifier)
    }

    /// What a sequence's classifier reads, but for dropout.
    func pooler(_ x: Tensor, _ part: EncoderSpec.SequenceHead) -> Tensor {
        func transformed(_ x: Tensor) -> Tensor {
            builder.transform(builder.dropout(x, part.inputDropout), part.transform, (width, width))
        }
        func pooled(_ x: Tensor) -> Tensor { SentenceWriter(builder, states: [x]).pooled(part.pooling) }
        return g.scope("pooler") {
            part.poolsTransformed ? pooled(transformed(x)) : transformed(pooled(x))
        }
    }

    // MARK: Sequences

    private func sequenceLogits(_ x: Tensor, _ part: EncoderSpec.SequenceHead, labels: Int) -> Tensor {
        let pooled = pooler(x, part)
        return g.scope("classifier") { classifier(builder.dropout(pooled, part.dropout), labels: labels) }
    }

    func classification(_ x: Tensor, labels: Int) {
        let logits = sequenceLogits(x, heads.sequence, labels: labels)
        g.output("logits", logits)
        loss {
            if case .multiLabelClassification = head {
                let targets = g.input("labels", .f32, ["sequences", .fixed(labels)])
                let losses = binaryCrossEntropy(logits, targets)
                return builder.isWeighted ? mean(losses.mean(axes: [1])) : losses.mean()
            }
            let teacher = builder.teacher?.teacherLogits(like: logits)
            guard head == .regression else {
                return loss(logits, g.input("labels", .i32, ["sequences"]), teacher: teacher)
            }
            let target = g.input("labels", .f32, ["sequences"])
            let error = logits.reshaped(["sequences"]) - target
            let own = mean(error * error)
            guard let teacher, let writer = builder.teacher else { return own }
            return writer.mixed(own, (logits, teacher), labels: nil, mean: mean)
        }
    }

    /// The sequences of an example are segments of the batch's.
    func multipleChoice(_ x: Tensor) {
        guard let part = heads.choice else { return }
        let logits = sequenceLogits(x, part, labels: 1)
        g.output("logits", logits)
        loss {
            let offsets = g.input("example_offsets", .i32, [.symbol("examples", offset: 1)])
            let starts = offsets.slice(axis: 0, start: 0, size: "examples")
            let counts = offsets.slice(axis: 0, start: 1, size: "examples") - starts
            let segments = SegmentCrossEntropy(
                g, offsets: offsets, lengths: counts, longest: "choices", labelSmoothing: labelSmoothing)
            return segments.loss(logits, labels: [g.input("labels", .i32, ["examples"])])
        }
    }

    // MARK: Tokens

    private func tokenLogits(_ x: Tensor, _ part: EncoderSpec.TokenHead, labels: Int) -> Tensor {
        g.scope("classifier") {
            let inner = part.transform.map { builder.transform(x, $0, (width, width)) } ?? x
            return classifier(builder.dropout(inner, part.dropout), labels: labels, name: part.name)
        }
    }

    func tokenClassification(_ x: Tensor, labels: Int) {
        let logits = tokenLogits(x, heads.token, labels: labels)
        g.output("logits", logits)
        loss {
            let places = g.input("labelled_positions", .i32, ["labelled"])
            let teacher = builder.teacher?.teacherLogits(like: logits).gather(places)
            return loss(logits.gather(places), g.input("labels", .i32, ["labelled"]), teacher: teacher)
        }
    }

    /// The tokens of a sequence are a segment of the batch's; padding is none of them.
    func questionAnswering(_ x: Tensor) {
        let logits = tokenLogits(x, heads.question, labels: 2)
        g.output("logits", logits)
        loss {
            let segments = SegmentCrossEntropy(
                g, offsets: builder.offsets, lengths: builder.lengths, longest: "length",
                labelSmoothing: labelSmoothing)
            let ends = ["start_positions", "end_positions"].map { g.input($0, .i32, ["sequences"]) }
            return segments.loss(logits, labels: ends)
        }
    }

    func discriminator(_ x: Tensor) {
        guard let activation = heads.discriminator else { return }
        let logits = g.scope("discriminator") {
            let inner = activation(builder.linear(x, "discriminator.dense", (width, width), .head))
            return builder.linear(inner, "discriminator.prediction", (width, 1), .head).reshaped(["tokens"])
        }
        g.output("logits", logits)
        loss {
            let places = g.input("labelled_positions", .i32, ["labelled"])
            let values = logits.reshaped(["tokens", 1]).gather(places).reshaped(["labelled"])
            return binaryCrossEntropy(values, g.input("labels", .f32, ["labelled"])).mean()
        }
    }

    /// log(1 + exp(x)) - x · target.
    private func binaryCrossEntropy(_ logits: Tensor, _ targets: Tensor) -> Tensor {
        logits.softplus() - logits * targets
    }
}
