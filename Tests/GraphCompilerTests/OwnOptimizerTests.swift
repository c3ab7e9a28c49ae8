import GraphCompiler
import Interpreter
import Testing

/// Rules of optimisers that a user writes with `update` out of element-wise ops.
@Suite struct OwnOptimizerTests {
    /// Stochastic gradient descent with weight decay and momentum m' = momentum · m + g, p' = 0.99 p - rate · m'.
    private func descent(momentum: Double?) throws -> Graph {
        var graph = try GraphBuilder.build("descent") { g in
            let y = g.input("x", .f32, [8, 16]).matmul(g.parameter("w", [16, 40]))
            g.output("loss", (y * y).sum())
        }
        let w = Value(graph.parameters[0])
        let gradients = try appendGradients(to: &graph, of: graph.outputs[0].value, withRespectTo: [w])
        let g = GraphBuilder(extending: graph)
        guard let gradient = gradients[0].map(g.tensor) else { return graph }
        var step = gradient
        if let momentum {
            let m = g.parameter("w.momentum", gradient.shape, role: .state)
            step = m * momentum + gradient
            g.update(m, to: step)
        }
        g.update(g.tensor(w), to: g.tensor(w) * 0.99 - step * g.input("rate", .f32, []))
        return try g.finish()
    }

    @Test("one kernel writes the parameter and its momentum in place", arguments: [nil, 0.9])
    func descentInPlace(momentum: Double?) throws {
        let graph = try descent(momentum: momentum)
        let compiler = try Compiler(CompilerOptions(cache: .off))
        let program = try compiler.lower(compiler.optimize(graph))
        let writers = Set(program.graph.updates.map(\.value.node))
        #expect(writers.count == 1)
        #expect(program.graph.inPlaceUpdates() == writers)
        #expect(program.launches.filter { writers.contains($0.node) }.count == 1)
        var random = RandomInputs(graph, symbols: [:])
        try CompiledComparison(graph: graph, inputs: random.tensors(), optimizes: true).check()
    }

    /// p' = p - g and q' = q - p: the old p is read by what writes q.
    @Test("a parameter that a later update reads is not written over before", arguments: [false, true])
    func updateReadsOther(optimizes: Bool) throws {
        let graph = try GraphBuilder.build("g") { g in
            let (p, q) = (g.parameter("p", [300]), g.parameter("q", [300]))
            g.update(p, to: p - g.input("g", .f32, [300]))
            g.update(q, to: q - p)
        }
        var random = RandomInputs(graph, symbols: [:])
        try CompiledComparison(graph: graph, inputs: random.tensors(), optimizes: optimizes).check()
        let updates = graph.updates.map(\.value.node)
        #expect(graph.inPlaceUpdates() == [updates[1]])
    }
}
