import Codegen
import Foundation
import GraphIR
import KernelIR
import LLVMBridge
import Runtime
import Target
import Testing

/// Row kernels built by hand: totals, and values that later passes load again.
@Suite struct RowKernelTests {
    static let sets = Target.all.filter { (Target.host ?? .avx2).runs($0) && $0.units.bf16 != .tiles }
    static let tasks = 4

    private func numbers(_ count: Int) -> [Float] { (0..<count).map { Float($0 * 7919 % 2000) / 1000 - 1 } }

    private func square(_ columns: Extent) -> (program: ElementProgram, value: ElementID) {
        var program = ElementProgram()
        let x = program.load(.elements(0, .f32, columns: columns))
        let value = program.multiplying(x, x)
        return (program, value)
    }

    /// One row in pieces of 64 columns: the sum of squares of each.
    @Test(arguments: sets, [1, 64, 1000]) func totalOfOneRow(set: Target, count: Int) throws {
        let (program, value) = square(.fixed(count))
        let kernel = RowKernel(
            rows: .one, columns: .fixed(count), program: program.ops,
            stores: [.total(buffer: 1, value)], tasks: Self.tasks)
        let x = numbers(count)
        let units = (count + 63) / 64
        let totals = (0..<Self.tasks).map { task -> Double in
            let first = min(count, units * task / Self.tasks * 64)
            let end = min(count, units * (task + 1) / Self.tasks * 64)
            return x[first..<end].reduce(0) { $0 + Double($1) * Double($1) }
        }
        try PhaseCheck(
            phases: [.rows(kernel)], cpu: TargetCPU.host(limit: set),
            buffers: [x, [Float](repeating: .nan, count: Self.tasks)], expected: [1: totals]
        ).check("\(set) \(count)")
    }

    /// Element values and row values, over rows of which a task may have none.
    @Test(arguments: sets, [0, 1, 3, 9]) func totalsOfRows(set: Target, rows: Int) throws {
        let columns = 37
        var (program, value) = square(.fixed(columns))
        let largest = program.max(program.load(.elements(0, .f32, columns: .fixed(columns))))
        let kernel = RowKernel(
            rows: Extent([Dimension.symbol("n")]), columns: .fixed(columns), program: program.ops,
            stores: [.total(buffer: 1, value), .total(buffer: 2, largest)], tasks: Self.tasks)
        let x = numbers(rows * columns)
        var (squares, maxima) = ([Double](repeating: 0, count: 4), [Double](repeating: 0, count: 4))
        for task in 0..<Self.tasks {
            for row in (rows * task / Self.tasks)..<(rows * (task + 1) / Self.tasks) {
                let elements = x[(row * columns)..<((row + 1) * columns)].map(Double.init)
                squares[task] += elements.reduce(0) { $0 + $1 * $1 }
                maxima[task] += elements.max() ?? 0
            }
        }
        let none = [Float](repeating: .nan, count: Self.tasks)
        try PhaseCheck(
            phases: [.rows(kernel)], cpu: TargetCPU.host(limit: set), symbols: ["n": rows],
            buffers: [x, none, none], expected: [1: squares, 2: maxima]
        ).check("\(set) \(rows)")
    }

    /// y = x + dropout(x), and rows of y with the mean taken off: y is stored when `stores`.
    private func centredDropout(_ columns: Extent, stores: Bool) -> RowKernel {
        var program = ElementProgram()
        let x = program.load(.elements(0, .f32, columns: columns))
        let keep = program.add(.keep(rate: 0.25, stream: 4, rng: 1))
        let dropped = program.select(keep, program.scaling(x, 1 / 0.75), program.constant(0))
        let y = program.adding(x, dropped)
        let width = program.add(.cast(program.add(.extent(columns)), .f32))
        let centred = program.subtracting(y, program.dividing(program.sum(y), width))
        let first: [RowProgram.Store] =
            stores ? [.element(.elements(2, .f32, columns: columns), y)] : []
        return RowKernel(
            rows: .fixed(6), columns: columns, program: program.ops,
            stores: first + [.element(.elements(3, .f32, columns: columns), centred)], tasks: Self.tasks)
    }

    @Test(arguments: sets) func storedValuesAreLoadedAgain(set: Target) throws {
        let (rows, columns) = (6, 53)
        let (seed, step) = (77, 5)
        let x = numbers(rows * columns)
        let y = x.enumerated().map { index, x in
            let keeps = Philox.keeps(
                row: index / columns, column: index % columns, stream: 3, seed: seed, step: step, rate: 0.25)
            return Double(x) + (keeps ? Double(x) / 0.75 : 0)
        }
        let centred = y.indices.map { index in
            let row = index / columns
            return y[index] - y[(row * columns)..<((row + 1) * columns)].reduce(0, +) / Double(columns)
        }
        let stream = [Float(bitPattern: 3), 0]
        // The buffer of (seed, step) as two i64.
        let rng = [UInt32(seed), 0, UInt32(step), 0].map { Float(bitPattern: $0) }
        let none = [Float](repeating: .nan, count: x.count)
        let emitter = KernelEmitter(machine: Machine(set))
        var draws: [Int] = []
        for stores in [true, false] {
            let phase = Phase.rows(centredDropout(.fixed(columns), stores: stores))
            try PhaseCheck(
                phases: [phase], cpu: TargetCPU.host(limit: set), buffers: [x, rng, none, none, stream],
                expected: stores ? [2: y, 3: centred] : [3: centred]
            ).check("\(set) stores \(stores)")
            let ir = try #require(emitter.emit(phase, symbols: [])).code.ir
            draws.append(ir.components(separatedBy: " icmp uge ").count - 1)
        }
        #expect(draws[0] * 2 == draws[1], "the mask is drawn once instead of twice")
    }

    /// What a kernel writes into panels is what packing its results would be, bit by bit, whatever is left of the last
    /// block of rows and columns.
    @Test(arguments: sets, [ElementType.f32, .bf16])
    func panelsAreThoseOfPacking(set: Target, element: ElementType) throws {
        let tile = Machine(set).denseTile(element)
        guard tile.panelElement == element, tile.element == element else { return }
        for (rows, columns) in [(2, 64), (16, 96), (33, 45), (37, 700), (40, 1536)] {
            let (k, n) = (Extent.fixed(rows), Extent.fixed(columns))
            let (program, value) = square(n)
            func panels(_ buffer: Int, transposed: Bool) -> RowProgram.Store {
                var access = Access.elements(buffer, element, columns: n)
                access.layout =
                    transposed
                    ? .transposedPanels(width: tile.columns, depth: tile.paddedDepth(n))
                    : .panels(width: tile.columns, depth: tile.paddedDepth(k))
                return .element(access, value)
            }
            let kernel = RowKernel(
                rows: k, columns: n, program: program.ops,
                stores: [
                    .element(.elements(1, .f32, columns: n), value), panels(2, transposed: false),
                    panels(3, transposed: true),
                ], tasks: Self.tasks)
            let result = MatrixAccess(buffer: 1, rowStride: n, columnStride: .one)
            let turned = MatrixAccess(buffer: 1, rowStride: .one, columnStride: n)
            let phases: [Phase] = [
                .rows(kernel),
                .pack(PackPanels(source: .matrix(result, .f32), k: k, n: n, tile: tile, panels: 4)),
                .pack(PackPanels(source: .matrix(turned, .f32), k: n, n: k, tile: tile, panels: 5)),
            ]
            let sizes = [(rows, columns), (columns, rows)].map { depth, width in
                tile.paddedColumns(width) * tile.paddedDepth(depth) * tile.panelCellByteCount / 4
            }
            let x = numbers(rows * columns)
            for threads in [1, 3] {
                // Panels begin as packing left them: zero where there is no element.
                let buffers =
                    try [x, x].map(FloatBuffer.init)
                    + (sizes + sizes).map { size in
                        try FloatBuffer([Float](repeating: 0, count: size))
                    }
                let pool = WorkerPool(threads: threads)
                for phase in phases {
                    try CompiledPhase(phase, symbols: [], cpu: TargetCPU.host(limit: set)).run(
                        buffers, [:], on: pool)
                }
                for (written, packed) in [(2, 4), (3, 5)] {
                    let same =
                        buffers[written].values.map(\.bitPattern) == buffers[packed].values.map(\.bitPattern)
                    #expect(same, "\(set) \(element) \(rows) x \(columns), buffer \(written)")
                }
                let inside = buffers.allSatisfy(\.guardHolds)
                #expect(inside)
            }
        }
    }
}
