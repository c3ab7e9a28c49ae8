import Autodiff
import GraphIR
import Interpreter
import Testing

/// Steps of training, interpreted in `Double`: one graph after another over the same values. The betas are 0.9 and 0.99.
package struct InterpretedTraining {
    /// Parameters and states.
    package var values: [String: HostTensor]
    package var options: OptimizerOptions
    package var lossScale: Double

    package init(_ values: [String: HostTensor], _ options: OptimizerOptions, lossScale: Double = 1) {
        self.values = values
        self.options = options
        self.lossScale = lossScale
    }

    /// Runs a graph at a step counted from 0, with states that start as 0, and takes its updates in.
    package mutating func callAsFunction(
        _ graph: Graph, step: Int, _ inputs: [String: HostTensor] = [:]
    ) throws -> [String: HostTensor] {
        for case .source(.parameter(let name, let type, let role)) in graph.nodes.map(\.op)
        where role != .trainable && values[name] == nil {
            values[name] = .filled(0, .f32, type.extents([:]) ?? [])
        }
        var given = values.merging(inputs) { $1 }
        let (power1, power2) = (step == 0 ? (0.9, 0.99) : step == 1 ? (0.81, 0.9801) : (0.729, 0.970299))
        given["learning_rate"] = .scalar(0.05)
        given["correction1"] = .scalar(1 - power1)
        given["correction2"] = .scalar(1 - power2)
        given["average_weight"] = .scalar(step == 0 ? 1 : 1 - (options.averageDecay ?? 0))
        given["loss_scale"] = .scalar(lossScale)
        let names = Set(graph.nodes.compactMap(\.op.suppliedName))
        let result = try Interpreter(graph: graph, rounding: false).run(
            given.filter { names.contains($0.key) })
        values.merge(result.updates) { $1 }
        return result.outputs
    }
}

/// Expects a tensor's elements to be `numbers`.
package func expectClose(
    _ tensor: HostTensor?, _ numbers: [Double], _ name: String, _ bound: Double = 1e-9
) {
    #expect(tensor?.values.count == numbers.count, "\(name)")
    for (a, b) in zip(tensor?.values ?? [], numbers) { #expect(abs(a - b) < bound, "\(name)") }
}
