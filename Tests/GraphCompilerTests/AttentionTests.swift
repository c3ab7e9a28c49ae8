import GraphCompiler
import Interpreter
import Lowering
import Target
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
        var bias: AttentionBias?
        var hasBiasGradient = true
        var relative: RelativeTerms?
        var isRotary = false
        /// What bias and relative tables serve beyond the longest sequence.
        var biasMargin = 3

        var label: String {
            "\(element) \(heads)x\(headSize) \(batch) rate \(rate) "
                + "\(bias.map { "\($0)" } ?? "") \(relative.map { "\($0)" } ?? "")\(isRotary ? " rotary" : "") \(mask.map(\.description)?.prefix(80) ?? "")"
        }

        func graph() throws -> Graph {
            try GraphBuilder.build("attention") { g in
                let shape: [Dimension] = ["tokens", .fixed(heads), .fixed(headSize)]
                let tensors =
                    ["q", "k", "v"].map { g.input($0, element, shape) }
                    + relativeNames.map { name in
                        g.input(name, element, [.fixed(2 * longest - 1), .fixed(heads), .fixed(headSize)])
                    }
                var rest = [
                    g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                    g.input("lengths", .i32, ["sequences"]),
                ]
                if isRotary { rest.append(g.input("angles", .f32, ["tokens", .fixed(headSize)])) }
                let rows = Dimension.fixed(heads)
                switch bias {
                case .pairs: rest.append(g.input("bias", .f32, [rows, "n", "n"]))
                case .distances:
                    rest.append(g.input("bias", .f32, [rows, .symbol("n", scale: 2, offset: -1)]))
                case nil: break
                }
                if rate > 0 { rest.append(g.input("rng", .i64, [2])) }
                var attributes = AttentionAttributes(
                    scale: scale, rate: rate, stream: stream, mask: mask, bias: bias, relative: relative,
                    isRotary: isRotary)
                let forward = g.applyAll(.flashAttention(attributes), tensors + rest)
                attributes.hasBiasGradient = bias != nil && hasBiasGradient
                let gradients = g.applyAll(
                    .flashAttentionGradient(attributes),
                    [g.input("dout", element, shape)] + tensors + forward + rest)
                let results =
                    ["out", "lse", "dq", "dk", "dv"] + (attributes.hasBiasGradient ? ["dbias"] : [])
                    + relativeNames.map { "d" + $0 }
                for (name, tensor) in zip(results, forward + gradients) {
                    g.output(name, tensor)
                }
            }
        }

        private var relativeNames: [String] {
            (relative?.hasKeys == true ? ["keys"] : []) + (relative?.hasQueries == true ? ["queries"] : [])
        }

        /// The longest sequence that bias and relative tables serve.
        private var longest: Int { Int(batch.lengths.max() ?? 0) + biasMargin }

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
            inputs["bias"] = biasTensor(&numbers)
            if isRotary { inputs["angles"] = numbers.tensor([batch.tokens, headSize], -1, 1) }
            for name in relativeNames {
                var tensor = numbers.tensor([2 * longest - 1, heads, headSize], -1, 1)
                tensor.element = element
                inputs[name] = tensor.rounded
            }
            return inputs
        }

        /// Some of its elements are -infinity, with pairs all of a row as well.
        private func biasTensor(_ numbers: inout Numbers) -> HostTensor? {
            guard let bias else { return nil }
            let n = longest
            let shape = bias == .pairs ? [heads, n, n] : [heads, 2 * n - 1]
            let drawn = numbers.tensor(shape, -2, 2)
            let values = drawn.values.enumerated().map { index, value in
                let isEmptyRow = bias == .pairs && index / n % n == 1
                return isEmptyRow || value < -1.7 ? -Double.infinity : value
            }
            return HostTensor(element: .f32, shape: shape, values: values)
        }

        /// Results have the same bits on any number of threads.
        func checkThreads() throws {
            let results = try [1, 2, 3].map { threads in
                let compiler = try Compiler(CompilerOptions(threads: threads, cache: .off))
                let executor = try compiler.compile(graph(), parameters: ParameterStore())
                return try executor.run(inputs.mapValues(TensorData.init))
            }
            #expect(results[0] == results[1], "\(label)")
            #expect(results[0] == results[2], "\(label)")
        }

        func check() throws {
            for set in OpTests.instructionSets {
                let options = CompilerOptions(instructionSet: set, threads: 2, cache: .off)
                try CompiledComparison(
                    graph: graph(), inputs: inputs, options: options, tolerance: tolerance
                ).check("\(label) \(set)")
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

    /// Nothing that attention and its gradient keep grows faster than the sequence: there is no array of scores.
    @Test(arguments: [nil, AttentionBias.distances], [ElementType.f32, .bf16])
    func memoryIsLinear(_ bias: AttentionBias?, _ element: ElementType) throws {
        let test = Case(
            heads: 4, headSize: 64, element: element, rate: 0.1, mask: AttentionMask(.causal), bias: bias)
        let program = try Lowering.lower(test.graph(), for: Machine(.avx512), keepsPanels: false)
        let lengths = [4096, 8192, 32768]
        let reports = lengths.map { program.memory(["tokens": $0, "sequences": 1, "n": $0]) }
        for (length, report) in zip(lengths, reports) {
            let growth = Double(report.arenaByteCount) / Double(reports[0].arenaByteCount)
            #expect(abs(growth / Double(length / 4096) - 1) < 0.01, "\(length) tokens: \(growth)")
            #expect(report.scratchByteCount == reports[0].scratchByteCount)
            for (own, first) in zip(report.allocations, reports[0].allocations) {
                // 2n - 1 grows by a little more than n.
                #expect(1000 * own.byteCount <= 1001 * length / 4096 * first.byteCount, "\(own.name)")
            }
            #expect(report.arenaByteCount < length * 4 * 64 * 4 * 24)
        }
    }

    @Test(arguments: [ElementType.f32, .bf16]) func resultsDoNotDependOnThreads(_ element: ElementType) throws
    {
        let test = Case(heads: 2, headSize: 40, element: element, batch: .long, rate: 0.1)
        try test.checkThreads()
    }
}
