import GraphCompiler
import Interpreter
import Lowering
import Target
import Testing

/// Attention with keys and queries of distances, and with queries and keys that are turned: compiled against interpreted.
@Suite struct RelativeAttentionTests {
    typealias Case = AttentionTests.Case
    typealias Batch = AttentionTests.Batch

    /// Sequences of one to several tiles of queries and keys, with and without tails.
    static let blocks = Batch(offsets: [0, 130, 200, 392], lengths: [129, 64, 192])

    @Test(arguments: [
        (Batch.ragged, RelativeTerms.both), (.long, .both), (.empty, .both), (blocks, .both),
        (.long, .contentToPosition), (.ragged, .positionToContent),
    ])
    func terms(_ batch: Batch, _ terms: RelativeTerms) throws {
        try Case(heads: 2, headSize: 24, batch: batch, rate: 0.1, relative: terms).check()
    }

    @Test(arguments: [
        (ElementType.bf16, Batch.ragged), (.bf16, .long), (.bf16, .empty), (.bf16, blocks), (.f16, .ragged),
    ])
    func lowPrecision(_ element: ElementType, _ batch: Batch) throws {
        try Case(
            heads: 2, headSize: 20, element: element, batch: batch, rate: 0.1, scale: 0.15, relative: .both
        ).check()
    }

    /// Half a head need not be whole vectors.
    @Test(arguments: [2, 24, 40, 64], [ElementType.f32, .bf16])
    func turned(_ headSize: Int, _ element: ElementType) throws {
        try Case(
            heads: 2, headSize: headSize, element: element, rate: 0.1,
            scale: 0.5 / Double(headSize).squareRoot(), isRotary: true
        ).check()
    }

    @Test(arguments: [ElementType.f32, .bf16]) func turnedInSeveralParts(_ element: ElementType) throws {
        try Case(
            heads: 2, headSize: 20, element: element, batch: .long, scale: 0.1,
            mask: AttentionMask(.window(40)), isRotary: true
        ).check()
    }

    @Test(arguments: [1, 64]) func headSizes(_ headSize: Int) throws {
        for element in [ElementType.f32, .bf16] {
            try Case(
                headSize: headSize, element: element, scale: 0.3 / Double(headSize).squareRoot(),
                relative: .both
            ).check()
        }
    }

    /// Tiles that a mask leaves out do not stand between what neighbouring ones have in common.
    @Test(arguments: [AttentionMask(.causal), AttentionMask(.window(40))], [ElementType.f32, .bf16])
    func masks(_ mask: AttentionMask, _ element: ElementType) throws {
        try Case(
            heads: 2, headSize: 16, element: element, batch: .long, scale: 0.2, mask: mask, relative: .both
        ).check()
    }

    @Test func besideABias() throws {
        try Case(heads: 2, batch: .long, rate: 0.1, bias: .distances, relative: .both).check()
    }

    /// Attention keeps planes for the tables, and no more for longer sequences.
    @Test(arguments: [ElementType.f32, .bf16]) func memoryIsLinear(_ element: ElementType) throws {
        let test = Case(
            heads: 4, headSize: 64, element: element, batch: Batch(offsets: [0, 1], lengths: [512]),
            relative: .both)
        let program = try Lowering.lower(test.graph(), for: Machine(.avx512), keepsPanels: false)
        let sizes = [1024, 2048, 4096].map { program.memory(["tokens": $0, "sequences": 1]).arenaByteCount }
        #expect(sizes[2] - sizes[1] <= 2 * (sizes[1] - sizes[0]) + 4096)
    }

    @Test(arguments: [ElementType.f32, .bf16]) func resultsDoNotDependOnThreads(_ element: ElementType) throws
    {
        let test = Case(
            heads: 2, headSize: 40, element: element, batch: Self.blocks, rate: 0.1, relative: .both,
            isRotary: true)
        try test.checkThreads()
    }
}
