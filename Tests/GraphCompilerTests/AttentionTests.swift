import GraphCompiler
import Interpreter
import Testing

/// `flash_attention` and its gradient: compiled against interpreted, and against the materialised form.
@Suite struct AttentionTests {
    /// A batch of sequences with padding between them, some of them empty.
    struct Batch: Sendable, CustomTestStringConvertible {
        let offsets: [Int32]
        let lengths: [Int32]
        var tokens: Int { Int(offsets[offsets.count - 1]) + 3 }
        var testDescription: String { "\(lengths)" }

        static let ragged = Batch(offsets: [0, 5, 5, 20, 90, 95], lengths: [3, 0, 15, 70, 1])
        /// One sequence in several parts, with a tail in every block.
        static let long = Batch(offsets: [0, 2, 305], lengths: [2, 300])
        /// Padding only.
        static let empty = Batch(offsets: [0, 4], lengths: [0])
    }

    /// A graph of attention and its gradient, with what it reads.
    struct Case {
        var heads = 1
        var headSize = 16
        var element = ElementType.f32
        var batch = Batch.ragged
        var rate = 0.0
        var scale = 0.3
        var stream = 5
        var mask: AttentionMask?

        func graph() throws -> Graph {
            try GraphBuilder.build("attention") { g in
                let shape: [Dimension] = ["tokens", .fixed(heads), .fixed(headSize)]
                let tensors = ["q", "k", "v"].map { g.input($0, element, shape) }
                var rest = [
                    g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                    g.input("lengths", .i32, ["sequences"]),
                ]
                if rate > 0 { rest.append(g.input("rng", .i64, [2])) }
                let attributes = AttentionAttributes(scale: scale, rate: rate, stream: stream, mask: mask)
                let forward = g.applyAll(.flashAttention(attributes), tensors + rest)
                let gradients = g.applyAll(
                    .flashAttentionGradient(attributes),
                    [g.input("dout", element, shape)] + tensors + forward + rest)
                for (name, tensor) in zip(["out", "lse", "dq", "dk", "dv"], forward + gradients) {
                    g.output(name, tensor)
                }
            }
        }

        /// Largest error of a result relative to max(1, |result|).
        var tolerance: Double {
            switch element {
            case .bf16: 0.03
            case .f16: 2e-3
            default: 2e-5
            }
        }

        var inputs: [String: HostTensor] {
            var numbers = Numbers(UInt64(headSize))
            var inputs = [
                "offsets": HostTensor(batch.offsets), "lengths": HostTensor(batch.lengths),
                "rng": HostTensor.rng(seed: 0x1234_5678_9ABC, step: 77),
            ]
            for name in ["q", "k", "v", "dout"] {
                var tensor = numbers.tensor([batch.tokens, heads, headSize], -1.5, 1.5)
                tensor.element = element
                inputs[name] = tensor.rounded
            }
            return inputs
        }

        func check() throws {
            for set in OpTests.instructionSets {
                let options = CompilerOptions(instructionSet: set, threads: 2, cache: .off)
                let label =
                    "\(element) \(heads)x\(headSize) \(batch) rate \(rate) \(set) \(mask.map(\.description)?.prefix(80) ?? "")"
                try CompiledComparison(
                    graph: graph(), inputs: inputs, options: options, tolerance: tolerance
                ).check(label)
            }
        }
    }

    @Test(arguments: [1, 16, 40, 64, 80, 256], [0, 0.3])
    func headSizes(_ headSize: Int, _ rate: Double) throws {
        try Case(heads: 2, headSize: headSize, rate: rate).check()
    }

    @Test(arguments: [ElementType.bf16, .f16], [1, 33, 64, 256])
    func lowPrecision(_ element: ElementType, _ headSize: Int) throws {
        let scale = 1 / Double(headSize).squareRoot()
        for rate in headSize == 64 ? [0, 0.3] : [0.3] {
            try Case(heads: 3, headSize: headSize, element: element, rate: rate, scale: scale).check()
        }
    }

    /// Where products run on tiles attention does without them.
    @Test(.enabled(if: PrecisionTests.amx != nil)) func lowPrecisionBesideTiles() throws {
        let test = Case(heads: 2, headSize: 33, element: .bf16, rate: 0.3)
        try CompiledComparison(
            graph: test.graph(), inputs: test.inputs, options: CompilerOptions(cache: .off),
            cpu: PrecisionTests.amx, tolerance: test.tolerance
        ).check()
    }

    @Test(arguments: [ElementType.bf16, .f16], [Batch.long, .empty])
    func lowPrecisionBatches(_ element: ElementType, _ batch: Batch) throws {
        try Case(headSize: 20, element: element, batch: batch, rate: 0.1).check()
    }

    @Test(arguments: [Batch.long, .empty], [0, 0.1])
    func batches(_ batch: Batch, _ rate: Double) throws {
        try Case(headSize: 20, batch: batch, rate: rate).check()
    }

    /// The generator's counter has the row token * heads + head.
    @Test(arguments: [1, 3, 4, 6])
    func heads(_ heads: Int) throws {
        try Case(heads: heads, headSize: 8, rate: 0.5).check()
    }

    @Test(arguments: [0, -1.25]) func scales(_ scale: Double) throws {
        try Case(heads: 2, headSize: 24, scale: scale).check()
    }

    @Test(arguments: [ElementType.f32, .bf16]) func resultsDoNotDependOnThreads(_ element: ElementType) throws
    {
        let test = Case(heads: 2, headSize: 40, element: element, batch: .long, rate: 0.1)
        let results = try [1, 2, 3].map { threads in
            let compiler = try Compiler(CompilerOptions(threads: threads, cache: .off))
            let executor = try compiler.compile(try test.graph(), parameters: ParameterStore())
            return try executor.run(test.inputs.mapValues(TensorData.init))
        }
        #expect(results[0] == results[1])
        #expect(results[0] == results[2])
    }
}
