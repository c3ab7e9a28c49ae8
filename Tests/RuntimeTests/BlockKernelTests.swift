import Foundation
import GraphIR
import KernelIR
import LLVMBridge
import Target
import Testing

/// Block kernels built by hand against plain loops.
@Suite struct BlockKernelTests {
    /// One of the shapes that each kernel is tried with.
    struct Case: CustomTestStringConvertible {
        /// What multiplies the operands, and what they are: bf16 needs no more than one term.
        struct Operands: CustomTestStringConvertible {
            let element: ElementType
            var unit = ContractionTile.Unit.vectors

            /// Two terms keep 16 bits of f32's 24.
            var tolerance: Double { unit == .tiles(terms: 2) ? 3e-4 : 2e-5 }

            var testDescription: String {
                switch unit {
                case .vectors: "\(element)"
                case .tiles(let terms): "\(element) on AMX in \(terms)"
                }
            }
        }

        let set: Target
        var operands = Operands(element: .f32)
        let rows: Int
        let columns: Int
        let chunkPanels: Int?
        let splitsChunks: Bool

        var testDescription: String {
            "\(set.name) \(operands.testDescription) \(rows)x\(columns) chunk \(chunkPanels ?? 0)\(splitsChunks ? " split" : "")"
        }

        /// A small tile: several blocks of depth and of rows.
        var tile: ContractionTile {
            let lanes = set.lanes
            guard operands.unit == .vectors else {
                return ContractionTile(
                    element: operands.element, unit: operands.unit, rows: 32, vectors: 2, lanes: lanes,
                    depth: 32, blockRows: 32)
            }
            return ContractionTile(
                rows: set.registers / 4, vectors: 3, lanes: lanes, depth: 16, blockRows: 16)
        }
        var wholeRows: Case {
            Case(
                set: set, operands: operands, rows: rows, columns: columns, chunkPanels: nil,
                splitsChunks: false)
        }

        /// Where code for the case runs.
        func cpu() throws -> TargetCPU {
            guard operands.unit == .vectors else { return try #require(TileMachine.cpu) }
            return try TargetCPU.host(limit: set)
        }

        /// Floats as large as the panels of a right operand.
        func panels(_ k: Int = BlockKernelTests.k) -> [Float] {
            let bytes =
                tile.padded(.fixed(columns)).value([:]) * tile.paddedDepth(k) * tile.panelCellByteCount
            return [Float](repeating: .nan, count: bytes / 4)
        }

        /// Numbers that operands hold exactly.
        func rounded(_ values: [Float]) -> [Float] {
            operands.element == .bf16
                ? values.map { BF16Reference.widened(BF16Reference.rounded($0)) } : values
        }

        /// Operands as they are in memory.
        func stored(_ values: [Float]) -> [Float] {
            guard operands.element == .bf16 else { return values }
            let bits = values.map { UInt32(BF16Reference.rounded($0)) } + [0]
            return stride(from: 0, to: values.count, by: 2).map {
                Float(bitPattern: bits[$0] | bits[$0 + 1] << 16)
            }
        }
    }

    /// Depth of the products.
    static let k = 40
    static let tasks = 5
    static let tokens = Extent([Dimension.symbol("tokens")])

    static let cases: [Case] = {
        let sets = Target.all.filter { (Target.host ?? .avx2).runs($0) && $0.units.bf16 != .tiles }
        var machines = sets.map { (set: $0, operands: Case.Operands(element: .f32)) }
        if TileMachine.isHere {
            machines += [(.bf16, 1), (.f32, 2), (.f32, 3)].map { element, terms in
                (.amx, Case.Operands(element: element, unit: .tiles(terms: terms)))
            }
        }
        var cases: [Case] = []
        for (set, operands) in machines {
            for rows in [0, 1, 31, 33, 100] {
                for (columns, chunkPanels, splits) in [(96, nil, false), (150, 1, false), (150, 2, true)] {
                    cases.append(
                        Case(
                            set: set, operands: operands, rows: rows, columns: columns,
                            chunkPanels: chunkPanels, splitsChunks: splits))
                }
            }
        }
        return cases
    }()

    // MARK: Buffers

    /// Buffers 0: left [rows, k], 1: right [k, columns], 2: panels, 3: target [rows, columns], then others.
    private struct Buffers {
        var left: [Float]
        var right: [Float]
        var all: [[Float]]

        init(_ c: Case, k: Int = BlockKernelTests.k, _ others: [[Float]] = []) {
            left = c.rounded(Self.random(c.rows * k, 1))
            right = c.rounded(Self.random(k * c.columns, 2))
            let nan = [Float](repeating: .nan, count: c.rows * c.columns)
            all = [c.stored(left), right, c.panels(k), nan] + others
        }

        static func random(_ count: Int, _ seed: UInt64) -> [Float] {
            var state = seed &* 0x9E37_79B9_7F4A_7C15
            return (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(state >> 40) / 8_388_608 - 1
            }
        }
    }

    private static func pack(_ c: Case, from right: Int = 1, to panels: Int = 2, k: Int = k) -> Phase {
        let matrix = MatrixAccess(buffer: right, rowStride: .fixed(c.columns), columnStride: .one)
        return .pack(
            PackPanels(
                source: .matrix(matrix, .f32), k: .fixed(k), n: .fixed(c.columns), tile: c.tile,
                panels: panels))
    }

    private static func rowMajor(_ buffer: Int, _ columns: Int) -> MatrixAccess {
        MatrixAccess(buffer: buffer, rowStride: .fixed(columns), columnStride: .one)
    }

    private static func block(
        _ c: Case, scratch: [BlockKernel.Scratch] = [], prologue: [RowProgram] = [],
        _ products: [BlockKernel.Product], epilogue: RowProgram? = nil
    ) -> BlockKernel {
        BlockKernel(
            rows: tokens, columns: .fixed(c.columns), tile: c.tile, tasks: tasks, chunkPanels: c.chunkPanels,
            splitsChunks: c.splitsChunks, scratch: scratch, prologue: prologue, products: products,
            epilogue: epilogue)
    }

    private static func matmul(_ a: [Double], _ b: [Float], _ m: Int, _ n: Int, _ k: Int) -> [Double] {
        var c = [Double](repeating: 0, count: m * n)
        for i in 0..<m {
            for l in 0..<k { for j in 0..<n { c[i * n + j] += a[i * k + l] * Double(b[l * n + j]) } }
        }
        return c
    }

    private static func product(_ c: Case, _ b: Buffers, k: Int = k) -> [Double] {
        matmul(b.left.map(Double.init), b.right, c.rows, c.columns, k)
    }

    private func check(
        _ c: Case, _ phases: [Phase], _ buffers: [[Float]], _ expected: [Int: [Double]],
        tolerance: Double? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try PhaseCheck(
            phases: phases, cpu: c.cpu(), symbols: ["tokens": c.rows], buffers: buffers,
            expected: expected, tolerance: tolerance ?? c.operands.tolerance
        ).check(c.testDescription, sourceLocation: sourceLocation)
    }

    private static func gelu(_ x: Double) -> Double { x * 0.5 * (1 + erf(x * 0.5.squareRoot())) }

    /// (mean, 1 / deviation) of each row.
    private static func statistics(_ x: [Double], _ columns: Int) -> (mean: [Double], rstd: [Double]) {
        let rows = stride(from: 0, to: x.count, by: columns).map { x[$0..<($0 + columns)] }
        let mean = rows.map { $0.reduce(0, +) / Double(columns) }
        let variance = zip(rows, mean).map { row, mean in
            row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
        }
        return (mean, variance.map { 1 / ($0 + 1e-5).squareRoot() })
    }

    // MARK: Products

    @Test(arguments: cases) func plainProduct(c: Case) throws {
        let b = Buffers(c)
        let product = BlockKernel.Product(
            left: Self.rowMajor(0, Self.k), k: .fixed(Self.k), panels: 2, target: 3)
        try check(c, [Self.pack(c), .block(Self.block(c, [product]))], b.all, [3: Self.product(c, b)])
    }

    @Test(arguments: cases) func transposedLeft(c: Case) throws {
        var b = Buffers(c)
        var columns = b.left
        for row in 0..<c.rows {
            for l in 0..<Self.k { columns[l * c.rows + row] = b.left[row * Self.k + l] }
        }
        b.all[0] = c.stored(columns)
        let left = MatrixAccess(buffer: 0, rowStride: .one, columnStride: Self.tokens)
        let product = BlockKernel.Product(left: left, k: .fixed(Self.k), panels: 2, target: 3)
        try check(c, [Self.pack(c), .block(Self.block(c, [product]))], b.all, [3: Self.product(c, b)])
    }

    /// dW = xᵀ dy over a symbolic number of rows, none among them.
    @Test(arguments: cases) func symbolicDepth(c: Case) throws {
        let m = 20
        let x = c.rounded(Buffers.random(c.rows * m, 3))
        let dy = c.rounded(Buffers.random(c.rows * c.columns, 4))
        var expected = [Double](repeating: 0, count: m * c.columns)
        for i in 0..<m {
            for l in 0..<c.rows {
                for j in 0..<c.columns {
                    expected[i * c.columns + j] += Double(x[l * m + i]) * Double(dy[l * c.columns + j])
                }
            }
        }
        let left = MatrixAccess(buffer: 0, rowStride: .one, columnStride: .fixed(m))
        let product = BlockKernel.Product(left: left, k: Self.tokens, panels: 2, target: 3)
        var block = Self.block(c, [product])
        block.rows = .fixed(m)
        let pack = PackPanels(
            source: .matrix(Self.rowMajor(1, c.columns), .f32), k: Self.tokens, n: .fixed(c.columns),
            tile: c.tile,
            panels: 2)
        let buffers = [
            c.stored(x), dy, c.panels(c.rows), [Float](repeating: .nan, count: expected.count),
        ]
        try check(c, [.pack(pack), .block(block)], buffers, [3: expected])
    }

    /// The right operand is a program: max(x · scale[k], 0).
    @Test(arguments: cases) func programIntoPanels(c: Case) throws {
        let scale = Buffers.random(Self.k, 5)
        let b = Buffers(c, [scale])
        var program = ElementProgram()
        let x = program.load(.elements(1, .f32, columns: .fixed(c.columns)))
        let scaled = program.multiplying(x, program.load(.rows(4, .f32)))
        let value = program.binary(.max, scaled, program.constant(0))
        let pack = PackPanels(
            source: .program(program.ops, value: value), k: .fixed(Self.k), n: .fixed(c.columns),
            tile: c.tile, panels: 2)
        let right = c.rounded(b.right.enumerated().map { max($1 * scale[$0 / c.columns], 0) })
        let product = BlockKernel.Product(
            left: Self.rowMajor(0, Self.k), k: .fixed(Self.k), panels: 2, target: 3)
        let expected = Self.matmul(b.left.map(Double.init), right, c.rows, c.columns, Self.k)
        try check(c, [.pack(pack), .block(Self.block(c, [product]))], b.all, [3: expected])
    }

    @Test(arguments: cases) func twoProductsAccumulate(c: Case) throws {
        let k2 = 24
        let left2 = c.rounded(Buffers.random(c.rows * k2, 6))
        let right2 = c.rounded(Buffers.random(k2 * c.columns, 7))
        let b = Buffers(c, [c.stored(left2), right2, c.panels(k2)])
        let products = [
            BlockKernel.Product(left: Self.rowMajor(0, Self.k), k: .fixed(Self.k), panels: 2, target: 3),
            BlockKernel.Product(
                left: Self.rowMajor(4, k2), k: .fixed(k2), panels: 6, target: 3, accumulates: true),
        ]
        let second = Self.matmul(left2.map(Double.init), right2, c.rows, c.columns, k2)
        let expected = zip(Self.product(c, b), second).map { $0 + $1 }
        let phases = [Self.pack(c), Self.pack(c, from: 5, to: 6, k: k2), .block(Self.block(c, products))]
        try check(c, phases, b.all, [3: expected])
    }

    // MARK: Epilogues

    @Test(arguments: cases) func biasAndGelu(c: Case) throws {
        let bias = Buffers.random(c.columns, 8)
        let b = Buffers(c, [bias])
        let scratch = BlockKernel.Scratch(buffer: 5, shape: .chunk)
        let product = BlockKernel.Product(
            left: Self.rowMajor(0, Self.k), k: .fixed(Self.k), panels: 2, target: 5)
        var block = Self.block(c, scratch: [scratch], [product])
        var program = ElementProgram()
        let x = program.load(.elements(5, .f32, columns: block.chunkStride))
        let y = program.apply(.gelu, program.adding(x, program.load(.columns(4, .f32))), .f32)
        let columns = Extent.fixed(c.columns)
        block.epilogue = RowProgram(
            columns: columns, ops: program.ops, stores: [.element(.elements(3, .f32, columns: columns), y)])
        let expected = Self.product(c, b).enumerated().map { Self.gelu($1 + Double(bias[$0 % c.columns])) }
        // After products of bf16 erf is a shorter polynomial (docs/precision.md).
        let isShort = c.operands.unit == .tiles(terms: 1)
        try check(
            c, [Self.pack(c), .block(block)], b.all, [3: expected], tolerance: isShort ? 1e-4 : nil)
    }

    /// y = residual + x w + bias with the mean and 1/deviation of its rows, in whole rows.
    @Test(arguments: cases) func residualAndStatistics(c: Case) throws {
        let c = c.wholeRows
        let bias = Buffers.random(c.columns, 9)
        let residual = Buffers.random(c.rows * c.columns, 10)
        let none = [Float](repeating: .nan, count: c.rows)
        let b = Buffers(c, [bias, residual, none, none])
        let product = BlockKernel.Product(
            left: Self.rowMajor(0, Self.k), k: .fixed(Self.k), panels: 2, target: 9)
        var block = Self.block(c, scratch: [.init(buffer: 9, shape: .chunk)], [product])
        let columns = Extent.fixed(c.columns)
        var program = ElementProgram()
        let x = program.load(.elements(9, .f32, columns: block.chunkStride))
        let sum = program.adding(x, program.load(.columns(4, .f32)))
        let y = program.adding(sum, program.load(.elements(5, .f32, columns: columns)))
        let (mean, rstd) = Self.statistics(&program, y, columns)
        block.epilogue = RowProgram(
            columns: columns, ops: program.ops,
            stores: [
                .element(.elements(3, .f32, columns: columns), y), .element(.rows(6, .f32), mean),
                .element(.rows(7, .f32), rstd),
            ])
        let expected = Self.product(c, b).enumerated().map {
            $1 + Double(bias[$0 % c.columns]) + Double(residual[$0])
        }
        let statistics = Self.statistics(expected, c.columns)
        try check(
            c, [Self.pack(c), .block(block)], b.all, [3: expected, 6: statistics.mean, 7: statistics.rstd])
    }

    private static func statistics(
        _ program: inout ElementProgram, _ x: ElementID, _ columns: Extent
    ) -> (mean: ElementID, rstd: ElementID) {
        let width = program.add(.cast(program.add(.extent(columns)), .f32))
        let mean = program.dividing(program.sum(x), width)
        let centred = program.subtracting(x, mean)
        let variance = program.dividing(program.sum(program.multiplying(centred, centred)), width)
        let deviation = program.unary(.sqrt, program.adding(variance, program.constant(1e-5)))
        return (mean, program.dividing(program.constant(1), deviation))
    }

    /// Column sums and the total of the result, a partial one for each piece and task.
    @Test(arguments: cases) func sums(c: Case) throws {
        let product = BlockKernel.Product(
            left: Self.rowMajor(0, Self.k), k: .fixed(Self.k), panels: 2, target: 3)
        var block = Self.block(c, [product])
        let columns = Extent.fixed(c.columns)
        var program = ElementProgram()
        let x = program.load(.elements(3, .f32, columns: columns))
        block.epilogue = RowProgram(
            columns: columns, ops: program.ops, stores: [.columnSum(buffer: 4, x), .total(buffer: 5, x)])
        let chunks = c.splitsChunks ? block.chunkCount([:]) : 1
        let b = Buffers(
            c,
            [
                [Float](repeating: .nan, count: Self.tasks * c.columns),
                [Float](repeating: .nan, count: Self.tasks * chunks),
            ])
        let expected = Self.product(c, b)
        var columnSums = [Double](repeating: 0, count: Self.tasks * c.columns)
        var totals = [Double](repeating: 0, count: Self.tasks * chunks)
        // Blocks are even shares of the rows in whole register tiles, or AMX's blocks, and as many as two workers share.
        let unit = c.tile.runsOnTiles ? c.tile.blockRows : c.tile.rows
        let units = (c.rows + unit - 1) / unit
        let pairs = (c.rows + 2 * c.tile.blockRows - 1) / (2 * c.tile.blockRows)
        let blocks = min(units, 2 * pairs)
        for piece in 0..<Self.tasks {
            func start(_ piece: Int) -> Int {
                min(c.rows, blocks * piece / Self.tasks * units / max(blocks, 1) * unit)
            }
            let (first, end) = (start(piece), start(piece + 1))
            for row in first..<max(first, end) {
                for column in 0..<c.columns {
                    let value = expected[row * c.columns + column]
                    let chunk = chunks == 1 ? 0 : column / (block.chunkColumns ?? 1)
                    columnSums[piece * c.columns + column] += value
                    totals[chunk * Self.tasks + piece] += value
                }
            }
        }
        try check(c, [Self.pack(c), .block(block)], b.all, [3: expected, 4: columnSums, 5: totals])
    }

    /// silu(x w1) · (x w2)
    @Test(arguments: cases) func twoProductsInOneEpilogue(c: Case) throws {
        let right2 = c.rounded(Buffers.random(Self.k * c.columns, 11))
        let b = Buffers(c, [right2, c.panels()])
        func product(_ panels: Int, _ target: Int) -> BlockKernel.Product {
            .init(left: Self.rowMajor(0, Self.k), k: .fixed(Self.k), panels: panels, target: target)
        }
        var block = Self.block(
            c, scratch: [.init(buffer: 6, shape: .chunk), .init(buffer: 7, shape: .chunk)],
            [product(2, 6), product(5, 7)])
        var program = ElementProgram()
        let gate = program.load(.elements(6, .f32, columns: block.chunkStride))
        let up = program.load(.elements(7, .f32, columns: block.chunkStride))
        let y = program.multiplying(program.apply(.silu, gate, .f32), up)
        let columns = Extent.fixed(c.columns)
        block.epilogue = RowProgram(
            columns: columns, ops: program.ops, stores: [.element(.elements(3, .f32, columns: columns), y)])
        let second = Self.matmul(b.left.map(Double.init), right2, c.rows, c.columns, Self.k)
        let expected = zip(Self.product(c, b), second).map { $0 / (1 + exp(-$0)) * $1 }
        try check(c, [Self.pack(c), Self.pack(c, from: 4, to: 5), .block(block)], b.all, [3: expected])
    }

    // MARK: Prologues

    /// The rows of the left operand normalised into scratch.
    @Test(arguments: cases) func normalizedLeft(c: Case) throws {
        let gamma = Buffers.random(Self.k, 12)
        var b = Buffers(c, [gamma])
        b.all[0] = b.left
        let element = c.operands.element
        let columns = Extent.fixed(Self.k)
        var program = ElementProgram()
        let x = program.load(.elements(0, .f32, columns: columns))
        let (mean, rstd) = Self.statistics(&program, x, columns)
        let normal = program.multiplying(program.subtracting(x, mean), rstd)
        let y = program.multiplying(normal, program.load(.columns(4, .f32)))
        let prologue = RowProgram(
            columns: columns, ops: program.ops,
            stores: [.element(.elements(5, element, columns: columns), y)])
        let product = BlockKernel.Product(
            left: Self.rowMajor(5, Self.k), k: columns, panels: 2, target: 3)
        let scratch = BlockKernel.Scratch(buffer: 5, shape: .rows(columns: columns), element: element)
        let block = Self.block(c, scratch: [scratch], prologue: [prologue], [product])
        let left = b.left.map(Double.init)
        let statistics = Self.statistics(left, Self.k)
        let normalized = left.enumerated().map { index, x in
            (x - statistics.mean[index / Self.k]) * statistics.rstd[index / Self.k]
                * Double(gamma[index % Self.k])
        }
        let expected = Self.matmul(normalized, b.right, c.rows, c.columns, Self.k)
        // bf16 rounds 40 terms of a size of 1 by at most 2^-9 each, which rarely adds up.
        try check(
            c, [Self.pack(c), .block(block)], b.all, [3: expected], tolerance: element == .bf16 ? 2e-2 : nil)
    }

    @Test func aBlockKernelIsReadable() {
        let c = Case(set: .avx2, rows: 1, columns: 150, chunkPanels: 2, splitsChunks: true)
        let product = BlockKernel.Product(
            left: Self.rowMajor(0, Self.k), k: .fixed(Self.k), panels: 2, target: 4)
        var block = Self.block(c, scratch: [.init(buffer: 4, shape: .chunk)], [product])
        var program = ElementProgram()
        let x = program.load(.elements(4, .f32, columns: block.chunkStride))
        block.epilogue = RowProgram(
            columns: .fixed(150), ops: program.ops,
            stores: [.element(.elements(3, .f32, columns: .fixed(150)), x), .total(buffer: 5, x)])
        #expect(
            "\(Phase.block(block))" == """
                  block tokens x 150 in 5 pieces of blocks of 16 rows, chunks of 48 columns as tasks, tile 4x24x16 {
                    scratch b4 f32[16 x 48]
                    b4 = b0(40, 1) · panels b2 [k 40]
                    epilogue over 150 columns {
                      e0 = load b4[row * 48 + column] f32
                      b3[row * 150 + column] f32 = e0
                      b5[task] += e0
                    }
                  }

                """)
    }
}
