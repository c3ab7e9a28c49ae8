import GraphCompiler
import Support
import Text

/// Models that many callers use at once: their texts are packed into batches without padding.
///
/// ```swift
/// let engine = try InferenceEngine()
/// let model = try await engine.load("data/minilm")
/// async let first = model.embed(["A fine film."])
/// async let second = model.embed(["Two hours I will never get back."])
/// print(try await first, try await second)  // one batch
/// ```
///
/// All models share one pool of threads and run one batch at a time. Memory for the largest batch is taken when a model is
/// loaded; no later batch needs more. The result for a text has the same bits as `EncoderPipeline` gives, whatever
/// it shares a batch with. An engine without work uses no processor time.
public actor InferenceEngine {
    /// How an engine batches.
    public struct Options: Sendable {
        /// Tokens in a batch. A longer sequence is a batch of its own.
        public var maxBatchTokens: Int
        /// Texts that may wait; more are refused with `InferenceError.Kind.overloaded`.
        public var maxQueue: Int
        /// Called after each batch, on the engine's thread.
        public var onBatch: (@Sendable (BatchReport) -> Void)?

        /// Options for an engine; the defaults suit most uses.
        public init(
            maxBatchTokens: Int = 4096, maxQueue: Int = 512, onBatch: (@Sendable (BatchReport) -> Void)? = nil
        ) {
            self.maxBatchTokens = maxBatchTokens
            self.maxQueue = maxQueue
            self.onBatch = onBatch
        }
    }

    /// What a batch was.
    public struct BatchReport: Sendable {
        /// Texts in it.
        public let sequences: Int
        /// Their tokens.
        public let tokens: Int
        /// How long it ran.
        public let duration: Duration
    }

    /// How the engine batches.
    public nonisolated let options: Options
    nonisolated let queue: BatchQueue
    private let thread = EngineThread()
    private let compiler: Compiler
    private var pipelines: [EncoderPipeline] = []

    /// Jobs run on a thread of the engine's own.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// An engine without models.
    ///
    /// - Parameter compiler: what compiles the graphs and has the threads that they run on; one with default options when
    ///   `nil`.
    public init(compiler: sending Compiler? = nil, options: Options = Options()) throws {
        self.compiler = try compiler ?? Compiler()
        self.options = options
        queue = BatchQueue(capacity: options.maxQueue)
    }

    /// Texts that wait.
    public nonisolated var waitingCount: Int { queue.waitingCount }

    /// Bytes that the models hold now.
    var residentByteCount: Int { pipelines.reduce(0) { $0 + $1.residentByteCount } }

    /// Loads a model, compiles what it is for, takes the memory of its largest batch, and runs it once.
    ///
    /// - Parameters:
    ///   - path: as `EncoderPipeline` takes it.
    ///   - options: how the model is set up; `batchTokens` is the engine's.
    /// - Throws: as `EncoderPipeline`, and `ModelError` for a model that an engine has no task for.
    public func load(
        _ path: String, options: EncoderPipeline.Options = EncoderPipeline.Options()
    ) throws -> InferenceModel {
        try load(path, adapters: [], options: options)[0]
    }

    /// Loads a model and low-rank adapters for it, which share its weights and its batches: the first of the result is the
    /// model itself, then come the adapters in their order. What their vectors and numbers are does not depend on what shares
    /// a batch with them.
    ///
    /// - Parameter adapters: directories in PEFT's layout, with matrices of linear layers only.
    /// - Throws: as `load(_:options:)`, and `ConfigError` or `ModelError` for an adapter that changes more than linear layers.
    public func load(
        _ path: String, adapters: [String], options: EncoderPipeline.Options = EncoderPipeline.Options()
    ) throws -> [InferenceModel] {
        var settings = options
        settings.batchTokens = self.options.maxBatchTokens
        settings.stack = adapters
        let pipeline = try EncoderPipeline(contentsOf: path, compiler: compiler, options: settings)
        let model = try InferenceModel(pipeline, number: pipelines.count, engine: self)
        pipelines.append(pipeline)
        var plan = MemoryPlan()
        for work in model.works { plan.formMaximum(try reserve(work)) }
        model.memory.withLock { $0 = plan }
        for work in model.works { try warm(work, model) }
        let number = pipelines.count - 1
        return [model]
            + (try adapters.indices.map { index in
                try InferenceModel(
                    pipeline, number: number, engine: self, adapter: (Int32(index) + 1, adapters[index]))
            })
    }

    // MARK: Batches

    /// Runs one batch after another until nothing waits, and lets the engine's other jobs in between them.
    func drain() {
        guard let batch = queue.next(limits) else { return }
        let start = ContinuousClock.now
        run(batch)
        self.options.onBatch?(
            BatchReport(
                sequences: batch.items.count, tokens: batch.tokens, duration: ContinuousClock.now - start))
        Task { self.drain() }
    }

    private func run(_ batch: BatchQueue.Batch) {
        do {
            queue.finish(batch.items, try rows(batch.work, batch.items))
        } catch {
            let calls = Set(batch.items.map(\.call))
            guard calls.count > 1 else {
                return queue.fail(calls, InferenceError(.failed, "\(error)"))
            }
            // One text's numbers that are not finite must not fail those of others.
            for call in calls {
                var part = batch
                part.items = batch.items.filter { $0.call == call }
                run(part)
            }
        }
    }

    private func rows(_ work: BatchWork, _ items: [BatchQueue.Item]) throws -> [[Float]] {
        var runner = try pipelines[work.model].runner(for: work.task)
        runner.adapters = items.map(\.adapter)
        let encodings = items.map(\.encoding)
        switch work.output {
        case .sequence(let output): return try runner.rows(of: output, on: encodings)
        case .tokens(let output): return try runner.tokenOutputs(of: output, on: encodings) { Array($1) }
        case .sparse: return try runner.sparseRows(of: encodings)
        }
    }

    /// The tokens and sequences that a batch may have.
    private func limits(_ work: BatchWork) -> (tokens: Int, sequences: Int) {
        let pipeline = pipelines[work.model]
        // Rows over the vocabulary are wide.
        let tokens = work.output == .sparse ? pipeline.maxLength : options.maxBatchTokens
        // No sequence has less than its special tokens.
        return (tokens, max(1, tokens / max(2, pipeline.tokenizer.template.specialCount(isPair: false))))
    }

    // MARK: Memory

    /// Takes the memory of the largest batch of some work.
    private func reserve(_ work: BatchWork) throws -> MemoryPlan {
        let pipeline = pipelines[work.model]
        let limit = limits(work)
        var shape = [
            "tokens": max(limit.tokens, pipeline.maxLength), "sequences": limit.sequences,
            "length": pipeline.maxLength,
        ]
        if work.output == .sparse { shape["masked"] = shape["tokens"] }
        let executor = try pipeline.executor(for: work.task)
        try executor.reserve([shape])
        let counts = try executor.byteCounts(of: [shape])
        return MemoryPlan(
            parameters: executor.residentByteCount - counts.total, arena: counts.arena,
            scratch: counts.scratch)
    }

    /// Runs some work once, so that the first caller does not wait for what happens only then.
    private func warm(_ work: BatchWork, _ model: InferenceModel) throws {
        let encoding = try model.inputs.encode("", truncates: .longestFirst, at: "an empty text").encoding
        guard encoding.count > 0 else { return }
        _ = try rows(work, [BatchQueue.Item(call: 0, index: 0, encoding: encoding, adapter: 0)])
    }
}

extension InferenceEngine {
    /// Memory that a model's runs use, in bytes.
    public struct MemoryPlan: Hashable, Sendable {
        /// Weights, their copies in the order in which kernels read them, and constants.
        public var parameters = 0
        /// Inputs, activations and outputs of the largest batch.
        public var arena = 0
        /// Working memory of all threads.
        public var scratch = 0

        /// All of it.
        public var total: Int { parameters + arena + scratch }

        mutating func formMaximum(_ other: MemoryPlan) {
            parameters = max(parameters, other.parameters)
            arena = max(arena, other.arena)
            scratch = max(scratch, other.scratch)
        }
    }
}
