import GraphCompiler
import Interpreter
import Testing

/// `flash_attention` under masks: compiled against interpreted, forward and gradient.
@Suite struct MaskTests {
    static let all = [
        "causal", "window(0)", "window(4)", "window(200)", "dilated(9, 16)", "strided(4)", "strided(1)",
        "fixed(4, 1)",
        "longformer", "logsparse", "bigbird", "star", "window(3); causal",
    ]

    private func mask(_ text: String) throws -> AttentionMask { try AttentionMask(parsing: text) }

    @Test(arguments: all, [AttentionTests.Batch.ragged, .long])
    func masks(_ text: String, _ batch: AttentionTests.Batch) throws {
        let long = batch.tokens > 200
        try AttentionTests.Case(heads: 2, headSize: 20, batch: batch, rate: long ? 0.2 : 0, mask: mask(text))
            .check()
    }

    @Test(arguments: [1, 16, 40, 64, 80, 256])
    func headSizes(_ headSize: Int) throws {
        for element in [ElementType.f32, .bf16] {
            let longformer = try mask("longformer(2, [1])")
            try AttentionTests.Case(headSize: headSize, element: element, mask: longformer).check()
        }
    }

    /// Rows and columns without a pair, empty tiles first and last, a full tile.
    @Test(arguments: [0, 0.2], [ElementType.f32, .bf16])
    func rowsWithoutKeys(_ rate: Double, _ element: ElementType) throws {
        var bits = MaskBits(size: 300)
        for query in 64..<128 {
            for key in 128..<256 { bits[query, key] = true }
        }
        for query in stride(from: 140, to: 300, by: 3) { bits[query, 299 - query] = true }
        let mask = AttentionMask(heads: [.bits(bits), .bits(MaskBits(size: 300))])
        let test = AttentionTests.Case(
            heads: 2, headSize: 24, element: element, batch: .long, rate: rate, mask: mask)
        try test.check()
        let executor = try Compiler(CompilerOptions(threads: 2, cache: .off))
            .compile(try test.graph(), parameters: ParameterStore())
        let results = try executor.run(test.inputs.mapValues(TensorData.init))
        func values(_ name: String) throws -> [Double] {
            let result = try #require(results[name])
            return try HostTensor(element: result.element, shape: result.shape, bytes: result.bytes).values
        }
        for name in ["out", "dq", "dk", "dv"] { #expect(try values(name).allSatisfy(\.isFinite)) }
        // The sequence starts at row 2: its rows below 64 have no key, and the second head has none at all.
        let width = 24
        let out = try values("out")
        let head = stride(from: 0, to: 64, by: 1).map { out[(2 + $0) * 2 * width] }
        #expect(head.allSatisfy { $0 == 0 })
        let second = stride(from: 0, to: 300, by: 1).map { out[((2 + $0) * 2 + 1) * width] }
        #expect(second.allSatisfy { $0 == 0 })
        let lse = try values("lse")
        #expect(lse[4] == -.infinity)
        #expect(lse[132].isFinite)
    }

    /// A key that the mask excludes may hold anything.
    @Test func excludedKeysAreNotRead() throws {
        let test = AttentionTests.Case(batch: .long, mask: AttentionMask(.causal))
        let executor = try Compiler(CompilerOptions(threads: 2, cache: .off))
            .compile(try test.graph(), parameters: ParameterStore())
        var inputs = try test.inputs.mapValues(TensorData.init)
        let before = try #require(try executor.run(inputs)["out"]).floats
        var keys = try #require(inputs["k"])
        let visible = 301 * 16
        let hidden = Array(repeating: Float.nan, count: try keys.floats.count - visible)
        keys = try TensorData(Array(try keys.floats.prefix(visible)) + hidden, shape: keys.shape)
        inputs["k"] = keys
        let after = try #require(try executor.run(inputs)["out"]).floats
        #expect(Array(before[..<visible]) == Array(after[..<visible]))
    }

    @Test(arguments: ["bigbird", "causal; window(40)"]) func resultsDoNotDependOnThreads(_ text: String)
        throws
    {
        let test = AttentionTests.Case(heads: 2, headSize: 40, batch: .long, rate: 0.1, mask: try mask(text))
        try test.checkThreads()
    }

    /// One executor takes longer and shorter batches in any order; a sequence gets what it gets alone.
    @Test func sequencesDoNotDependOnTheirBatch() throws {
        func run(_ executor: Executor, _ lengths: [Int]) throws -> [Float] {
            var numbers = Numbers(3)
            let rows = (0..<700).map { _ in numbers.tensor([1, 1, 16], -1, 1).values.map(Float.init) }
            let tokens = lengths.reduce(0, +)
            let x = try TensorData(lengths.flatMap { rows[..<$0].flatMap { $0 } }, shape: [tokens, 1, 16])
            let offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
            let inputs = [
                "q": x, "k": x, "v": x, "dout": x, "offsets": TensorData(offsets.map(Int32.init)),
                "lengths": TensorData(lengths.map(Int32.init)),
            ]
            return try #require(try executor.run(inputs)["dk"]).floats
        }
        let test = AttentionTests.Case(mask: try mask("bigbird"))
        let executor = try Compiler(CompilerOptions(threads: 2, cache: .off))
            .compile(try test.graph(), parameters: ParameterStore())
        let alone = try run(executor, [40])
        let together = try run(executor, [640, 40, 7])
        #expect(together[(640 * 16)...].prefix(40 * 16).elementsEqual(alone))
        #expect(try run(executor, [40]) == alone)
    }

    @Test func sequencesLongerThanTheMaskAreRefused() throws {
        let test = AttentionTests.Case(mask: AttentionMask(.bits(MaskBits(size: 69))))
        let executor = try Compiler(CompilerOptions(threads: 1, cache: .off))
            .compile(try test.graph(), parameters: ParameterStore())
        #expect {
            try executor.run(test.inputs.mapValues(TensorData.init))
        } throws: {
            "\($0)".contains("flash_attention: a sequence has 70 tokens, but the mask is for at most 69")
        }
    }
}
