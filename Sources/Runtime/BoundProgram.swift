import GraphIR
import KernelIR

/// A program's launches with sizes and arena offsets for one assignment of the symbols.
struct BoundProgram {
    /// One phase, ready to run but for the addresses.
    struct Step {
        let launch: Int
        let phase: Int
        let tasks: Int
    }

    let symbols: [String: Int]
    let dims: [Int64]
    let plan: MemoryPlan
    let steps: [Step]
    let scratchByteCount: Int

    init(program: Program, schedule: Schedule, names: [String], symbols: [String: Int]) {
        self.symbols = symbols
        dims = names.map { Int64(symbols[$0] ?? 0) }
        plan = MemoryPlan(program: program, schedule: schedule, symbols: symbols)
        var steps: [Step] = []
        var scratch = 0
        for (index, launch) in schedule.launches.enumerated() {
            for (number, phase) in launch.kernel.phases.enumerated() {
                steps.append(Step(launch: index, phase: number, tasks: phase.taskCount(symbols)))
                scratch = Swift.max(scratch, phase.scratchByteCount(symbols))
            }
        }
        self.steps = steps
        scratchByteCount = scratch
    }
}
