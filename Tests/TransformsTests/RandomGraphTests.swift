import Autodiff
import GraphIR
import Interpreter
import Support
import TestSupport
import Testing
import Transforms

@Suite struct RandomGraphTests {
    @Test(arguments: 0..<60) func passesKeepResultsOfPatterns(_ seed: Int) throws {
        let pattern = try PatternGraph(seed: seed)
        try checkPasses(pattern.graph, pattern.inputs)
        try checkTrainingStep(pattern.graph, pattern.inputs, seed: seed)
    }

    @Test(arguments: 0..<60) func passesKeepResultsOfAllOps(_ seed: Int) throws {
        var graphs = RandomGraphGenerator(seed: UInt64(seed))
        let (graph, inputs) = try graphs.graph(nodes: 40)
        try checkPasses(graph, inputs)
    }

    /// The pipeline leaves nothing for itself to do.
    @Test(arguments: 0..<20) func pipelineReachesAFixpoint(_ seed: Int) throws {
        var graph = try trainingStep(PatternGraph(seed: seed).graph)
        let before = graph.nodes.count
        try PassPipeline([.simplify, .constantFolding]).run(on: &graph)
        try PassPipeline.standard.run(on: &graph)
        #expect(graph.nodes.count < before)
        let settled = graph
        try PassPipeline.standard.run(on: &graph)
        #expect(graph == settled)
    }

    /// `checkPasses` on the graph that trains `forward`.
    private func checkTrainingStep(_ forward: Graph, _ inputs: [String: HostTensor], seed: Int) throws {
        var inputs = inputs
        var generator = SplitMix64(seed: UInt64(seed))
        for (name, tensor) in inputs {
            for moment in ["exp_avg", "exp_avg_sq"] {
                inputs["\(name).\(moment)"] = .random(tensor.shape, 0.1...1, &generator)
            }
        }
        for name in ["learning_rate", "correction1", "correction2"] { inputs[name] = .scalar(0.1) }
        try checkPasses(trainingStep(forward, options: OptimizerOptions(maxGradientNorm: 0.1)), inputs)
    }

    /// Every pass alone and the whole pipeline keep outputs and updates.
    private func checkPasses(_ graph: Graph, _ inputs: [String: HostTensor]) throws {
        let expected = try Interpreter(graph: graph, rounding: false).run(inputs)
        for pipeline in PassPipeline.standard.passes.map({ PassPipeline([$0]) }) + [.standard] {
            var changed = graph
            try pipeline.run(on: &changed)
            let result = try Interpreter(graph: changed, rounding: false).run(inputs)
            expectClose(result.outputs, expected.outputs, pipeline.names)
            expectClose(result.updates, expected.updates, pipeline.names)
        }
    }

    /// Folded constants are rounded to f32, so results agree to that precision.
    private func expectClose(
        _ actual: [String: HostTensor], _ expected: [String: HostTensor], _ passes: [String]
    ) {
        #expect(actual.keys.sorted() == expected.keys.sorted())
        for (name, tensor) in expected {
            guard let other = actual[name], other.shape == tensor.shape else {
                Issue.record("\(name) is missing or changed its shape after \(passes)")
                continue
            }
            for (a, b) in zip(other.values, tensor.values) {
                #expect(abs(a - b) <= 2e-6 * max(1, abs(b)), "\(name) after \(passes)")
            }
        }
    }
}
