import GraphCompiler
import Lowering
import Target
import Testing

@Suite struct MemoryReportTests {
    private func memory(_ graph: Graph, _ symbols: [String: Int] = [:]) throws -> MemoryReport {
        try Lowering.lower(graph, for: Machine(.avx512), keepsPanels: false).memory(symbols)
    }

    @Test func valuesLiveFromWriterToLastReader() throws {
        // 32 floats are 128 bytes, the alignment of the arena.
        let graph = try GraphBuilder.build("g") { g in
            let x = g.input("x", .f32, ["n"])
            g.output("y", x.exp().tanh().sqrt())
        }
        let report = try memory(graph, ["n": 32])
        #expect(report.allocations.map(\.name) == ["%0", "%1", "%2", "%3"])
        #expect(report.allocations.map(\.launches) == [0...0, 0...1, 1...2, 2...2])
        #expect(report.allocations.map(\.offset) == [0, 128, 0, 128])
        #expect(report.timeline.map(\.byteCount) == [256, 256, 256])
        #expect(report.arenaByteCount == 256)
        #expect(report.peak?.launch == 0)
    }

    @Test func categoriesOfATrainingStep() throws {
        let forward = try GraphBuilder.build("mlp") { g in
            let x = g.input("x", .f32, ["rows", 32])
            let hidden = (x.matmul(g.parameter("w", [32, 64])) + g.parameter("b", [64])).relu()
            let logits = hidden.matmul(g.parameter("v", [64, 32]))
            g.output("loss", logits.crossEntropy(labels: g.input("labels", .i32, ["rows"])).mean())
        }
        let step = try trainingStep(forward, options: OptimizerOptions(maxGradientNorm: 1))
        let compiler = try Compiler(CompilerOptions(threads: 1, cache: .off))
        let program = try compiler.lower(compiler.optimize(step))
        let report = program.memory(["rows": 8])
        let weights = (32 * 64 + 64 + 64 * 32) * 4
        let peak = try #require(report.peak).moment
        #expect(report.count(.weights) == 3)
        #expect(peak.byteCounts[.weights] == weights)
        // Once more, in the panels that products read.
        #expect(report.count(.panels) == program.packings.count)
        #expect((peak.byteCounts[.panels] ?? 0) >= program.packings.keys.reduce(0) { $0 + $1.k * $1.n * 4 })
        #expect(report.count(.optimizer) == 6)
        #expect(peak.byteCounts[.optimizer] == 2 * weights)
        #expect(report.count(.gradients) == 3)
        // The updates run last, so that all gradients meet.
        #expect(report.peakByteCount(.gradients) == weights)
        #expect(report.peakByteCount(.activations) >= 8 * 64 * 4)
        #expect(report.count(.workspace) > 0)
        let arena: Set<MemoryReport.Category> = [.gradients, .activations, .workspace]
        for moment in report.timeline {
            let live = moment.byteCounts.filter { arena.contains($0.key) }.values.reduce(0, +)
            #expect(live <= report.arenaByteCount)
        }
    }

    @Test func placesOfLivingValuesDoNotOverlap() throws {
        let graph = try GraphBuilder.build("g") { g in
            let x = g.input("x", .f32, ["n", 16])
            let (a, b) = (x.exp(), x.tanh())
            g.output(
                "y",
                (a + b).matmul(g.parameter("w", [16, 24])) * (a - b).sum(axes: [1], keepDimensions: true))
        }
        let placed = try memory(graph, ["n": 10]).allocations.filter { $0.offset != nil }
        for (index, left) in placed.enumerated() {
            for right in placed[(index + 1)...] where left.launches.overlaps(right.launches) {
                let (from, to) = (left.offset ?? 0, right.offset ?? 0)
                #expect(
                    from + left.byteCount <= to || to + right.byteCount <= from, "\(left.name) \(right.name)")
            }
        }
    }

    @Test func gradientsAreFoundWithinRegions() throws {
        let types = (0..<8).map { TensorType(.f32, $0 < 4 ? [4] : []) }
        var body = Graph(name: "adamw")
        var ports: [Value] = []
        for (index, type) in types.enumerated() {
            // The gradient comes in another shape.
            let own = index == 1 ? TensorType(.f32, [2, 2]) : type
            ports.append(Value(try body.append(.input(name: Region.portName(index), type: own), [])))
        }
        ports[1] = Value(try body.append(.reshape([4]), [ports[1]]))
        let update = try body.append(.adamW(AdamWAttributes()), ports)
        for result in 0..<3 { body.addOutput(Region.portName(result), Value(update, result: result)) }

        var graph = Graph(name: "g")
        var operands: [Value] = []
        for (index, type) in Region(body: body).operandTypes.enumerated() {
            let role = [0: ParameterRole.trainable, 2: .state, 3: .state][index]
            let op = role.map { Op.parameter(name: "x\(index)", type: type, role: $0) }
            let source = Value(try graph.append(op ?? .input(name: "x\(index)", type: type), []))
            operands.append(index == 1 ? Value(try graph.append(.unary(.neg), [source])) : source)
        }
        let step = try graph.append(.fusion(Region(body: body)), operands)
        for (result, parameter) in [0, 2, 3].enumerated() {
            graph.addUpdate(of: operands[parameter], to: Value(step, result: result))
        }
        #expect(graph.parameterGradients == [operands[1]])
    }
}
