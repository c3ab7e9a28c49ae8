import KernelIR
import LLVMBridge
import Synchronization
import Target
import Testing

@testable import Codegen

/// The tile micro-kernel against plain loops over a table of shapes, and against Double.
@Suite(.enabled(if: TileMachine.isHere, "needs AVX-512 with bf16")) struct TileKernelTests {
    /// What one call of the kernel is given.
    struct Shape: CustomTestStringConvertible {
        var rows: Int
        var depth: Int
        var columns: Int
        var first = true

        var testDescription: String { "\(rows)x\(columns)x\(depth)\(first ? "" : " added")" }
        var pairs: Int { (depth + 1) / 2 }
    }

    // MARK: Kernels

    /// Kernels of buffers left, panel and target, whose dims are the sizes and distances of
    /// `TileKernel.Call`. Rows go to the micro-kernel 32 at a time.
    private static let kernels = Mutex<[TileKernel: KernelFunction]>([:])

    private static func kernel(_ tiles: TileKernel) throws -> KernelFunction {
        if let known = kernels.withLock({ $0[tiles] }) { return known }
        guard let cpu = TileMachine.cpu else { throw TileMachine.Absent() }
        var w = FunctionWriter(symbols: [], target: .amx)
        let state = TileKernel.enter(&w, terms: tiles.terms)
        let pointers = (0..<3).map { w.buffer($0) }
        let dims = (0..<8).map { w.load(I64.self, w.address(KernelParameters.dims, .i64, $0)) }
        let first = w.convert(.trunc, dims[3], to: I1.self)
        w.loop(from: 0, to: dims[0], by: TileKernel.size) { w, row in
            let call = TileKernel.Call(
                left: w.address(pointers[0], .i16, w.mul(row, dims[4])), panel: pointers[1],
                target: w.address(pointers[2], .float, w.mul(row, dims[5])),
                rows: w.min(w.sub(dims[0], row), TileKernel.size), depth: dims[1], columns: dims[2],
                first: first,
                leftRow: dims[4], targetRow: dims[5], leftTerm: dims[6], panelTerm: dims[7])
            tiles.call(&w, state: state, call)
        }
        TileKernel.leave(&w)
        let ir = tiles.text(.amx) + w.text("kernel", KernelParameters.all)
        let function = try JITSession().load(KernelCompiler.compile(ir: ir, for: cpu), symbol: "kernel")
        kernels.withLock { $0[tiles] = function }
        return function
    }

    // MARK: Operands

    private static func random(_ count: Int, _ seed: Int) -> [Float] {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / 8_388_608 - 1
        }
    }

    /// The numbers of one product and what they are split into.
    private struct Operands {
        let shape: Shape
        let terms: Int
        let left: [Float]
        let right: [Float]
        let before: [Float]

        init(_ shape: Shape, terms: Int) {
            self.shape = shape
            self.terms = terms
            left = TileKernelTests.random(shape.rows * shape.depth, 1 + shape.depth)
            right = TileKernelTests.random(shape.depth * shape.columns, 2 + shape.rows)
            before = TileKernelTests.random(shape.rows * shape.columns, 3)
        }

        /// `[term][rows][depth]`
        var leftPlanes: [[UInt16]] { Self.planes(left, terms) }

        /// `[term][pairs][32][2]`, zero beyond the depth and the columns.
        var panelPlanes: [[UInt16]] {
            Self.planes(right, terms).map { plane in
                var panel = [UInt16](repeating: 0, count: shape.pairs * 64)
                for k in 0..<shape.depth {
                    for n in 0..<shape.columns {
                        panel[(k / 2 * 32 + n) * 2 + k % 2] = plane[k * shape.columns + n]
                    }
                }
                return panel
            }
        }

        private static func planes(_ values: [Float], _ terms: Int) -> [[UInt16]] {
            let split = values.map { BF16Reference.terms($0, terms) }
            return (0..<terms).map { term in split.map { $0[term] } }
        }
    }

    /// Runs the kernel in memory with guards, and returns the target.
    private static func run(_ o: Operands, padding: Int) throws -> [Float] {
        let shape = o.shape
        let tiles = TileKernel(masksColumns: shape.columns < 32, terms: o.terms)
        // Planes one behind the other; what stands between rows is NaN.
        let left = GuardedMatrix(
            rows: o.terms * shape.rows, columns: shape.depth, stride: shape.depth + padding,
            values: o.leftPlanes.flatMap { $0 }, mark: UInt16(0x7FFF))
        let panels = o.panelPlanes.flatMap { $0 }
        let panel = GuardedMatrix(
            rows: 1, columns: panels.count, stride: panels.count, values: panels, mark: UInt16(0x7FFF))
        let before = shape.first ? [Float](repeating: .nan, count: o.before.count) : o.before
        let target = GuardedMatrix(
            rows: shape.rows, columns: shape.columns, stride: shape.columns + padding, values: before,
            mark: Float.signalingNaN)
        let dims = [
            shape.rows, shape.depth, shape.columns, shape.first ? 1 : 0, left.stride, target.stride,
            shape.rows * left.stride, panels.count / o.terms,
        ]
        try kernel(tiles)(
            buffers: [.init(left.start), .init(panel.start), .init(target.start)],
            dims: dims.map(Int64.init), tasks: 0..<1)
        #expect(target.marksHold { $0.bitPattern == $1.bitPattern }, "\(shape): written beyond the target")
        return target.values
    }

    // MARK: Expected

    /// Tile by tile of 32 along the depth, in the order of the kernel.
    private static func reference(_ o: Operands) -> [Float] {
        let shape = o.shape
        let (left, right) = (o.leftPlanes, o.panelPlanes)
        var sum = shape.first ? [Float](repeating: 0, count: o.before.count) : o.before
        for k in stride(from: 0, to: shape.depth, by: 32) {
            let depth = min(32, shape.depth - k)
            let pairs = (depth + 1) / 2
            for product in TileBlock(rows: 2, columns: 2, terms: o.terms).products {
                let a = (0..<shape.rows).flatMap { row in
                    (0..<(2 * pairs)).map { $0 < depth ? left[product.left][row * shape.depth + k + $0] : 0 }
                }
                let b = (0..<pairs).flatMap { pair in
                    right[product.right][((k / 2 + pair) * 64)...].prefix(2 * shape.columns)
                }
                sum = BF16Reference.tileProduct(sum, a, b, pairs: pairs, columns: shape.columns)
            }
        }
        return sum
    }

    /// The product of the unsplit numbers, and the sum of its parts' sizes.
    private static func exact(_ o: Operands) -> [(value: Double, size: Double)] {
        let shape = o.shape
        return o.before.indices.map { place in
            let (row, column) = (place / shape.columns, place % shape.columns)
            var value = shape.first ? 0 : Double(o.before[place])
            var size = abs(value)
            for k in 0..<shape.depth {
                let part = Double(o.left[row * shape.depth + k]) * Double(o.right[k * shape.columns + column])
                value += part
                size += abs(part)
            }
            return (value, size)
        }
    }

    /// Largest error against Double, relative to the sum of the sizes of what is added: rounding the operands
    /// to 8, 16 and 24 bits, each a little enlarged by the sums in f32.
    private static let bounds: [Int: Double] = [1: 0x1p-7, 2: 0x1p-15, 3: 0x1p-22]

    private func check(_ shape: Shape, terms: Int, padding: Int = 5) throws {
        let o = Operands(shape, terms: terms)
        let result = try Self.run(o, padding: padding)
        #expect(TileMachine.agree(result, Self.reference(o)), "\(shape), \(terms) terms: another sum")
        let bound = try #require(Self.bounds[terms])
        let wrong = zip(result, Self.exact(o)).first { !(abs(Double($0) - $1.value) <= bound * $1.size) }
        #expect(wrong == nil, "\(shape), \(terms) terms")
    }

    // MARK: Tests

    static let depths = [0, 1, 2, 31, 32, 33, 64, 100, 768]

    @Test(arguments: depths) func everyEdge(depth: Int) throws {
        // The loops of the reference are slow.
        let isDeep = depth > 100
        for rows in isDeep ? [1, 16, 33] : [1, 2, 15, 16, 17, 31, 32, 33] {
            for columns in isDeep ? [17, 32] : [1, 15, 16, 17, 31, 32] {
                try check(Shape(rows: rows, depth: depth, columns: columns), terms: 1)
            }
        }
    }

    @Test(arguments: [17, 32]) func everyRowCount(columns: Int) throws {
        for rows in 1...33 { try check(Shape(rows: rows, depth: 37, columns: columns), terms: 1) }
    }

    @Test(arguments: depths) func addsToWhatIsThere(depth: Int) throws {
        for (rows, columns) in [(1, 1), (16, 16), (17, 31), (32, 32), (33, 9)] {
            try check(Shape(rows: rows, depth: depth, columns: columns, first: false), terms: 1)
        }
    }

    /// With rows one behind the other a read beyond a row's end meets the next row, or the end of memory.
    @Test(arguments: depths) func rowsWithoutPadding(depth: Int) throws {
        for rows in [1, 16, 31, 32, 64] {
            try check(Shape(rows: rows, depth: depth, columns: 32), terms: 1, padding: 0)
        }
    }

    @Test(arguments: [2, 3], depths) func splitOperands(terms: Int, depth: Int) throws {
        let small = [(1, 1), (7, 16), (16, 32), (17, 17), (33, 31)]
        for (rows, columns) in (depth > 100 ? [] : small) + [(32, 32)] {
            try check(Shape(rows: rows, depth: depth, columns: columns), terms: terms)
        }
        try check(Shape(rows: 32, depth: depth, columns: 32, first: false), terms: terms)
    }
}
