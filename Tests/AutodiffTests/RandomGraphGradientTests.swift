import Autodiff
import GraphIR
import Interpreter
import Support
import TestSupport
import Testing

@Suite struct RandomGraphGradientTests {
    @Test(arguments: 0..<60) func gradientsOfPatternsAgreeWithCentralDifferences(_ seed: Int) throws {
        let pattern = try PatternGraph(seed: seed)
        var generator = SplitMix64(seed: UInt64(seed))
        try checkGradients(pattern.graph, pattern.inputs, tolerance: 1e-5, generator: &generator)
    }

    /// Graphs of all ops that have a gradient, over packed sequences with padding and empty ones.
    @Test(arguments: 0..<60) func gradientsOfAllOpsAgreeWithCentralDifferences(_ seed: Int) throws {
        var graphs = RandomGraphGenerator(seed: UInt64(seed), smooth: true)
        let (graph, inputs) = try graphs.graph(nodes: 30)
        var generator = SplitMix64(seed: UInt64(seed))
        try checkGradients(graph, inputs, tolerance: 1e-5, generator: &generator)
    }
}
