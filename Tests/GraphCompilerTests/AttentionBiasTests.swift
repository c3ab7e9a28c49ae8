import GraphCompiler
import Interpreter
import Lowering
import Target
import Testing

/// `flash_attention` with an additive bias: compiled against interpreted, forward and gradient.
@Suite struct AttentionBiasTests {
    private typealias Case = AttentionTests.Case
    private typealias Batch = AttentionTests.Batch

    @Test(arguments: AttentionBias.allCases, [16, 24, 64, 80])
    func headSizes(_ bias: AttentionBias, _ headSize: Int) throws {
        try Case(heads: 2, headSize: headSize, bias: bias).check()
        try Case(heads: 2, headSize: headSize, rate: 0.3, bias: bias).check()
    }

    @Test(arguments: AttentionBias.allCases, [ElementType.bf16, .f16])
    func lowPrecision(_ bias: AttentionBias, _ element: ElementType) throws {
        for headSize in [24, 80] {
            let scale = 1 / Double(headSize).squareRoot()
            try Case(heads: 3, headSize: headSize, element: element, rate: 0.3, scale: scale, bias: bias)
                .check()
        }
    }

    @Test(arguments: AttentionBias.allCases, [nil, "causal", "window(40); bigbird"])
    func masks(_ bias: AttentionBias, _ mask: String?) throws {
        let mask = try mask.map(AttentionMask.init(parsing:))
        for element in [ElementType.f32, .bf16] {
            try Case(
                heads: 2, headSize: 20, element: element, batch: .long, rate: 0.1, mask: mask, bias: bias
            ).check()
        }
    }

    /// From many groups of sequences to few; a bias that fits the longest sequence, and one for far longer ones.
    @Test(arguments: AttentionBias.allCases, [1, 12, 33])
    func heads(_ bias: AttentionBias, _ heads: Int) throws {
        for margin in [0, 700] {
            try Case(heads: heads, headSize: 8, bias: bias, biasMargin: margin).check()
        }
    }

    @Test(arguments: AttentionBias.allCases) func batchesWithoutTokens(_ bias: AttentionBias) throws {
        try Case(batch: .empty, bias: bias).check()
    }

    @Test(arguments: AttentionBias.allCases) func withoutItsGradient(_ bias: AttentionBias) throws {
        try Case(heads: 2, rate: 0.2, bias: bias, hasBiasGradient: false).check()
    }

    /// Rows of which the bias excludes every key, in the first tile, in all tiles and in single ones.
    @Test(arguments: [ElementType.f32, .bf16]) func rowsWithoutKeys(_ element: ElementType) throws {
        let test = Case(headSize: 24, element: element, batch: .long, rate: 0.1, bias: .pairs, biasMargin: 0)
        var inputs = test.inputs
        let n = 300
        let bias: [Double] = (0..<n * n).map { index in
            let (query, key) = (index / n, index % n)
            let isExcluded = query < 70 || key < 140 && query.isMultiple(of: 2)
            return isExcluded ? -.infinity : 0.01 * Double(key)
        }
        inputs["bias"] = HostTensor(element: .f32, shape: [1, n, n], values: bias)
        for set in OpTests.instructionSets {
            let options = CompilerOptions(instructionSet: set, threads: 2, cache: .off)
            try CompiledComparison(
                graph: test.graph(), inputs: inputs, options: options, tolerance: test.tolerance
            ).check(set)
            let executor = try Compiler(options).compile(try test.graph(), parameters: ParameterStore())
            let results = try executor.run(inputs.mapValues(TensorData.init))
            func values(_ name: String) throws -> [Double] {
                let result = try #require(results[name])
                return try HostTensor(element: result.element, shape: result.shape, bytes: result.bytes)
                    .values
            }
            // The sequence starts at row 2.
            let rows = 2 * 24..<72 * 24
            #expect(try values("out")[rows].allSatisfy { $0 == 0 })
            #expect(try values("lse")[2..<72].allSatisfy { $0 == -.infinity })
            #expect(try values("dq")[rows].allSatisfy { $0 == 0 })
            #expect(
                try values("dbias").enumerated().allSatisfy { bias[$0.offset].isFinite || $0.element == 0 })
        }
    }

    @Test(arguments: AttentionBias.allCases, [ElementType.f32, .bf16])
    func resultsDoNotDependOnThreads(_ bias: AttentionBias, _ element: ElementType) throws {
        for batch in [Batch.long, .ragged] {
            let test = Case(heads: 2, headSize: 40, element: element, batch: batch, rate: 0.1, bias: bias)
            try test.checkThreads()
        }
    }

    @Test(arguments: AttentionBias.allCases)
    func sequencesLongerThanTheBiasAreRefused(_ bias: AttentionBias) throws {
        let test = Case(bias: bias, biasMargin: -1)
        let executor = try Compiler(CompilerOptions(threads: 1, cache: .off))
            .compile(try test.graph(), parameters: ParameterStore())
        #expect {
            try executor.run(test.inputs.mapValues(TensorData.init))
        } throws: {
            "\($0)".contains("flash_attention: a sequence has 70 tokens, but the bias is for at most 69")
        }
    }

    /// The gradient of a bias of pairs takes a few times its own memory, whatever the batch.
    @Test func planesOfTheGradient() throws {
        for heads in [1, 4, 12, 40] {
            let test = Case(heads: heads, bias: .pairs)
            let program = try Lowering.lower(test.graph(), for: Machine(.avx512), keepsPanels: false)
            func workspace(_ n: Int) -> Int {
                program.memory(["tokens": 4096, "sequences": 64, "n": n]).peakByteCount(.workspace)
            }
            #expect(workspace(512) - workspace(0) <= 7 * heads * 512 * 512 * 4)
        }
    }
}
