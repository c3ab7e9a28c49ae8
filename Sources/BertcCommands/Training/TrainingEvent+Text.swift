import Encoders
import Pipelines
import Support
import Training

extension TrainingEvent {
    /// The event as lines of text.
    var lines: [String] {
        switch self {
        case .started(let summary): return summary.lines
        // Notes go to standard error.
        case .note: return []
        case .resumed(let path, let step): return ["resumed from \(path) after step \(step)"]
        case .step(let step): return [step.line]
        case .epoch(let epoch):
            let share = Formatted.number(epoch.paddedShare * 100, digits: 1)
            return [
                "epoch \(epoch.epoch): loss \(Formatted.number(epoch.loss, digits: 4)), "
                    + "\(Formatted.count(epoch.batches, "batch", "batches")), \(epoch.realTokens) real and \(epoch.paddedTokens) "
                    + "padded tokens (\(share) % padding), \(ProgressLine.time(epoch.seconds))"
            ]
        case .evaluation(let evaluation):
            let best = evaluation.isBest ? ", the best so far" : ""
            let summary = evaluation.metrics.summary(evaluation.metric)
            return ["validation after step \(evaluation.step): \(summary)\(best)"]
        case .checkpoint(let path, let step): return ["checkpoint after step \(step): \(path)"]
        case .bestModel(let path, let step): return ["best model, after step \(step), saved in \(path)"]
        case .stoppedEarly(let step):
            return ["stopped early after step \(step): the validation metric has stopped improving"]
        }
    }
}

extension TrainingEvent {
    /// Warnings and other notes, one line each.
    var notes: [String] {
        switch self {
        case .started(let summary): summary.notes
        case .note(let text): [text]
        case .resumed, .step, .epoch, .evaluation, .checkpoint, .bestModel, .stoppedEarly: []
        }
    }
}

extension TrainingSummary {
    fileprivate var lines: [String] {
        let names =
            "\(Formatted.count(labels.count, "label"))\(task == .tokenClassification ? " of words" : "")"
        let classes =
            switch task {
            case .pretrain: "masked LM and next sentences"
            case .embedding: "vectors of texts"
            case .reranking: "scores of documents"
            case .questionAnswering: "question answering"
            case .multipleChoice: "multiple choice"
            case .classification, .multiLabelClassification, .regression, .tokenClassification, .glue:
                labels.isEmpty ? "regression" : "\(names) (\(labelText))"
            }
        let start = loaded == nil ? "fresh parameters" : "fine-tuned"
        var data = "\(trainExamples) training"
        if let validationExamples { data += ", \(validationExamples) validation" }
        if let testExamples { data += ", \(testExamples) test" }
        let frozen = parameterCount - trainedCount
        return [
            "model \(model): \(Formatted.count(config.layers, "layer")), \(parameterCount) parameters, \(trainedCount) trained"
                + (frozen > 0 ? ", \(frozen) frozen; " : "; ")
                + "\(start), \(classes)",
            "data: \(data) examples",
            "training: \(Formatted.count(steps, "step")) in \(Formatted.count(epochs, "epoch")), \(warmupSteps) of them warm-up, \(stepText)"
                + "on \(Formatted.count(threads, "thread")) with \(instructionSet) kernels",
            "memory: \(Formatted.bytes(memory.total)) planned: "
                + memory.parts.map { "\($0.name) \(Formatted.bytes($0.byteCount))" }.joined(separator: ", "),
        ] + (gates.map { ["mask: \($0.line)"] } ?? []) + (recomputation.map { [$0.line] } ?? [])
    }

    /// The labels' names; of very many the first and the last.
    private var labelText: String {
        guard labels.count > 40 else { return labels.joined(separator: ", ") }
        return labels.prefix(10).joined(separator: ", ") + ", …, " + labels[labels.count - 1]
    }

    /// What a step is, if it is not one batch.
    private var stepText: String {
        gradientAccumulation == 1 ? "" : "gradients of \(gradientAccumulation) batches added up, "
    }

    fileprivate var notes: [String] {
        let tensors = loaded.map { $0.description.split(separator: "\n").map { "\(model): \($0)" } } ?? []
        return warnings + tensors
    }
}

extension AttentionGates {
    /// `structured gates, learned for up to 128 tokens, lambda 5e-05`
    fileprivate var line: String {
        "\(form.rawValue) gates\(isPerLayer ? " in each layer" : ""), learned for up to \(length) tokens, lambda \(lambda)"
    }
}

extension StepReport {
    /// The step, where there is no terminal to draw a bar on.
    var line: String {
        let pieces =
            [
                "step \(step)/\(steps)", "epoch \(epoch)/\(epochs)",
                "loss \(Formatted.number(loss, digits: 4))",
            ]
            + StepExtra.words(extras) + [
                "\(Formatted.number(tokensPerSecond, digits: 0)) tokens/s",
                "\(ProgressLine.time(secondsLeft)) left",
            ]
        return pieces.joined(separator: "  ")
    }
}

extension EvaluationMetrics {
    /// `accuracy 0.8380, loss 0.3912`, and before them the metric that was chosen if it is another:
    /// `f1 0.8800, accuracy 0.8380, loss 0.3912`.
    func summary(_ metric: Metric) -> String {
        let usual = similarity?.usual ?? usual
        let metrics = usual.contains(metric) ? usual : [metric] + usual
        return metrics.filter { $0 == metric || similarity == nil || value($0) != nil }.map {
            "\($0.rawValue) \(value($0).map { Formatted.number($0, digits: 4) } ?? "undefined")"
        }.joined(separator: ", ")
    }

    /// What the task is usually judged by.
    private var usual: [Metric] {
        if pretraining != nil { return [.maskedLMLoss, .maskedLMAccuracy, .nextSentenceAccuracy, .loss] }
        if entities != nil { return [.f1, .precision, .recall, .accuracy, .loss] }
        if multiLabel != nil { return [.microF1, .macroF1, .sampleF1, .loss] }
        if answers != nil { return [.exactMatch, .f1, .loss] }
        return [accuracy == nil ? .pearson : .accuracy, .loss]
    }
}

extension SimilarityMetrics {
    /// What a line about them says.
    fileprivate var usual: [Metric] {
        pairs == nil
            ? [.spearman, .cosineAccuracy, .ndcgAt10, .mrrAt10, .loss]
            : [.ndcgAt10, .mrrAt10, .mapAt100, .accuracy, .f1, .averagePrecision, .loss]
    }
}

extension TrainingReport {
    /// The results: test metrics, speed, and where the model is.
    var lines: [String] {
        var lines: [String] = []
        if let bestStep {
            let value = bestValue.map { Formatted.number($0, digits: 4) } ?? "undefined"
            lines.append("best validation \(metric.rawValue) \(value) after step \(bestStep)")
        }
        if let test { lines.append("test \(test.summary(metric))") }
        lines.append(
            "\(Formatted.count(steps, "step")) in \(ProgressLine.time(seconds)), "
                + "\(Formatted.number(tokensPerSecond, digits: 0)) tokens/s, "
                + "\(Formatted.bytes(memoryByteCount)) of memory at most"
        )
        if end != .interrupted { lines.append("model saved in \(modelDirectory)") }
        return lines
    }
}
