import Encoders
import Foundation
import GraphCompiler
import Measuring
import Support
import Training

/// What a process of its own does for one side of a row, turn by turn.
struct BenchSide: Codable {
    enum Work: String, Codable { case training, attention }

    let work: Work
    /// The fields of a `train.json`. Attention has `batchSize` sequences of `maxLength` tokens.
    let fields: JSONValue
    let disabledPasses: [String]
    let usesCache: Bool

    /// One turn of a side.
    struct Turn: Codable {
        let seconds: Double
        /// Mean training loss over the turn's examples; `nil` for attention alone.
        let loss: Double?
        /// Tokens of the turn's examples, and padding that comes on top.
        let realTokens: Int
        let paddedTokens: Int
        /// What the process was planned to hold, in bytes; of it the arena and the workers' memory.
        let planned: Int
        let activations: Int
        /// The most that it ever held (VmHWM).
        let peak: Int
    }

    /// What a side says: a turn is over, or why there will be none.
    enum Answer: Codable {
        case turn(Turn)
        case failure(String)
    }

    /// Sets everything up and takes turns. The first one, which nobody times, begins at once.
    ///
    /// - Parameter isNextWanted: called with each turn; returning false ends the work.
    func run(_ isNextWanted: @escaping (Turn) throws -> Bool) throws {
        let config = try TrainingConfig(json: Data(fields.text(.compact).utf8), file: "bench")
        let compiler = try Compiler(
            CompilerOptions(
                instructionSet: config.machine.cpu, threads: config.machine.threads,
                matmul: config.machine.matmul,
                precision: config.machine.precision, cache: usesCache ? .standard : .off,
                passes: PassPipeline.Options(disabled: Set(disabledPasses))))
        switch work {
        case .training: try train(config, compiler, isNextWanted)
        case .attention: try attend(config, compiler, isNextWanted)
        }
    }

    /// Each epoch is a turn.
    private func train(
        _ config: TrainingConfig, _ compiler: Compiler, _ isNextWanted: @escaping (Turn) throws -> Bool
    ) throws {
        var memory: TrainingMemory?
        var isOver = false
        _ = try trainModel(
            config, compiler: compiler,
            observer: { event in
                if case .started(let summary) = event { memory = summary.memory }
                guard case .epoch(let epoch) = event, let memory else { return }
                isOver = try !isNextWanted(
                    Turn(
                        seconds: epoch.seconds, loss: epoch.loss, realTokens: epoch.realTokens,
                        paddedTokens: epoch.paddedTokens, planned: memory.total,
                        activations: memory.arena + memory.scratch, peak: ProcessMemory.peakByteCount))
            },
            shouldStop: { isOver })
    }

    /// Runs of attention in a turn, which last some tens of milliseconds each.
    private static let attentionRuns = 5

    private func attend(
        _ config: TrainingConfig, _ compiler: Compiler, _ isNextWanted: (Turn) throws -> Bool
    ) throws {
        let length = config.data.maxLength ?? Technique.paddedLength
        var work = AttentionWork(precision: .fp32, length: length, dropout: 0.1, isTraining: true)
        work.form = .plain
        work.tokens = config.batches.size * length
        let subject = try AttentionSubject(work, compiler: compiler)
        ProcessMemory.releaseUnused()
        let counts = try subject.executor.byteCounts(of: [subject.symbols])
        let planned = ProcessMemory.residentByteCount + counts.total
        try subject.executor.reserve([subject.symbols])
        var isWanted = true
        while isWanted {
            let seconds = try subject.seconds(repeating: Self.attentionRuns)
            isWanted = try isNextWanted(
                Turn(
                    seconds: seconds, loss: nil, realTokens: work.tokens, paddedTokens: 0, planned: planned,
                    activations: counts.total, peak: ProcessMemory.peakByteCount))
        }
    }
}
