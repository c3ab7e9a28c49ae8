import Autodiff
import Collectives
import Runtime
import Support

/// A step whose micro-batches are shared by the processes of a group. Micro-batch k of a step is that of rank k modulo their
/// number, and all sums are those of one process that runs the micro-batches one after another, to the bit: in each round every
/// process has one, and the owner of each part of a gradient adds the round's to what the rounds before have left.
extension TrainingProgram {
    /// The exchange of a program's sums of gradients; `nil` for one process.
    ///
    /// - Parameter tables: parameters whose gradients are 0 but for some rows.
    static func exchange(
        _ programs: StepPrograms, _ parameters: [TensorSpec], tables: Set<String>, _ store: ParameterStore,
        _ group: ProcessGroup?, _ sharing: UpdateSharing?
    ) throws -> GradientExchange? {
        guard let group, group.size > 1 else { return nil }
        let accumulation = programs.executors[0]
        let owners = (sharing?.shares.owners ?? [:]).map { (TrainingNames.gradientSum(of: $0.key), $0.value) }
        let plan = ExchangePlan(
            gradientTensors(accumulation, parameters, tables, store), size: group.size,
            owners: Dictionary(uniqueKeysWithValues: owners))
        let gradients = plan.tensors.map { store.floats(of: $0.name) }
        let exchange = GradientExchange(plan, group, gradients: gradients, distributes: sharing == nil)
        accumulation.progress = { exchange.note(launches: $0) }
        return exchange
    }

    /// Puts what processes share into memory that all have, before the first step.
    private func shareMemory(_ exchange: GradientExchange, in group: ProcessGroup) throws {
        guard shared == nil, let sharing, group.sharesMemory else { return }
        let states = options.shardsOptimizer ? [] : stateNames(withSums: false)
        var common = Dictionary((parameters.map(\.name) + states).map { ($0, 0) }, uniquingKeysWith: { $1 })
        // Only its owner has read an average from a checkpoint in shares.
        for name in parameters.map(\.name) where store.contains(TrainingNames.average(of: name)) {
            common[TrainingNames.average(of: name)] = sharing.shares.owners[name] ?? 0
        }
        shared = try SharedParameters(
            store, common: common, sums: exchange.plan.tensors.map(\.name), update: programs.update, exchange,
            in: group)
    }

    /// The sums of gradients that a program leaves, and when each is complete.
    private static func gradientTensors(
        _ accumulation: Executor, _ parameters: [TensorSpec], _ tables: Set<String>, _ store: ParameterStore
    ) -> [ExchangePlan.Tensor] {
        parameters.compactMap { parameter in
            let name = TrainingNames.gradientSum(of: parameter.name)
            guard let extents = store.type(of: name)?.extents([:]) else { return nil }
            return ExchangePlan.Tensor(
                name: name, count: extents.reduce(1, *), ready: accumulation.launchCount(completing: name),
                isSparse: tables.contains(parameter.name))
        }
    }

    /// The number of the process that runs a micro-batch, counted from a step's first that is not done yet.
    package func isOwn(_ microBatch: Int) -> Bool {
        guard let group = options.group else { return true }
        return microBatch % group.size == group.rank
    }

    /// Adds the gradients of some micro-batches that follow one another to the sums of the step.
    ///
    /// - Parameters:
    ///   - count: how many there are. The first one is the first that `position` says is not done.
    ///   - endsStep: whether the step's update follows.
    ///   - inputs: gives one of them, counted from 0; asked for this process's only.
    /// - Returns: the outputs of this process's.
    /// - Throws: as `accumulate`, and `GroupError` on the processes that have no fault of their own.
    package func accumulate(
        _ count: Int, endsStep: Bool, _ inputs: (Int) throws -> StepInputs
    ) throws -> [[String: TensorData]] {
        guard let group = options.group, group.size > 1 else {
            return try (0..<count).map { try accumulate(inputs($0)) }
        }
        var outputs: [[String: TensorData]] = []
        for start in stride(from: 0, to: count, by: group.size) {
            let contributors = min(group.size, count - start)
            let isLast = endsStep && start + contributors == count
            let output = try round(contributors, isLast: isLast) { rank in
                guard case .split(let program, _) = programs else {
                    throw ExecutionError("caches batches; give it CachedBatch", at: "the program")
                }
                let own = try inputs(start + rank)
                return (
                    program, try tensors(own, index: position.microBatch + rank), own.symbols, own.lossWeights
                )
            }
            if let output { outputs.append(output) }
        }
        return outputs
    }

    /// One micro-batch on each of the first `contributors` processes.
    ///
    /// - Parameters:
    ///   - loss: their share of the step's loss, where the program does not compute it.
    ///   - inputs: what this process runs, which has the given rank.
    func round(
        _ contributors: Int, isLast: Bool, loss: Double? = nil,
        _ inputs: (Int) throws -> (
            program: Executor, tensors: [String: TensorData], symbols: [String: Int], weights: [Float]
        )
    ) throws -> [String: TensorData]? {
        guard let group = options.group, let exchange else { return nil }
        try shareMemory(exchange, in: group)
        exchange.begin(
            GradientExchange.Round(
                contributors: contributors, isFirst: position.microBatch == 0, isLast: isLast))
        let begin = ContinuousClock.now
        let result = Result {
            guard group.rank < contributors else { return [String: TensorData]?.none }
            let own = try inputs(group.rank)
            var tensors = own.tensors
            tensors[TrainingNames.lossWeights] = TensorData(own.weights)
            if options.optimizer.scalesLoss {
                tensors[TrainingNames.lossScale] = .scalar(Float(position.scaler.scale))
            }
            return try own.program.run(
                tensors, symbols: own.symbols, guarding: [TrainingNames.weightedLoss])
        }
        let end = ContinuousClock.now
        try exchange.finish()
        let times = [end - begin, ContinuousClock.now - end].map(\.inSeconds)
        let all = try agree(
            on: Result {
                let own = try result.get()?[TrainingNames.weightedLoss]?.floats.first
                return [loss ?? own.map { Double($0) } ?? .nan] + times
            })
        note(all.map { ProcessTimes(kernels: $0[1], wait: $0[2]) })
        if loss == nil {
            for own in all.prefix(contributors) { position.partialLoss += own[0] }
        } else {
            position.partialLoss += loss ?? 0
        }
        position.microBatch += contributors
        return try result.get()
    }

    private func note(_ times: [ProcessTimes]) {
        let before = position.microBatch == 0 ? [] : processTimes
        processTimes = times.enumerated().map { rank, times in
            guard before.indices.contains(rank) else { return times }
            return ProcessTimes(
                kernels: before[rank].kernels + times.kernels, wait: before[rank].wait + times.wait)
        }
    }

    /// What each process has come to, or the error of one of them, which ends the step on all.
    ///
    /// - Throws: this process's own error, or a `GroupError` with that of the lowest rank that has one.
    func agree(on result: Result<[Double], any Error>) throws -> [[Double]] {
        guard let group = options.group else { return [try result.get()] }
        do {
            return try group.allGather(of: result)
        } catch {
            abandonStep()
            throw error
        }
    }
}
