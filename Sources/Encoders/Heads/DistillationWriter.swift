import GraphIR

/// Writes what a teacher adds to a loss.
struct DistillationWriter {
    private let builder: EncoderBuilder
    private let distillation: Distillation
    /// The student's, of the embeddings and of each layer.
    private let states: [Tensor]

    init(_ builder: EncoderBuilder, _ distillation: Distillation, states: [Tensor]) {
        self.builder = builder
        self.distillation = distillation
        self.states = states
    }

    private var g: GraphBuilder { builder.g }

    /// The teacher's logits, [sequences, labels] or [tokens, labels].
    func teacherLogits(like logits: Tensor) -> Tensor { g.input(Distillation.logits, .f32, logits.shape) }

    /// The loss of labels with the teacher's share.
    ///
    /// - Parameters:
    ///   - rows: the student's logits, [n, labels], and the teacher's.
    ///   - labels: i32[n], of which nothing is read; nil for regression.
    ///   - mean: over rows.
    func mixed(
        _ loss: Tensor, _ rows: (student: Tensor, teacher: Tensor), labels: Tensor?, mean: (Tensor) -> Tensor
    ) -> Tensor {
        let own = loss * (1 - distillation.weight)
        guard let labels else {
            let error = (rows.student - rows.teacher).reshaped([rows.student.shape[0]])
            return own + mean(error * error) * distillation.weight
        }
        let temperature = distillation.temperature
        let (student, teacher) = (rows.student * (1 / temperature), rows.teacher * (1 / temperature))
        /// log Σ exp of each row.
        func total(_ logits: Tensor) -> Tensor {
            g.applyAll(.crossEntropy(ignoreIndex: -100), [logits, labels])[1]
        }
        let crossed = (teacher.softmax() * (teacher - student)).sum(axes: [1])
        let divergence = crossed - total(teacher) + total(student)
        return own + mean(divergence) * (distillation.weight * temperature * temperature)
    }

    /// The loss of states; nil when none are compared.
    func stateLoss() -> Tensor? {
        guard let kind = distillation.stateLoss, !distillation.layers.isEmpty else { return nil }
        let losses = distillation.layers.map { pair in
            let student = states[pair.student + 1]
            let teacher = g.input(Distillation.states(ofStudent: pair.student), .f32, student.shape)
            return meanOverTokens(kind == .cosine ? cosine(student, teacher) : squares(student, teacher))
        }
        return losses.dropFirst().reduce(losses[0], +) * (distillation.stateWeight / Double(losses.count))
    }

    private func squares(_ a: Tensor, _ b: Tensor) -> Tensor {
        let error = a - b
        return (error * error).mean(axes: [1])
    }

    private func cosine(_ a: Tensor, _ b: Tensor) -> Tensor {
        func product(_ a: Tensor, _ b: Tensor) -> Tensor { (a * b).sum(axes: [1]) }
        // PyTorch's ε.
        let (aa, bb) = (product(a, a) + 1e-12, product(b, b) + 1e-12)
        return product(a, b) * (aa * bb).rsqrt() * -1 + 1
    }

    private func meanOverTokens(_ rows: Tensor) -> Tensor {
        let isReal = g.compare(.gt, builder.keyCounts, g.scalar(0, .i32))
        return g.select(isReal, rows, g.zeros(like: rows)).sum() / builder.lengths.cast(.f32).sum()
    }
}
