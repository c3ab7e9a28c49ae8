import Autodiff
import GraphIR
import Interpreter
import Support
import TestSupport
import Testing

@Suite struct CustomOpGradientTests {
    /// By the op's own gradient, and by its decomposition where it has none.
    @Test func gradientsAgreeWithDifferences() throws {
        var generator = SplitMix64(seed: 3)
        for definition in [Custom.mish, Custom.nested] {
            var graph = try GraphBuilder.build("gradient") { g in
                let w = g.parameter("w", [2, 3])
                g.output("loss", g.custom(definition, [w * 2])[0].sum())
            }
            if !definition.hasGradient { _ = try graph.decompose { _ in true } }
            try checkGradients(
                graph, ["w": .random([2, 3], 0.5...2, &generator)], tolerance: 1e-6, generator: &generator)
        }
    }

    @Test func trainingDifferentiatesTheDecomposition() throws {
        let graph = try GraphBuilder.build("custom") { g in
            let x = g.input("x", .f32, ["rows", 3])
            let h = g.custom(Custom.mish, [x.matmul(g.parameter("w", [3, 3]))])[0]
            let both = g.custom(Custom.productAndSum, [h, x], ["scale": .float(3)])
            g.output("loss", (both[0] * both[1]).sum())
        }
        let step = try trainingStep(graph)
        #expect(!step.description.contains("product_and_sum"))
        #expect(step.description.contains("custom.mish"))
        #expect(step.updates.count == 3)
    }

    @Test func mistakesNameTheNode() throws {
        let none = try Custom.error(Custom.bad()) { _ = try trainingStep($0) }
        #expect(none == "%1 = custom.bad \"here\": 'custom.bad' has no gradient rule [gradient]")
        let count = try Custom.error(Custom.bad(gradient: { _, _ in [] })) { _ = try trainingStep($0) }
        #expect(count.contains("has 1 operands, but its gradient gives 0"))
    }
}
