import KernelIR
import LLVMBridge
import Runtime
import Target
import Testing

@testable import Codegen

/// f32 split into bf16 terms, on every instruction set that this machine has.
@Suite struct TermWriterTests {
    static let sets = Target.all.filter { (Target.host ?? .avx2).runs($0) }

    private static let numbers: [Float] = (0..<600).map { index in
        let x = Float(index - 300) * 1.234_567_9
        return index % 3 == 0 ? x * 1e-20 : index % 3 == 1 ? x * x * x : x
    }

    private static func compile(_ set: Target, _ body: (inout FunctionWriter, Int) -> Void) throws
        -> KernelFunction
    {
        let cpu = try TargetCPU.host(limit: set)
        let machine = Machine(set)
        var w = FunctionWriter(symbols: [], target: machine.target)
        body(&w, machine.target.lanes)
        let ir = w.text("kernel", KernelParameters.all)
        return try JITSession().load(KernelCompiler.compile(ir: ir, for: cpu), symbol: "kernel")
    }

    @Test(arguments: sets, [1, 2, 3]) func rowsBecomePlanes(set: Target, terms: Int) throws {
        for (rows, columns) in [(0, 5), (1, 1), (3, 16), (5, 37), (2, 300)] {
            let kernel = try Self.compile(set) { w, lanes in
                TermWriter(terms: terms, lanes: lanes).writeRows(
                    &w,
                    TermWriter.Rows(
                        source: w.buffer(0), sourceRow: I64(columns + 3), rows: I64(rows),
                        columns: I64(columns),
                        planes: w.buffer(1), planeRow: I64(columns + 2), planeTerm: I64(rows * (columns + 2)))
                )
            }
            let values = Array(Self.numbers.prefix(rows * columns))
            let source = GuardedMatrix(
                rows: rows, columns: columns, stride: columns + 3, values: values, mark: Float.nan)
            let planes = GuardedMatrix(
                rows: terms * rows, columns: columns, stride: columns + 2,
                values: [UInt16](repeating: 0, count: terms * values.count), mark: UInt16(0x7FFF))
            kernel(buffers: [.init(source.start), .init(planes.start)], dims: [0], tasks: 0..<1)
            let expected = (0..<terms).flatMap { term in values.map { BF16Reference.terms($0, terms)[term] } }
            #expect(planes.values == expected && planes.marksHold(==), "\(rows)x\(columns)")
        }
    }

    /// Three terms are the number itself.
    @Test func threeTermsKeepEveryBit() {
        for x in Self.numbers {
            let terms = BF16Reference.terms(x, 3).map(BF16Reference.widened)
            #expect(terms[2] + terms[1] + terms[0] == x)
        }
    }

    @Test(arguments: sets) func pairsHoldTheTermsOfTwoRows(set: Target) throws {
        let terms = 2
        let kernel = try Self.compile(set) { w, lanes in
            let v = VectorWriter(lanes: lanes)
            let rows = (0..<2).map { row in
                v.load(&w, F32.self, w.address(w.buffer(0), .float, row * lanes))
            }
            let pairs = TermWriter(terms: terms, lanes: lanes).splitPairs(&w, low: rows[0], high: rows[1])
            for (term, pair) in pairs.enumerated() {
                v.store(&w, pair, w.address(w.buffer(1), .i32, term * lanes))
            }
        }
        let lanes = set.lanes
        let values = Array(Self.numbers.prefix(2 * lanes))
        let source = GuardedMatrix(rows: 2, columns: lanes, stride: lanes, values: values, mark: Float.nan)
        let count = terms * 2 * lanes
        let panel = GuardedMatrix(
            rows: 1, columns: count, stride: count, values: [UInt16](repeating: 0, count: count),
            mark: UInt16(0x7FFF))
        kernel(buffers: [.init(source.start), .init(panel.start)], dims: [0], tasks: 0..<1)
        let expected = (0..<terms).flatMap { term in
            (0..<lanes).flatMap { lane in
                [values[lane], values[lanes + lane]].map { BF16Reference.terms($0, terms)[term] }
            }
        }
        #expect(panel.values == expected)
    }
}
