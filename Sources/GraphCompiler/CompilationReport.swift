import GraphIR
import KernelIR
import Runtime
import Transforms

/// What a compilation made and what it will cost to run: the figures behind the page of `bertc compile`.
package struct CompilationReport: Sendable {
    /// Equal launches: one kernel name and template.
    package struct KernelGroup: Sendable {
        package let name: String
        package let template: String
        package private(set) var launches = 0
        package private(set) var flops = 0
        package private(set) var traffic = Traffic()
        /// Predicted.
        package private(set) var seconds = 0.0

        init(name: String, template: String) {
            self.name = name
            self.template = template
        }

        /// FLOPs for each byte moved.
        package var intensity: Double {
            traffic.byteCount > 0 ? Double(flops) / Double(traffic.byteCount) : 0
        }

        mutating func add(_ cost: LaunchCost) {
            launches += 1
            flops += cost.flops
            traffic = traffic + cost.traffic
            seconds += cost.seconds
        }
    }

    /// The graph before the passes.
    package let graph: Graph
    package let passes: [PassRecord]
    package let program: Program
    /// Values of all symbols, for which costs and memory are counted.
    package let symbols: [String: Int]
    package let instructionSet: String
    /// One cost a launch.
    package let costs: [LaunchCost]
    package let memory: MemoryReport
    package let kernelCount: Int

    /// - Precondition: `symbols` has every symbol of the graph.
    init(
        graph: Graph, passes: [PassRecord], program: Program, symbols: [String: Int], instructionSet: String,
        costModel: CostModel
    ) {
        self.graph = graph
        self.passes = passes
        self.program = program
        self.symbols = symbols
        self.instructionSet = instructionSet
        costs = program.costs(symbols, costModel)
        memory = program.memory(symbols)
        kernelCount = Set(program.launches.map(\.kernel)).count
    }

    package var flops: Int { costs.reduce(0) { $0 + $1.flops } }
    package var traffic: Traffic { costs.reduce(Traffic()) { $0 + $1.traffic } }
    /// The predicted time of one run.
    package var seconds: Double { costs.reduce(0) { $0 + $1.seconds } }

    /// Launches by kernel name and template, the one with the greatest predicted time first.
    package var kernelGroups: [KernelGroup] {
        var groups: [[String]: KernelGroup] = [:]
        for cost in costs {
            groups[
                [cost.name, cost.template], default: KernelGroup(name: cost.name, template: cost.template)
            ].add(cost)
        }
        return groups.values.sorted {
            ($1.seconds, $0.name, $0.template) < ($0.seconds, $1.name, $1.template)
        }
    }
}
