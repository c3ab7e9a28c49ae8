import Autodiff
import GraphIR
import Interpreter
import Support
import TestSupport
import Testing

/// Compares the gradients that Autodiff appends with central differences of the interpreter in `Double`, for
/// every trainable parameter along random directions v: (L(p + h v) - L(p - h v)) / 2h = Σ g v.
///
/// `graph` has an output `loss`; `inputs` holds all inputs and parameters.
func checkGradients(
    _ graph: Graph, _ inputs: [String: HostTensor], symbols: [String: Int] = [:], tolerance: Double,
    generator: inout SplitMix64
) throws {
    let step = 1e-5
    let parameters = graph.parameters.compactMap { id -> (name: String, value: Value)? in
        guard case .source(.parameter(let name, _, .trainable)) = graph[id].op else { return nil }
        return (name, Value(id))
    }
    let loss = try #require(graph.outputs.first { $0.name == "loss" }).value
    var extended = graph
    let gradients = try appendGradients(to: &extended, of: loss, withRespectTo: parameters.map(\.value))
    for (parameter, gradient) in zip(parameters, gradients) {
        if let gradient { extended.addOutput("d.\(parameter.name)", gradient) }
    }
    try extended.verify()
    let result = try Interpreter(graph: extended, rounding: false).run(inputs, symbols: symbols)
    let forward = Interpreter(graph: graph, rounding: false)
    for (name, _) in parameters {
        let point = try #require(inputs[name])
        for _ in 0..<2 {
            let direction = HostTensor.random(point.shape, -1...1, &generator)
            func value(_ h: Double) throws -> Double {
                var moved = inputs
                moved[name]?.values = zip(point.values, direction.values).map { $0 + h * $1 }
                return try #require(forward.run(moved, symbols: symbols).outputs["loss"]).values[0]
            }
            let numeric = try (value(step) - value(-step)) / (2 * step)
            let gradient = result.outputs["d.\(name)"]?.values ?? point.values.map { _ in 0 }
            let analytic = zip(gradient, direction.values).reduce(0) { $0 + $1.0 * $1.1 }
            let limit = tolerance * max(1, abs(numeric))
            #expect(
                abs(analytic - numeric) <= limit, "d loss / d \(name): \(analytic), by differences \(numeric)"
            )
        }
    }
}
