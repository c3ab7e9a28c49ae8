import GraphIR
import KernelIR
import Transforms

/// What one launch does and moves, by count, and what it should take.
package struct LaunchCost: Sendable {
    package let node: NodeID
    /// The kernel's name, e.g. `matmul+bias+gelu`.
    package let name: String
    /// The code template of the phase that does most of the work.
    package let template: String
    package let flops: Int
    package let traffic: Traffic
    /// What the phases take one behind the other by the cost model.
    package let seconds: Double

    /// FLOPs for each byte moved.
    package var intensity: Double { traffic.byteCount > 0 ? Double(flops) / Double(traffic.byteCount) : 0 }

    init(_ launch: Program.Launch, of program: Program, _ symbols: [String: Int], _ model: CostModel) {
        node = launch.node
        name = launch.kernel.name
        template = launch.kernel.template(symbols)
        var flops = 0
        var traffic = Traffic()
        var seconds = 0.0
        for phase in launch.kernel.phases {
            let all = phase.flopCount(symbols)
            let contraction = phase.contractionFlopCount(symbols)
            let moved = program.traffic(of: phase, in: launch, symbols)
            flops += all
            traffic = traffic + moved
            seconds += model.seconds(
                byteCount: moved.byteCount, contractionFlops: contraction,
                bf16Flops: phase.contractionElement == .bf16 ? contraction : 0,
                instructions: phase.instructionCount(symbols))
        }
        (self.flops, self.traffic, self.seconds) = (flops, traffic, seconds)
    }
}

extension Program {
    /// The cost of every launch, in order.
    package func costs(_ symbols: [String: Int], _ model: CostModel) -> [LaunchCost] {
        launches.map { LaunchCost($0, of: self, symbols, model) }
    }
}
