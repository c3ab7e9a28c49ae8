import GraphCompiler
import Support

/// Trains a model as a configuration says and saves it.
///
/// ```swift
/// let report = try trainModel(TrainingConfig(contentsOf: "train.json")) { event in
///     if case .evaluation(let evaluation) = event { print(evaluation.step, evaluation.value) }
/// }
/// ```
///
/// The same configuration, data and machine give the same parameters, bit for bit, with any number of threads and
/// also when a run is interrupted and resumed.
///
/// One process at a time trains into an output directory.
///
/// - Parameters:
///   - config: what to train; checked first.
///   - group: the processes that train together, each of which calls this with the same configuration; one alone when `nil`.
///     Only the first one prints, through `observer`, and writes files.
///   - compiler: what compiles the graphs; one with the configuration's `threads`, `cpu`, `matmul` and `precision`
///     when `nil`.
///   - profiles: measure the kernels of the training step, and the machine's ceilings if they are not known.
///   - trace: receives when each worker ran which kernel of the training step.
///   - observer: receives progress as it happens. An error that it throws ends the run.
///   - shouldStop: asked after each step; `true` saves a checkpoint (unless `saveEvery` is 0) and ends the run.
/// - Throws: one-line errors that name file and place: `ConfigError`, `ModelError`, and those of the
///   tokeniser, data sets, checkpoints and the compiler.
public func trainModel(
    _ config: TrainingConfig, in group: ProcessGroup? = nil, compiler: Compiler? = nil,
    profiles: Bool = false,
    trace: RunTrace? = nil,
    observer: @escaping (TrainingEvent) throws -> Void = { _ in },
    shouldStop: @escaping () -> Bool = { false }
) throws -> TrainingReport {
    try config.validate()
    let directory = config.resolve(config.output.directory)
    let lock = try OutputLock.ofFirst(of: group, directory)
    defer { withExtendedLifetime(lock) {} }
    if lock != nil {
        Leftovers.removeAll(in: directory)
        TrainingCheckpoint.recover(in: Trainer.checkpoints(config))
    }
    try group?.barrier()
    let compiler =
        try compiler
        ?? Compiler(
            CompilerOptions(
                instructionSet: config.machine.cpu, threads: config.machine.threads,
                matmul: config.machine.matmul,
                precision: config.machine.precision))
    // Before the model is loaded: the memory that this takes is given back.
    if profiles { _ = try compiler.ceilings() }
    let trainer = try Trainer(
        config, in: group, compiler: compiler, shouldStop: shouldStop,
        observer: group?.isFirst ?? true ? observer : { _ in })
    trainer.model.training.profiles = profiles
    trainer.model.training.trace = trace
    return try trainer.run()
}
