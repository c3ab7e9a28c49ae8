import Collectives

/// How a graph is trained.
public struct TrainingOptions: Sendable {
    /// The optimiser, clipping, averages, loss scaling, and what goes for single parameters.
    public var optimizer: OptimizerOptions
    /// The forward graph's output that is minimised, f32[].
    public var loss: String
    /// Outputs, f32[], that add up to the loss, each a mean over examples of its own; the loss alone when `nil`. The
    /// terms of several micro-batches are weighted one by one.
    public var lossTerms: [String]?
    /// Whether a step may have several micro-batches, whose gradients are added up; takes the memory of a sum for each
    /// trained parameter.
    public var accumulates: Bool
    /// An output of the forward graph, f32[rows, …], through which alone the loss depends on parameters, such as the vectors of
    /// a batch: steps are then over cached batches (`CachedBatch`). They are not when `nil`.
    public var cachedOutput: String?
    /// The key of the generator that the input `rng` of a graph with dropout gets.
    public var seed: Int
    /// Inputs of the forward graph that are the same for all micro-batches of a step, such as noise: functions of the
    /// step, counted from 0.
    public var stepInputs: (@Sendable (Int) throws -> [String: TensorData])?
    /// The processes that share a step's micro-batches; one process has all of them when `nil`.
    public var group: ProcessGroup?
    /// Whether each process of a group updates a share of the parameters, and has the optimiser's states of these only.
    public var shardsOptimizer = false
    /// The processes where each updates a share of the parameters: to keep the states of these only, or since all find the
    /// parameters in memory that they have in common.
    var sharers: ProcessGroup? {
        guard let group, group.size > 1, shardsOptimizer || group.sharesMemory else { return nil }
        return group
    }
    /// What a step computes again for its backward pass; as the compiler's options say when `nil`.
    public var recompute: Recompute?
    /// What the step is planned for; see `MemoryRequest`.
    public var memory: MemoryRequest

    /// A step that minimises the output `loss`.
    ///
    /// - Parameters:
    ///   - optimizer: the optimiser and what goes for single parameters.
    ///   - accumulates: whether a step may have several micro-batches.
    ///   - seed: the key of dropout's random numbers.
    ///   - recompute: what is computed again; as the compiler's options say when `nil`.
    ///   - memory: what the step is planned for.
    public init(
        _ optimizer: OptimizerOptions = OptimizerOptions(), accumulates: Bool = false, seed: Int = 0,
        recompute: Recompute? = nil, memory: MemoryRequest = MemoryRequest()
    ) {
        self.optimizer = optimizer
        self.accumulates = accumulates
        self.seed = seed
        self.recompute = recompute
        self.memory = memory
        loss = TrainingNames.loss
    }
}

/// The memory that a training step is planned for.
public struct MemoryRequest: Sendable {
    /// Symbols of the batches that take most memory; without any nothing is planned, and `auto` recomputes nothing.
    public var shapes: [[String: Int]]
    /// Bytes that the whole process may hold; `nil` is no limit.
    public var limit: Int?

    /// What compiling the step leaves behind, at most, about.
    private static let compilationByteCount = 32 << 20

    /// A plan for the largest batches, with a limit of bytes for the whole process.
    public init(shapes: [[String: Int]] = [], limit: Int? = nil) {
        self.shapes = shapes
        self.limit = limit
    }

    /// The choice of what is computed again, with what it saves and costs; `nil` when nothing is computed again and
    /// nothing was asked for.
    ///
    /// - Parameter parameters: those of the model, which the process holds already.
    func recomputation(
        _ recompute: Recompute, of step: Graph, compiler: Compiler, parameters: ParameterStore
    ) throws -> Recomputation? {
        guard recompute != .none, !shapes.isEmpty else { return nil }
        ProcessMemory.releaseUnused()
        let held = parameters.mappedByteCount() + parameters.panelByteCount - parameters.untouchedByteCount
        let process = max(0, ProcessMemory.residentByteCount - held) + Self.compilationByteCount
        let fits = limit.map { limit in
            { (cost: RecomputeCost) in cost.run.total + cost.lastingByteCount + process <= limit }
        }
        return try compiler.recomputation(step, recompute, shapes: shapes, fits: fits)
    }
}
