import GraphIR
import Interpreter
import Testing
import Transforms

@Suite struct RandomGraphTests {
    @Test(arguments: 0..<60) func gradientsAgreeWithCentralDifferences(_ seed: Int) throws {
        let random = try RandomGraph(seed: seed)
        var generator = SplitMix(seed)
        try checkGradients(random.graph, random.inputs, tolerance: 1e-5, generator: &generator)
    }

    /// Every pass alone and the whole pipeline keep outputs and updates, of forward graphs and of training
    /// steps.
    @Test(arguments: 0..<60) func passesKeepResults(_ seed: Int) throws {
        let random = try RandomGraph(seed: seed)
        var inputs = random.inputs
        var generator = SplitMix(seed)
        let step = try trainingStep(random.graph, options: OptimizerOptions(maxGradientNorm: 0.1))
        for name in ["learning_rate", "correction1", "correction2"] { inputs[name] = .scalar(0.1) }
        for (name, tensor) in random.inputs {
            for moment in ["exp_avg", "exp_avg_sq"] {
                inputs["\(name).\(moment)"] = .random(tensor.shape, 0.1...1, &generator)
            }
        }
        let pipelines = PassPipeline.standard.passes.map { PassPipeline([$0]) } + [.standard]
        for graph in [random.graph, step] {
            let expected = try Interpreter(graph: graph, rounding: false).run(inputs)
            for pipeline in pipelines {
                var changed = graph
                try pipeline.run(on: &changed)
                let result = try Interpreter(graph: changed, rounding: false).run(
                    inputs, symbols: expected.symbols)
                expectClose(result.outputs, expected.outputs, pipeline.names)
                expectClose(result.updates, expected.updates, pipeline.names)
            }
        }
    }

    /// The pipeline leaves nothing for itself to do.
    @Test(arguments: 0..<20) func pipelineReachesAFixpoint(_ seed: Int) throws {
        var graph = try trainingStep(RandomGraph(seed: seed).graph)
        let before = graph.nodes.count
        try PassPipeline([.simplify, .constantFolding]).run(on: &graph)
        try PassPipeline.standard.run(on: &graph)
        #expect(graph.nodes.count < before)
        let settled = graph
        try PassPipeline.standard.run(on: &graph)
        #expect(graph == settled)
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
