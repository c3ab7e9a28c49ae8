/// The graphs of a training step.
struct StepGraphs {
    /// The whole step, or what is done for each micro-batch.
    let first: Graph
    /// What follows on the micro-batches.
    let update: Graph?
    /// Where processes share the update: what they tell one another first, whose parameters are whose, and the states of all.
    typealias Sharing = (squares: Graph, shares: ParameterShares, states: [String: TensorType])
    private(set) var sharing: Sharing?
    /// What makes the output that is cached, and its loss.
    let cached: (forward: Graph, loss: Graph)?

    init(_ forward: Graph, _ options: TrainingOptions) throws {
        // Sums of several processes go on where their owners are.
        let addsUp = (options.group?.size ?? 1) == 1
        if let output = options.cachedOutput {
            let split = try SplitGraph(forward, at: output, loss: options.loss)
            first = try accumulationStep(
                split.surrogate, terms: [options.loss], options: options.optimizer, addsUp: addsUp)
            (update, sharing) = try Self.update(split.surrogate, terms: [options.loss], options)
            cached = (split.forward, split.loss)
            return
        }
        cached = nil
        guard options.accumulates else {
            first = try trainingStep(forward, loss: options.loss, options: options.optimizer)
            update = nil
            return
        }
        let terms = options.lossTerms ?? [options.loss]
        first = try accumulationStep(
            forward, terms: terms, options: options.optimizer, addsUp: addsUp)
        (update, sharing) = try Self.update(forward, terms: terms, options)
    }

    /// The update of all parameters, or of this process's share.
    private static func update(
        _ forward: Graph, terms: [String], _ options: TrainingOptions
    ) throws -> (Graph, Sharing?) {
        let optimizer = options.optimizer
        let whole = try updateStep(forward, terms: terms, options: optimizer)
        guard let group = options.sharers else { return (whole, nil) }
        let parameters = try summedParameters(forward, terms: terms, options: optimizer).map { name, shape in
            (name: name, count: (TensorType(.f32, shape).extents([:]) ?? []).reduce(1, *))
        }
        let shares = ParameterShares(parameters, size: group.size)
        let own = shares.names(of: group.rank)
        return (
            try updateStep(forward, terms: terms, options: optimizer, share: own),
            (try squaresStep(forward, terms: terms, options: optimizer, share: own), shares, whole.states)
        )
    }

    /// Names of the inputs of both.
    var inputs: Set<String> {
        Set(([first, update].compactMap(\.self)).flatMap { $0.signature.inputs.map(\.name) })
    }
}

extension Graph {
    /// The optimiser's states, by name.
    fileprivate var states: [String: TensorType] {
        nodes.reduce(into: [:]) { states, node in
            if case .source(.parameter(let name, let type, .state)) = node.op { states[name] = type }
        }
    }
}

/// What runs a training step.
enum StepPrograms {
    /// Forward, backward and update in one.
    case whole(Executor)
    /// Forward and backward for each micro-batch, adding up gradients, and then the update.
    case split(accumulation: Executor, update: Executor)
    /// Forward for each piece of a batch, the loss, forward and backward for each piece, and then the update.
    case cached(CachedPrograms)

    /// What updates the parameters.
    var update: Executor {
        switch self {
        case .whole(let step): step
        case .split(_, let update): update
        case .cached(let programs): programs.update
        }
    }

    var executors: [Executor] {
        switch self {
        case .whole(let step): [step]
        case .split(let accumulation, let update): [accumulation, update]
        case .cached(let programs):
            [programs.accumulation, programs.update, programs.forward, programs.loss]
        }
    }
}

extension TrainingProgram {
    /// What runs the step: the whole of it, or micro-batches and then the update.
    public var executors: [Executor] { programs.executors }

    /// What steps over batches with such symbols hold beside the parameters: the most of any.
    ///
    /// - Parameters:
    ///   - shapes: values of all symbols, for each batch, or of cached batches for each piece.
    ///   - whole: those of whole batches that are cached.
    public func byteCounts(
        of shapes: [[String: Int]], whole: [[String: Int]] = []
    ) throws -> Executor.RunByteCounts {
        switch programs {
        case .cached(let programs):
            var counts = try programs.accumulation.byteCounts(of: shapes)
            counts.formMaximum(try programs.forward.byteCounts(of: shapes))
            counts.formMaximum(try programs.loss.byteCounts(of: whole))
            counts.formMaximum(try programs.update.byteCounts(of: [[:]]))
            return counts
        case .whole(let step): return try step.byteCounts(of: shapes)
        case .split(let accumulation, let update):
            var counts = try accumulation.byteCounts(of: shapes)
            counts.formMaximum(try update.byteCounts(of: [[:]]))
            return counts
        }
    }

    /// Takes that memory now, so that no later step fails for the lack of it.
    /// - Throws: an error with the number of bytes when the system gives no memory.
    public func reserve(_ shapes: [[String: Int]], whole: [[String: Int]] = []) throws {
        switch programs {
        case .cached(let programs):
            try programs.accumulation.reserve(shapes)
            try programs.forward.reserve(shapes)
            try programs.loss.reserve(whole)
            try programs.update.reserve([[:]])
        case .whole(let step): try step.reserve(shapes)
        case .split(let accumulation, let update):
            try accumulation.reserve(shapes)
            try update.reserve([[:]])
        }
    }

    /// The kernels of the step with the time they took; empty unless `profiles` is set.
    public var profile: [String: KernelUse] {
        executors.reduce(into: [:]) { $0.merge($1.profile, uniquingKeysWith: +) }
    }

    /// Whether steps measure their kernels.
    public var profiles: Bool {
        get { executors[0].profiles }
        set { for executor in executors { executor.profiles = newValue } }
    }

    /// Receives when each worker runs which kernel of the step.
    public var trace: RunTrace? {
        get { executors[0].trace }
        set {
            for executor in executors { executor.trace = newValue }
            exchange?.observer = nil
            guard let newValue else { return }
            // What it notes of exchanges is guarded.
            nonisolated(unsafe) let trace = newValue
            exchange?.observer = { (bucket: Int, begin: ContinuousClock.Instant) in
                trace.noteExchange("gradients \(bucket + 1)", since: begin)
            }
        }
    }
}
