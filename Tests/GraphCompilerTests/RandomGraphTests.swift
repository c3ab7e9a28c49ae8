import GraphCompiler
import Interpreter
import TestSupport
import Testing

/// Random graphs and training steps: compiled against interpreted, before and after the passes, on any number of
/// threads.
@Suite struct RandomGraphTests {
    @Test(arguments: 0..<40)
    func compiledAgreesWithInterpreter(_ seed: UInt64) throws {
        var generator = RandomGraphGenerator(seed: seed)
        let (graph, inputs) = try generator.graph(nodes: 30)
        for set in OpTests.instructionSets {
            let options = CompilerOptions(instructionSet: set, threads: 2, cache: .off)
            try CompiledComparison(graph: graph, inputs: inputs, options: options, tolerance: 1e-3)
                .check("seed \(seed) \(set)")
        }
    }

    @Test(arguments: 0..<60)
    func fusedAgreesWithInterpreter(_ seed: UInt64) throws {
        var generator = RandomGraphGenerator(seed: seed)
        let (graph, inputs) = try generator.graph(nodes: 60)
        for set in OpTests.instructionSets {
            let options = CompilerOptions(instructionSet: set, threads: 2, cache: .off)
            try CompiledComparison(
                graph: graph, inputs: inputs, options: options, tolerance: 1e-3, optimizes: true
            ).check("seed \(seed) \(set)")
        }
    }

    @Test(arguments: 100..<110)
    func trainingStepAgreesWithInterpreter(_ seed: UInt64) throws {
        var generator = RandomGraphGenerator(seed: seed, smooth: true)
        var (graph, inputs) = try generator.graph(nodes: 25)
        var forward = Graph(name: graph.name)
        for node in graph.nodes { try forward.append(node.op, node.operands, label: node.label) }
        for output in graph.outputs { forward.addOutput(output.name, output.value) }
        graph = try trainingStep(forward, loss: "loss", options: OptimizerOptions(maxGradientNorm: 1))
        for case .source(.parameter(let name, let type, .state)) in graph.nodes.map(\.op) {
            inputs[name] = HostTensor.filled(0, .f32, type.extents([:]) ?? [])
        }
        for (name, value) in [("learning_rate", 1e-3), ("correction1", 0.1), ("correction2", 1e-3)] {
            inputs[name] = HostTensor.scalar(value).rounded
        }
        let compiler = try Compiler(CompilerOptions(cache: .off))
        let optimised = try compiler.optimize(graph)
        try CompiledComparison(graph: optimised, inputs: inputs, tolerance: 2e-3).check("seed \(seed)")
    }

    @Test func resultsDoNotDependOnThreads() throws {
        for seed in [7, 8, 9] as [UInt64] {
            var generator = RandomGraphGenerator(seed: seed)
            let (graph, inputs) = try generator.graph(nodes: 40)
            var results: [[String: TensorData]] = []
            for threads in [1, 2, 8] {
                let compiler = try Compiler(CompilerOptions(threads: threads, cache: .off))
                let parameters = ParameterStore()
                for case .source(.parameter(let name, _, _)) in graph.nodes.map(\.op) {
                    try parameters.set(name, TensorData(inputs[name]!))
                }
                let executor = try compiler.compile(graph, parameters: parameters)
                results.append(try executor.run(inputs.mapValues(TensorData.init)))
            }
            #expect(results[0] == results[1])
            #expect(results[0] == results[2])
        }
    }
}
