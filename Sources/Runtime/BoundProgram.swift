import GraphIR
import KernelIR

/// A program's launches with their extents for one assignment of the symbols.
struct BoundProgram {
    /// One phase, ready to run but for the addresses.
    struct Step {
        let launch: Int
        let phase: Int
        let tasks: Int
    }

    let symbols: [String: Int]
    let dims: [Int64]
    let steps: [Step]
    /// The index of each launch's first step, and behind the last one the number of steps.
    let firstSteps: [Int]
    let scratchByteCount: Int

    init(_ schedule: Schedule, names: [String], symbols: [String: Int]) {
        self.symbols = symbols
        dims = names.map { Int64(symbols[$0] ?? 0) }
        var steps: [Step] = []
        var firstSteps: [Int] = []
        var scratch = 0
        for (index, launch) in schedule.launches.enumerated() {
            firstSteps.append(steps.count)
            for (number, phase) in launch.kernel.phases.enumerated() {
                steps.append(Step(launch: index, phase: number, tasks: phase.taskCount(symbols)))
                scratch = Swift.max(scratch, phase.scratchByteCount(symbols))
            }
        }
        self.steps = steps
        self.firstSteps = firstSteps + [steps.count]
        scratchByteCount = scratch
    }

    /// The steps of some launches that follow one another.
    func steps(of launches: Range<Int>) -> ArraySlice<Step> {
        steps[firstSteps[launches.lowerBound]..<firstSteps[launches.upperBound]]
    }

    /// Whether a step is the last one of its launch.
    func isLast(_ step: Step) -> Bool {
        firstSteps[step.launch] + step.phase + 1 == firstSteps[step.launch + 1]
    }
}
