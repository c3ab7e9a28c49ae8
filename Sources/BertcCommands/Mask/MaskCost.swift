import GraphCompiler

/// What attention forward and backward over one sequence costs with a mask and without.
struct MaskCost {
    let tile: AttentionTile
    /// Tiles of all heads.
    let tiles: MaskTable.Counts
    /// By the cost model.
    let predictedSpeedUp: Double
    /// Seconds: the shortest of interleaved runs.
    let measured: (dense: Double, masked: Double)?

    init(
        _ mask: AttentionMask, length: Int, heads: Int, headSize: Int, compiler: Compiler, measures: Bool
    ) throws {
        let programs = try [nil, mask].map { mask in
            try compiler.lower(try Self.graph(mask, heads: heads, headSize: headSize))
        }
        let symbols = ["tokens": length, "sequences": 1]
        let model = compiler.costModel(symbols)
        let seconds = programs.map { program in
            Self.attention(program).map { program.costs(symbols, model)[$0].seconds }.reduce(0, +)
        }
        predictedSpeedUp = seconds[0] / seconds[1]
        let schedules = programs[1].launches.flatMap(\.buffers).compactMap { buffer -> MaskSchedule? in
            if case .mask(let schedule) = buffer { schedule } else { nil }
        }
        tile = schedules[0].tile
        tiles = MaskTable(schedules[0], length: length).counts
        measured = measures ? try Self.measure(programs, length, heads, headSize, compiler) : nil
    }

    /// Attention and its gradient; one number per head of each result leaves the graph.
    private static func graph(_ mask: AttentionMask?, heads: Int, headSize: Int) throws -> Graph {
        try GraphBuilder.build("attention") { g in
            let shape: [Dimension] = ["tokens", .fixed(heads), .fixed(headSize)]
            let tensors = ["q", "k", "v", "dout"].map { g.input($0, .f32, shape) }
            let segments = [
                g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                g.input("lengths", .i32, ["sequences"]),
            ]
            let attributes = AttentionAttributes(scale: 1 / Double(headSize).squareRoot(), mask: mask)
            let forward = g.applyAll(.flashAttention(attributes), tensors[..<3] + segments)
            let gradients = g.applyAll(
                .flashAttentionGradient(attributes), [tensors[3]] + tensors[..<3] + forward + segments)
            for (name, tensor) in zip(["out", "dq", "dk", "dv"], [forward[0]] + gradients) {
                g.output(name, tensor.slice(axis: 2, start: 0, size: 1))
            }
        }
    }

    /// The launches that compute attention.
    private static func attention(_ program: Program) -> [Int] {
        program.launches.indices.filter { index in
            if case .attention = program.graph[program.launches[index].node].op { true } else { false }
        }
    }

    private static func measure(
        _ programs: [Program], _ length: Int, _ heads: Int, _ headSize: Int, _ compiler: Compiler
    ) throws -> (dense: Double, masked: Double) {
        var random = SystemRandomNumberGenerator()
        let count = length * heads * headSize
        var inputs = ["offsets": TensorData([0, Int32(length)]), "lengths": TensorData([Int32(length)])]
        for name in ["q", "k", "v", "dout"] {
            let values = (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
            inputs[name] = try TensorData(values, shape: [length, heads, headSize])
        }
        let executors = try programs.map { try compiler.executor($0, parameters: ParameterStore()) }
        var best = [Double.infinity, .infinity]
        // The first run fills the mask's table and touches memory.
        for _ in 0..<6 {
            for (index, executor) in executors.enumerated() {
                executor.profiles = true
                let before = Self.seconds(executor)
                _ = try executor.run(inputs)
                best[index] = min(best[index], Self.seconds(executor) - before)
            }
        }
        return (best[0], best[1])
    }

    private static func seconds(_ executor: Executor) -> Double {
        executor.profile.filter { $0.key.hasPrefix("flash_attention") }.values.reduce(0) { $0 + $1.seconds }
    }
}
