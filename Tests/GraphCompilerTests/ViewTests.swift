import GraphCompiler
import Interpreter
import Testing

/// Slices and concatenations of columns are read and written where they lie: a layer with one weight for queries, keys
/// and values and one for gate and up has no copy, forward and backward.
@Suite struct ViewTests {
    static let heads = 2
    static let headSize = 24
    static let hidden = 48
    static let wide = 96

    /// A pre-norm layer and its loss. Where `isFused` is false, each part of the fused weights is a weight of its own.
    static func layer(isFused: Bool, hasBias: Bool) throws -> Graph {
        try GraphBuilder.build("layer") { g in
            let hidden = Dimension.fixed(Self.hidden)
            let x = g.input("x", .f32, ["tokens", hidden])
            let segments = [
                g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                g.input("lengths", .i32, ["sequences"]),
            ]
            let gamma = g.parameter("gamma", [hidden])
            let beta = g.parameter("beta", [hidden])
            func linear(_ x: Tensor, _ name: String, _ width: Int) -> Tensor {
                let y = x.matmul(g.parameter(name, [x.shape[1], .fixed(width)]))
                return hasBias ? y + g.parameter("\(name).bias", [.fixed(width)]) : y
            }
            func parts(_ x: Tensor, _ name: String, _ count: Int, _ width: Int) -> [Tensor] {
                guard isFused else { return (0..<count).map { linear(x, "\(name)\($0)", width) } }
                let y = linear(x, name, count * width)
                return (0..<count).map { y.slice(axis: 1, start: $0 * width, size: .fixed(width)) }
            }
            let normal = x.layerNorm(gamma: gamma, beta: beta, epsilon: 1e-5)
            let split: [Dimension] = ["tokens", .fixed(heads), .fixed(headSize)]
            let qkv = parts(normal, "Wqkv", 3, Self.hidden).map { $0.reshaped(split) }
            let context = g.applyAll(.flashAttention(AttentionAttributes(scale: 0.2)), qkv + segments)[0]
            let attended = x + linear(context.reshaped(x.shape), "Wo", Self.hidden)
            let gated = parts(attended, "Wi", 2, wide)
            let y = attended + linear(gated[0].gelu() * gated[1], "Wo2", Self.hidden)
            g.output("loss", (y * y).mean())
        }
    }

    static func inputs(_ graph: Graph) -> [String: HostTensor] {
        var numbers = Numbers(3)
        var inputs: [String: HostTensor] = [:]
        for node in graph.nodes {
            switch node.op {
            case .source(.input(let name, let type)) where type.element == .f32:
                inputs[name] = numbers.tensor(type.extents(["tokens": 70]) ?? [])
            case .source(.parameter(let name, let type, let role)):
                let shape = type.extents([:]) ?? []
                inputs[name] = role == .state ? .filled(0, .f32, shape) : numbers.tensor(shape, -0.2, 0.2)
            default: break
            }
        }
        inputs["offsets"] = HostTensor(element: .i32, shape: [3], values: [0, 22, 66])
        inputs["lengths"] = HostTensor(element: .i32, shape: [2], values: [20, 44])
        for (name, value) in [("learning_rate", 1e-3), ("correction1", 0.1), ("correction2", 1e-3)] {
            inputs[name] = HostTensor.scalar(value).rounded
        }
        return inputs
    }

    static func copies(_ program: Program) -> [String] {
        program.launches.filter { launch in
            launch.kernel.phases.contains { if case .copy = $0 { true } else { false } }
        }.map { program.graph.place($0.node) }
    }

    @Test(arguments: [Precision.fp32, .bf16], [false, true])
    func fusedWeightsCostNoCopy(_ precision: Precision, _ hasBias: Bool) throws {
        let compiler = try Compiler(CompilerOptions(precision: precision, cache: .off))
        for isTraining in [false, true] {
            var graph = try Self.layer(isFused: true, hasBias: hasBias)
            if isTraining { graph = try trainingStep(graph, options: OptimizerOptions()) }
            let program = try compiler.lower(compiler.optimize(graph))
            #expect(Self.copies(program) == [], "training \(isTraining)")
        }
    }

    @Test(arguments: [Precision.fp32, .bf16], [false, true])
    func numbersAreThoseOfTheInterpreter(_ precision: Precision, _ hasBias: Bool) throws {
        let forward = try Self.layer(isFused: true, hasBias: hasBias)
        let graph = try trainingStep(forward, options: OptimizerOptions())
        for set in OpTests.instructionSets {
            let options = CompilerOptions(
                instructionSet: set, threads: 2, precision: precision, cache: .off)
            try CompiledComparison(
                graph: graph, inputs: Self.inputs(graph), options: options,
                tolerance: precision == .fp32 ? 1e-4 : 2e-2, optimizes: true
            ).check("\(set)")
        }
    }

    /// As few bytes as with a weight for each part.
    @Test(arguments: [Precision.fp32, .bf16], [false, true])
    func fusedWeightsMoveNoMoreThanSeparateOnes(_ precision: Precision, _ isTraining: Bool) throws {
        let compiler = try Compiler(CompilerOptions(precision: precision, cache: .off))
        let programs = try [true, false].map { isFused in
            let forward = try Self.layer(isFused: isFused, hasBias: false)
            let graph = isTraining ? try trainingStep(forward, options: OptimizerOptions()) : forward
            return try compiler.lower(compiler.optimize(graph))
        }
        let bytes = programs.map { $0.traffic(["tokens": 4096, "sequences": 32]).byteCount }
        #expect(bytes[0] <= bytes[1])
    }

    /// What can't be read where it lies is copied, and says why.
    @Test func copiesHaveReasons() throws {
        let graph = try GraphBuilder.build("copies") { g in
            let x = g.input("x", .f32, ["tokens", 12])
            let middle = x.slice(axis: 1, start: 4, size: 4)
            g.output("slice", middle)
            let heads = x.slice(axis: 1, start: 0, size: 8).reshaped(["tokens", 2, 4])
            g.output("softmax", heads.softmax())
            let rows = g.parameter("rows", [6, 4]).slice(axis: 1, start: 0, size: 2)
            g.output("gather", rows.gather(g.input("ids", .i32, ["tokens"])))
        }
        let compiler = try Compiler(CompilerOptions(cache: .off))
        let program = try compiler.lower(compiler.optimize(graph))
        #expect(
            program.copies.values.sorted() == [
                "'gather' reads it by address", "it leaves the graph",
                "its kernel's rows don't end where its own do",
            ])
        var numbers = Numbers()
        let inputs = [
            "x": numbers.tensor([5, 12]), "rows": numbers.tensor([6, 4]),
            "ids": numbers.integers([5], 0..<6),
        ]
        try CompiledComparison(graph: graph, inputs: inputs, optimizes: true).check()
    }

    /// An operand is written in one place; where it stands again it is copied.
    @Test func anOperandMayStandTwice() throws {
        let graph = try GraphBuilder.build("twice") { g in
            let x = g.input("x", .f32, ["tokens", 6]).tanh()
            g.output("y", g.concatenate([x, x, x * 0.5], axis: 1) * 2)
        }
        var numbers = Numbers()
        let inputs = ["x": numbers.tensor([5, 6])]
        for optimizes in [false, true] {
            try CompiledComparison(graph: graph, inputs: inputs, optimizes: optimizes).check()
        }
    }
}
