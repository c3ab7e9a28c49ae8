import GraphCompiler
import Pipelines
import Support
import Training

extension TrainingEvent {
    /// The event as one JSON object; `event` is its kind.
    var json: JSONValue {
        switch self {
        case .started(let summary):
            return event("started", summary.members)
        case .note(let text): return event("note", [("text", .string(text))])
        case .resumed(let path, let step):
            return event("resumed", [("path", .string(path)), ("step", .integer(step))])
        case .step(let step): return event("step", step.members)
        case .epoch(let epoch): return event("epoch", epoch.members)
        case .evaluation(let evaluation):
            return event(
                "evaluation",
                [
                    ("step", .integer(evaluation.step)), ("epoch", .integer(evaluation.epoch)),
                    ("best", .bool(evaluation.isBest)), ("seconds", .double(evaluation.seconds)),
                ] + evaluation.metrics.members)
        case .checkpoint(let path, let step):
            return event("checkpoint", [("path", .string(path)), ("step", .integer(step))])
        case .bestModel(let path, let step):
            return event("best_model", [("path", .string(path)), ("step", .integer(step))])
        case .stoppedEarly(let step): return event("stopped_early", [("step", .integer(step))])
        }
    }
}

private func event(_ kind: String, _ members: [(String, JSONValue)]) -> JSONValue {
    .object([("event", .string(kind))] + members)
}

private func optional(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? .null }
private func optional(_ value: Double?) -> JSONValue { value.map(JSONValue.double) ?? .null }

extension TrainingSummary {
    fileprivate var members: [(String, JSONValue)] {
        [
            ("model", .string(model)), ("labels", .array(labels.map(JSONValue.string))),
            ("parameters", .integer(parameterCount)), ("trained", .integer(trainedCount)),
            ("train_examples", .integer(trainExamples)),
            ("validation_examples", optional(validationExamples)),
            ("test_examples", optional(testExamples)), ("steps", .integer(steps)),
            ("epochs", .integer(epochs)),
            ("warmup_steps", .integer(warmupSteps)), ("instruction_set", .string(instructionSet)),
            ("threads", .integer(threads)),
            ("gradient_accumulation", .integer(gradientAccumulation)),
            ("micro_batch_size", optional(microBatchSize)),
            ("planned_memory_bytes", .integer(memory.total)),
            (
                "planned_memory",
                .object(memory.parts.map { ($0.name.replacing(" ", with: "_"), .integer($0.byteCount)) })
            ),
        ] + (recomputation.map { [("recompute", $0.json)] } ?? [])
    }
}

extension StepReport {
    fileprivate var members: [(String, JSONValue)] {
        [
            ("step", .integer(step)), ("steps", .integer(steps)), ("epoch", .integer(epoch)),
            ("loss", .double(loss)), ("learning_rate", .double(learningRate)),
            ("gradient_norm", .double(gradientNorm)), ("sequences", .integer(sequences)),
            ("real_tokens", .integer(realTokens)), ("padded_tokens", .integer(paddedTokens)),
            ("seconds", .double(seconds)), ("tokens_per_second", .double(tokensPerSecond)),
            ("seconds_left", .double(secondsLeft)),
        ]
            + StepExtra.allCases.compactMap { extra in
                extras[extra].map { (extra.rawValue, extra.json($0)) }
            }
            + (processes.isEmpty ? [] : [("processes", .array(processes.map(\.json)))])
    }
}

extension ProcessTimes {
    fileprivate var json: JSONValue {
        .object(["kernel_seconds": .double(kernels), "wait_seconds": .double(wait)])
    }
}

extension EpochSummary {
    fileprivate var members: [(String, JSONValue)] {
        [
            ("epoch", .integer(epoch)), ("loss", .double(loss)), ("batches", .integer(batches)),
            ("sequences", .integer(sequences)), ("real_tokens", .integer(realTokens)),
            ("padded_tokens", .integer(paddedTokens)), ("padded_share", .double(paddedShare)),
            ("seconds", .double(seconds)),
        ]
    }
}

extension EvaluationMetrics {
    /// Members for what the task has.
    var members: [(String, JSONValue)] {
        [("examples", .integer(count))]
            + Metric.allCases.compactMap { metric in
                let isUndefined =
                    undefinedCorrelation != nil && [.pearson, .spearman].contains(metric)
                return isUndefined
                    ? (metric.rawValue, .null) : value(metric).map { (metric.rawValue, .double($0)) }
            }
    }
}

extension TrainingReport {
    /// The results as the last object of a run.
    var json: JSONValue {
        let ending =
            switch end {
            case .finished: "finished"
            case .stoppedEarly: "stopped_early"
            case .interrupted: "interrupted"
            }
        var members: [(String, JSONValue)] = [
            ("end", .string(ending)), ("steps", .integer(steps)), ("seconds", .double(seconds)),
            ("tokens_per_second", .double(tokensPerSecond)), ("final_loss", optional(finalLoss)),
            ("metric", .string(metric.rawValue)), ("best_value", optional(bestValue)),
            ("best_step", optional(bestStep)), ("test", test.map { .object($0.members) } ?? .null),
            ("model", end == .interrupted ? .null : .string(modelDirectory)),
            ("memory_bytes", .integer(memoryByteCount)),
        ]
        if let profile { members.append(("profile", KernelProfile(profile: profile).json)) }
        return event("finished", members)
    }
}
