import Foundation
import KernelIR

extension Executor {
    /// Runs some launches of the schedule, one after the other. Nothing here allocates, unless masks grow or
    /// somebody measures.
    func launch(_ range: Range<Int>) throws {
        guard let bound else { return }
        try bound.dims.withUnsafeBufferPointer { dims in
            guard let dims = dims.baseAddress ?? emptyDims else { return }
            for step in bound.steps(of: range) {
                try masks.bind(
                    step.launch, &buffers[step.launch], bound.symbols,
                    at: program.graph.place(schedule.launches[step.launch].node))
                try biases.check(
                    step.launch, buffers[step.launch], bound.symbols,
                    at: program.graph.place(schedule.launches[step.launch].node))
                if profiles { measured(step, bound, dims) } else { run(step, bound, dims) }
            }
        }
    }

    private func run(_ step: BoundProgram.Step, _ bound: BoundProgram, _ dims: UnsafePointer<Int64>) {
        let number = work.trace?.launch(name(of: step)) ?? 0
        buffers[step.launch].withUnsafeBufferPointer { buffers in
            guard let base = buffers.baseAddress else { return }
            if let function = functions[step.launch][step.phase] {
                work.set(function, base, dims, launch: number)
                pool.run(tasks: step.tasks, stored: runTasks)
            } else if case .library(let matmul) = schedule.launches[step.launch].kernel.phases[step.phase],
                let openBLAS
            {
                let begin = RunTrace.now
                matmul.run(openBLAS, base, bound.symbols, threads: pool.threads)
                work.trace?.note(number, of: 0, from: begin)
            }
        }
    }

    private func measured(_ step: BoundProgram.Step, _ bound: BoundProgram, _ dims: UnsafePointer<Int64>) {
        if works.isEmpty {
            works = bound.steps.map { step in
                let launch = schedule.launches[step.launch]
                return program.work(of: launch.kernel.phases[step.phase], in: launch, bound.symbols)
            }
        }
        let start = RunTrace.now
        run(step, bound, dims)
        let seconds = Double(RunTrace.now - start) * 1e-9
        var use = profile[name(of: step)] ?? KernelUse()
        use.calls += 1
        use.seconds += seconds
        use.work = use.work + works[bound.firstSteps[step.launch] + step.phase]
        profile[name(of: step)] = use
    }

    private func name(of step: BoundProgram.Step) -> String {
        let kernel = schedule.launches[step.launch].kernel
        return kernel.name + kernel.phases[step.phase].suffix
    }

    /// What `dims` points to when a graph has no symbols.
    private var emptyDims: UnsafePointer<Int64>? {
        work.scratch.first.map { UnsafePointer($0.assumingMemoryBound(to: Int64.self)) }
    }
}
