import Autodiff
import GraphIR
import Interpreter
import Support
import TestSupport
import Testing

@Suite struct GradientTests {
    @Test(arguments: GradientCase.all) func agreesWithCentralDifferences(_ row: GradientCase) throws {
        let seed: UInt64 = row.name.utf8.reduce(7) { $0 &* 31 & 0xFFFF_FFFF &+ UInt64($1) }
        var generator = SplitMix64(seed: seed)
        var values: [String: HostTensor] = [:]
        var weightShape: [Dimension] = []
        let graph = try GraphBuilder.build(row.name) { g in
            let parameters = row.shapes.enumerated().map { index, shape in
                values["p\(index)"] = .random(shape, row.range, &generator)
                return g.parameter("p\(index)", shape.map(Dimension.fixed))
            }
            let inputs = row.inputs.map { input in
                values[input.name] = input.tensor
                return g.input(input.name, input.type.element, input.type.shape)
            }
            let y = row.body(parameters, inputs)
            weightShape = y.shape
            g.output("loss", (y * g.input("weights", .f32, y.shape)).sum())
        }
        let extents = try #require(TensorType(.f32, weightShape).extents(["sequences": 2]))
        values["weights"] = .random(extents, -1...1, &generator)
        try checkGradients(graph, values, tolerance: row.tolerance, generator: &generator)
    }

    /// Every op stands in the table, has no gradient by design, or is a gradient itself.
    @Test func tableNamesEveryDifferentiableFunction() {
        let names = GradientCase.all.map(\.name)
        let without: Set<UnaryFunction> = [.sign, .stopGradient, .not]
        for function in UnaryFunction.allCases where !without.contains(function) {
            #expect(names.contains { $0.hasPrefix("\(function.rawValue) ") }, "\(function)")
        }
        for function in BinaryFunction.allCases where function != .and && function != .or {
            #expect(names.contains { $0.hasPrefix("\(function.rawValue) ") }, "\(function)")
        }
    }
}
