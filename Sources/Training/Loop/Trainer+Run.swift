import GraphCompiler
import Pipelines
import Support
import Text

extension Trainer {
    /// Does what is left of the run, saves the model, and tests it.
    func run() throws -> TrainingReport {
        let notes = try restore()
        try agreeOnParameters()
        try openLogs()
        try observer(.started(summary))
        try model.reserve(
            training: setup.shapes.training, whole: setup.shapes.whole, evaluation: setup.shapes.evaluation)
        if let resumed { try observer(.resumed(path: resumed.directory.path, step: position.step)) }
        for note in notes { try observer(.note(note)) }
        var end = TrainingReport.End.finished
        while position.step < plan.steps {
            if isPatienceOver {
                end = .stoppedEarly
                try observer(.stoppedEarly(step: position.step))
                break
            }
            guard try runEpoch() else {
                end = .interrupted
                break
            }
        }
        guard end != .interrupted else { return try report(end, test: nil) }
        if progress.evaluatedStep != position.step { try evaluate(epoch: lastStep?.epoch ?? progress.epoch) }
        if config.output.saveEvery != 0, kept.last != checkpointName { try saveCheckpoint() }
        try finishModel()
        return try report(end, test: try metrics(.test))
    }

    private var isPatienceOver: Bool {
        config.evaluation.earlyStopping.map { progress.evaluationsWithoutBest >= $0 } ?? false
    }

    /// The rest of the current epoch.
    /// - Returns: false when the run was asked to stop.
    private func runEpoch() throws -> Bool {
        let steps = try steps(ofEpoch: progress.epoch)
        let batches = try task.batches(epoch: progress.epoch).count
        let start = pace.seconds
        for step in steps.dropFirst(progress.batch) {
            let epoch = progress.epoch
            guard try runStep(step) else {
                if config.output.saveEvery != 0 { try saveCheckpoint() }
                return false
            }
            let isEnd = progress.batch == steps.count
            try log(epochShare: Double(progress.batch) / Double(steps.count))
            if isEnd { try endEpoch(batches: batches, seconds: pace.seconds - start) }
            if isDue(config.evaluation.every, isEpochEnd: isEnd) { try evaluate(epoch: epoch + 1) }
            if isDue(config.output.saveEvery, isEpochEnd: isEnd) { try saveCheckpoint() }
            if try isStopped() {
                if config.output.saveEvery != 0, kept.last != checkpointName { try saveCheckpoint() }
                return false
            }
            if position.step == plan.steps || isPatienceOver { break }
        }
        return true
    }

    /// The steps of an epoch, each its batches, each the micro-batches that the graph is run on.
    func steps(ofEpoch epoch: Int) throws -> [[[[Int]]]] {
        try task.batches(epoch: epoch).pieces(of: task.gradientAccumulation(epoch: epoch)).map { step in
            step.map { $0.pieces(of: setup.microBatchSize ?? .max) }
        }
    }

    /// Whether something that happens every `interval` steps, or after each epoch, happens now.
    private func isDue(_ interval: Int?, isEpochEnd: Bool) -> Bool {
        guard let interval else { return isEpochEnd }
        return interval > 0 && position.step % interval == 0
    }

    /// One step over micro-batches, or what is left of it.
    /// - Returns: false when the run was asked to stop between two micro-batches.
    private func runStep(_ batches: [[[Int]]]) throws -> Bool {
        let start = ContinuousClock.now
        let step = try task.step(batches, epoch: progress.epoch)
        let rate = plan.rate(at: position.step)
        let result: StepResult?
        let scale = position.scaler.scale
        do {
            result = try run(step, rate: rate)
        } catch let error as ExecutionError {
            let advice =
                error.isNonFinite
                ? "; \(precisionAdvice)lower learningRate, or look at the data and the model's weights" : ""
            throw ModelError(
                .failedStep, "\(error); the parameters are those before this step\(advice)",
                at: "step \(position.step + 1) (epoch \(progress.epoch + 1))")
        } catch let error as LossScaleError {
            throw ModelError(
                .failedStep,
                "gradients still overflow in fp16 with the loss scaled by \(error.scale), after "
                    + "\(Formatted.count(error.skipped, "skipped step")); \(precisionAdvice)or lower learningRate",
                at: "step \(position.step) (epoch \(progress.epoch + 1))")
        }
        guard let result else { return false }
        let seconds = (ContinuousClock.now - start).inSeconds
        pace.add(seconds: seconds, tokens: step.realTokens)
        progress.batch += 1
        progress.totals.add(step, loss: result.loss)
        let report = StepReport(
            step: position.step, steps: plan.steps, epoch: progress.epoch + 1, epochs: plan.epochs,
            loss: result.loss, learningRate: rate, gradientNorm: result.gradientNorm,
            realTokens: step.realTokens, paddedTokens: step.paddedTokens, sequences: step.sequences,
            seconds: seconds, tokensPerSecond: pace.tokensPerSecond,
            secondsLeft: pace.secondsLeft(steps: plan.steps - position.step),
            extras: extras(lossScale: scale), processes: result.processes)
        progress.window.add(report)
        lastStep = report
        try observer(.step(report))
        return true
    }

    /// The numbers of the features that the run uses, after a step.
    private func extras(lossScale: Double) -> [StepExtra: Double] {
        var extras: [StepExtra: Double] = [:]
        extras[.maskSparsity] = model.maskSparsity
        if model.training.options.optimizer.scalesLoss {
            extras[.lossScale] = lossScale
            extras[.skippedSteps] = Double(position.scaler.skipped)
        }
        return extras
    }

    /// - Returns: `nil` when the run was asked to stop between two micro-batches.
    private func run(_ step: TaskStep, rate: Double) throws -> StepResult? {
        let training = model.training
        if let group, group.size > 1 { return try run(step, rate: rate, in: group) }
        let step = try teacher?.add(to: step) ?? step
        let batches = step.inputs.map(model.readInputs)
        if training.cachesBatches {
            for (first, batch) in step.cachedBatches(batches) {
                guard try training.accumulate(batch, first: first, shouldStop: shouldStop) else { return nil }
                if position.microBatch < batches.count, shouldStop() { return nil }
            }
            return try training.update(rate: rate)
        }
        guard training.options.accumulates else { return try training.step(batches, rate: rate) }
        for batch in batches.dropFirst(position.microBatch) {
            try training.accumulate(batch)
            if position.microBatch < batches.count, shouldStop() { return nil }
        }
        return try training.update(rate: rate)
    }

    /// What to do about numbers that f16 cannot hold; empty where they are not f16.
    var precisionAdvice: String {
        guard config.machine.precision == .fp16 else { return "" }
        return "fp16 only holds numbers up to 65504: set 'precision' to \"bf16\" (in \(config.file)), "
    }

    private func endEpoch(batches: Int, seconds: Double) throws {
        let totals = progress.totals
        let summary = EpochSummary(
            epoch: progress.epoch + 1, loss: totals.loss / Double(max(1, totals.sequences)), batches: batches,
            sequences: totals.sequences, realTokens: totals.realTokens, paddedTokens: totals.paddedTokens,
            seconds: seconds)
        epochs.append(summary)
        progress.epoch += 1
        progress.batch = 0
        progress.totals = EpochTotals()
        try observer(.epoch(summary))
    }

    // MARK: Evaluation

    /// - Returns: `nil` without such data.
    func metrics(_ part: EvaluatedPart) throws -> EvaluationMetrics? {
        do {
            return try task.evaluate(part, with: model)
        } catch let error as ExecutionError {
            throw ModelError(
                .failedStep,
                "\(error) in the evaluation on \(task.path(of: part)); \(precisionAdvice)lower learningRate",
                at: "after step \(position.step)")
        }
    }

    /// Evaluates on the validation data, if there are any, and saves the model when it is the best one.
    private func evaluate(epoch: Int) throws {
        let start = ContinuousClock.now
        guard let metrics = try metrics(.validation) else { return }
        let evaluation = BestEvaluation(
            step: position.step, value: metrics.defined(metric), loss: metrics.loss)
        if evaluation.value == nil { try noteUndefined(metrics) }
        let isBest = progress.best.map { evaluation.isBetter(than: $0, by: metric) } ?? true
        progress.evaluatedStep = position.step
        progress.evaluationsWithoutBest = isBest ? 0 : progress.evaluationsWithoutBest + 1
        if isBest { progress.best = evaluation }
        let report = EvaluationReport(
            step: position.step, epoch: epoch, metrics: metrics, metric: metric, value: evaluation.value,
            isBest: isBest, seconds: (ContinuousClock.now - start).inSeconds)
        evaluations.append(report)
        for index in logs.indices { try logs[index].add(report) }
        try observer(.evaluation(report))
        if isBest, config.evaluation.saveBest {
            try saveModel()
            try observer(.bestModel(path: outputDirectory, step: position.step))
        }
    }

    /// Says once why the metric that decides has no value.
    private func noteUndefined(_ metrics: EvaluationMetrics) throws {
        guard evaluations.allSatisfy({ $0.value != nil }) else { return }
        let reason = metrics.undefinedCorrelation.map { ", since \($0)" } ?? ""
        try observer(
            .note(
                "\(task.path(of: .validation)): \(metric.rawValue) is not defined\(reason); such evaluations are "
                    + "compared by their loss"))
    }

    private func report(_ end: TrainingReport.End, test: EvaluationMetrics?) throws -> TrainingReport {
        let profile =
            model.training.profiles
            ? RunProfile(
                kernels: model.training.profile, ceilings: try compiler.ceilings(),
                costModel: compiler.costModel([:]))
            : nil
        return TrainingReport(
            end: end, steps: position.step, seconds: (ContinuousClock.now - started).inSeconds,
            tokensPerSecond: pace.meanTokensPerSecond, finalLoss: lastStep?.loss, epochs: epochs,
            evaluations: evaluations, bestValue: progress.best?.value, bestStep: progress.best?.step,
            metric: metric,
            test: test, modelDirectory: outputDirectory, memoryByteCount: ProcessMemory.peakByteCount,
            profile: profile)
    }
}
