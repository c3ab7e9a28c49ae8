import Foundation
import KernelIR

/// Runs the launches of a bound program, each phase by the code that it was handed.
final class Launcher {
    private let binding: ProgramBinding
    /// The code of each phase of the schedule's launches.
    private let code: [[PhaseCode]]
    private let pool: WorkerPool
    private let work: LaunchWork
    /// `work.run`, made once.
    private let runTasks: WorkerPool.Body
    private var checks: LaunchChecks
    /// The buffers of the phase that runs now, in the order in which its code wants them.
    private let table: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    /// What each phase does with the symbols that it was counted for.
    private var works: (symbols: [String: Int]?, phases: [KernelUse.Work]) = (nil, [])
    private(set) var profile: [String: KernelUse] = [:]
    var profiles = false
    /// Told after each launch how many of the schedule are done.
    var progress: ((Int) -> Void)?

    init(_ binding: ProgramBinding, _ code: ProgramCode, work: LaunchWork, pool: WorkerPool) {
        self.binding = binding
        self.code = binding.schedule.order.map { code.launches[$0] }
        self.work = work
        self.pool = pool
        runTasks = { [work] worker, tasks in work.run(worker, tasks) }
        checks = LaunchChecks(binding.schedule.launches)
        table = .allocate(capacity: max(1, self.code.joined().compactMap(\.kernel?.buffers.count).max() ?? 0))
    }

    deinit { table.deallocate() }

    /// Bytes of mask tables.
    var tableByteCount: Int { checks.byteCount }

    /// Runs `body`, whose launches are noted in `trace` unless that is full.
    func tracing<Result>(_ trace: RunTrace?, _ body: () throws -> Result) rethrows -> Result {
        let begin = RunTrace.now
        work.trace = trace.flatMap { $0.isFull ? nil : $0 }
        let result = try body()
        work.trace?.noteRun(from: begin)
        return result
    }

    /// Runs some launches of the schedule, one after the other. Nothing here allocates, unless mask tables grow or
    /// somebody measures.
    func launch(_ range: Range<Int>) throws {
        guard let bound = binding.bound else { return }
        if profiles, works.symbols != bound.symbols { works = (bound.symbols, countWork(bound)) }
        try bound.dims.withUnsafeBufferPointer { dims in
            guard let dims = dims.baseAddress ?? emptyDims else { return }
            for step in bound.steps(of: range) {
                try checks.pass(step.launch, of: binding, bound.symbols)
                if profiles { try measured(step, bound, dims) } else { try run(step, bound, dims) }
                if let progress, bound.isLast(step) { progress(step.launch + 1) }
            }
        }
    }

    private func run(
        _ step: BoundProgram.Step, _ bound: BoundProgram, _ dims: UnsafePointer<Int64>
    ) throws {
        let number = work.trace?.launch(name(of: step)) ?? 0
        try binding.buffers[step.launch].withUnsafeBufferPointer { buffers in
            guard let base = buffers.baseAddress else { return }
            switch code[step.launch][step.phase] {
            case .kernel(let kernel):
                for (slot, buffer) in kernel.buffers.enumerated() { table[slot] = base[buffer] }
                work.set(kernel.function, UnsafePointer(table), dims, launch: number)
                pool.run(tasks: step.tasks, stored: runTasks)
            case .host(let function):
                let begin = RunTrace.now
                try function.run(
                    HostFunction.Call(buffers: base, symbols: bound.symbols, threads: pool.threads))
                work.trace?.note(number, of: 0, from: begin)
            }
        }
    }

    private func measured(
        _ step: BoundProgram.Step, _ bound: BoundProgram, _ dims: UnsafePointer<Int64>
    ) throws {
        let start = RunTrace.now
        try run(step, bound, dims)
        let seconds = Double(RunTrace.now - start) * 1e-9
        var use = profile[name(of: step)] ?? KernelUse()
        use.calls += 1
        use.seconds += seconds
        use.work = use.work + works.phases[bound.firstSteps[step.launch] + step.phase]
        profile[name(of: step)] = use
    }

    private func countWork(_ bound: BoundProgram) -> [KernelUse.Work] {
        bound.steps.map { step in
            let launch = binding.schedule.launches[step.launch]
            return binding.program.work(of: launch.kernel.phases[step.phase], in: launch, bound.symbols)
        }
    }

    private func name(of step: BoundProgram.Step) -> String {
        let kernel = binding.schedule.launches[step.launch].kernel
        return kernel.name + kernel.phases[step.phase].suffix
    }

    /// What `dims` points to when a graph has no symbols.
    private var emptyDims: UnsafePointer<Int64>? {
        work.scratch.first.map { UnsafePointer($0.assumingMemoryBound(to: Int64.self)) }
    }
}
