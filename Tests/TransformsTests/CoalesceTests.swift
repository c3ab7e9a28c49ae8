import Autodiff
import GraphIR
import Interpreter
import Support
import Synchronization
import TestSupport
import Testing
import Transforms

/// Gradients of tables that are kept as rows; golden files show what the pass makes.
@Suite struct CoalesceTests {
    /// A step of training a table of which a batch touches a few rows.
    private func step(_ options: OptimizerOptions) throws -> Graph {
        let forward = try GraphBuilder.build("table") { g in
            let rows = g.parameter("table", [40, 3]).gather(g.input("ids", .i32, ["tokens"]))
            g.output("loss", (rows * rows * g.input("weights", .f32, ["tokens", 3])).sum())
        }
        return try trainingStep(forward, options: options)
    }

    private let context = PassContext(costModel: CostModel(symbols: ["tokens": 6]))

    @Test(
        "a step stays what it was",
        arguments: [
            OptimizerOptions(maxGradientNorm: 0.1),
            OptimizerOptions(.lamb, maxGradientNorm: 0.1, averageDecay: 0.9, scalesLoss: true),
        ])
    func stepStays(_ options: OptimizerOptions) throws {
        let graph = try step(options)
        for ids: [Int32] in [[5, 39, 5, 0, 5, 39], [7], [], Array(0..<40)] {
            var random = SplitMix64(seed: 8)
            let table = HostTensor.random([40, 3], -1...1, &random)
            var run = InterpretedTraining(
                ["table": table], options, lossScale: options.scalesLoss ? 64 : 1)
            var other = run
            let inputs = [
                "ids": HostTensor(ids), "weights": HostTensor.random([ids.count, 3], -1...1, &random),
            ]
            var coalesced = graph
            #expect(try Pass.coalesce.run(&coalesced, context))
            try coalesced.verify()
            for number in 0..<2 {
                let before = try run(graph, step: number, inputs)
                let after = try other(coalesced, step: number, inputs)
                for (name, tensor) in before.merging(run.values, uniquingKeysWith: { $1 }) {
                    let same = after[name] ?? other.values[name]
                    expectClose(same, tensor.values, "\(name) of \(ids)", 1e-12)
                }
            }
        }
    }

    @Test("AdamW gathers rows in its own kernel and writes over the table")
    func staysInPlace() throws {
        var graph = try step(OptimizerOptions(maxGradientNorm: 1))
        try PassPipeline.standard.run(on: &graph, options: PassPipeline.Options(context: context))
        let updates = graph.inPlaceUpdates()
        #expect(updates.count == 1)
        guard let id = updates.first, case .fusion(let region) = graph[id].op else {
            Issue.record("the update is not a region")
            return
        }
        #expect(region.name == "gather+adamw")
        #expect(
            !graph.nodes.contains { $0.types.first?.shape == [40, 3] && $0.op.mnemonic == "scatter_add" })
    }

    @Test("rows of the table itself are not read while it is written over")
    func tablesAreNotReadInPlace() throws {
        var graph = try GraphBuilder.build("self") { g in
            let table = g.parameter("table", [40, 3])
            let states = ["m", "v"].map { g.parameter($0, [40, 3], role: .state) }
            let gradient = table.gather(g.input("order", .i32, [40]))
            let scalars = [0.1, 0.2, 0.3, 1].map { g.scalar($0) }
            let new = g.applyAll(.adamW(AdamWAttributes()), [table, gradient] + states + scalars)
            for (target, value) in zip([table] + states, new) { g.update(target, to: value) }
        }
        try PassPipeline.standard.run(on: &graph)
        #expect(
            graph.nodes.contains {
                if case .fusion(let r) = $0.op { r.name == "gather+adamw" } else { false }
            })
        #expect(graph.inPlaceUpdates().isEmpty)
    }

    @Test func reasonsAreGiven() throws {
        func reason(rows: Int, _ use: (Tensor) -> Tensor) throws -> [String?] {
            var graph = try GraphBuilder.build("reasons") { g in
                let updates = g.input("updates", .f32, ["tokens", 3])
                let ids = g.input("ids", .i32, ["tokens"])
                g.output("y", use(g.apply(.scatterAdd(rows: .fixed(rows)), [updates, ids])))
            }
            let told = Mutex<[FusionDecision]>([])
            let telling = PassContext(costModel: context.costModel) { decision in
                told.withLock { $0.append(decision) }
            }
            _ = try Pass.coalesce.run(&graph, telling)
            return told.withLock { $0 }.map { $0.isFused ? nil : $0.reason }
        }
        #expect(try reason(rows: 40) { $0 * 2 } == [nil])
        let leaving = try reason(rows: 40) { table in
            table.builder.output("table", table)
            return table * 2
        }
        #expect(leaving == ["the table leaves the graph"])
        #expect(try reason(rows: 6) { $0 * 2 } == ["there are as many updates as rows: tokens and 6"])
        #expect(
            try reason(rows: 40) { $0.softmax() } == ["it is not read element by element: softmax"])
        #expect(
            try reason(rows: 40) { ($0 * $0).sum(axes: [1]) } == [nil],
            "squares that are not summed to one number are taken of the gather")
    }
}
