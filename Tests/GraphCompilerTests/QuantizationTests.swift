import Foundation
import GraphCompiler
import Interpreter
import LLVMBridge
import Target
import Testing

/// i8: what is quantised, multiplied and scaled back has the interpreter's bits on every instruction set.
@Suite struct QuantizationTests {
    private static let shapes = [(40, 96, 70), (33, 384, 150), (1, 64, 64), (7, 4, 1), (100, 768, 48)]

    private func graph(k: Int, n: Int) throws -> Graph {
        try GraphBuilder.build("int8") { g in
            let x = g.input("x", .f32, ["rows", .fixed(k)])
            let w = g.input("w", .f32, [.fixed(n), .fixed(k)])
            let (left, row) = x.quantized()
            let (right, column) = w.quantized()
            let sum = left.matmul(right, transposeRight: true)
            g.output("left", left)
            g.output("row", row)
            g.output("sum", sum)
            g.output("y", sum.dequantized(row: row, column: column))
        }
    }

    @Test(arguments: shapes, OpTests.instructionSets)
    func kernelsHaveTheInterpretersBits(_ shape: (m: Int, k: Int, n: Int), _ set: String) throws {
        var numbers = Numbers(3)
        let inputs = [
            "x": numbers.tensor([shape.m, shape.k], -3, 3), "w": numbers.tensor([shape.n, shape.k]),
        ]
        for optimizes in [false, true] {
            try CompiledComparison(
                graph: graph(k: shape.k, n: shape.n), inputs: inputs,
                options: CompilerOptions(instructionSet: set, threads: 2, cache: .off), tolerance: 0,
                optimizes: optimizes
            ).check("\(set) \(shape)\(optimizes ? " fused" : "")")
        }
    }

    /// Rows of zeros, of the smallest numbers, with one outlier, an infinity and a NaN.
    @Test(arguments: OpTests.instructionSets) func oddRowsAreAsDocumented(_ set: String) throws {
        let k = 64
        func row(_ change: (inout [Double]) -> Void) -> [Double] {
            var row = (0..<k).map { Double(Float($0) / 7 - 4) }
            change(&row)
            return row
        }
        let rows = [
            Array(repeating: 0, count: k), Array(repeating: Double(Float.leastNonzeroMagnitude), count: k),
            row { $0[5] = 1e30 }, row { $0[9] = .infinity }, row { $0[11] = .nan },
            Array(repeating: Double(Float.greatestFiniteMagnitude), count: k),
            row { $0 = $0.map { Double(Float($0) * Float.leastNormalMagnitude) } },
        ]
        let x = HostTensor(element: .f32, shape: [rows.count, k], values: rows.flatMap(\.self))
        var numbers = Numbers(5)
        let inputs = ["x": x, "w": numbers.tensor([8, k])]
        let graph = try graph(k: k, n: 8)
        let results = try Interpreter(graph: graph).run(inputs).outputs
        #expect(results["row"]!.values[0] == 0x1p-126)
        #expect(results["row"]!.values[3] == .infinity)
        let odd = results["y"]!.values[(3 * 8)..<(5 * 8)].filter { !$0.isNaN }
        #expect(odd.isEmpty)
        #expect(results["left"]!.values[2 * k + 5] == 127)
        try CompiledComparison(
            graph: graph, inputs: inputs, options: CompilerOptions(instructionSet: set, cache: .off),
            tolerance: 0
        ).check(set)
    }

    /// Two layers with an activation and a residual: one kernel a product, the same bits on each instruction set, for any
    /// number of threads, and for a row alone; close to f32.
    @Test func layersAreTheSameBitsEverywhere() throws {
        let (width, inner) = (96, 256)
        let graph = try GraphBuilder.build("layers") { g in
            let x = g.input("x", .f32, ["rows", .fixed(width)])
            let up = g.parameter("up", [.fixed(width), .fixed(inner)])
            let down = g.parameter("down", [.fixed(width), .fixed(inner)])
            let bias = g.parameter("bias", [.fixed(inner)])
            let h = (x.matmul(up) + bias).map(.relu)
            g.output("y", h.matmul(down, transposeRight: true) + x)
        }
        var numbers = Numbers(7)
        let x = numbers.tensor([37, width])
        let parameters = ["up", "down", "bias"].map { name in
            (
                name,
                numbers.tensor(name == "up" ? [width, inner] : name == "down" ? [width, inner] : [inner])
            )
        }
        func run(_ options: CompilerOptions, rows: Range<Int>? = nil) throws -> [Float] {
            let model = try GraphCompiler.compile(graph, options)
            for (name, tensor) in parameters { try model.set(name, to: TensorData(tensor)) }
            let range = rows ?? 0..<37
            let part = HostTensor(
                element: .f32, shape: [range.count, width],
                values: Array(x.values[(range.lowerBound * width)..<(range.upperBound * width)]))
            if options.precision == .int8 {
                #expect(model.executor.program.launches.count <= 4)
            }
            return try model(["x": TensorData(part)])["y"]!.floats
        }
        let exact = try run(CompilerOptions(cache: .off))
        let first = try run(CompilerOptions(precision: .int8, cache: .off))
        let error = zip(exact, first).map { abs($0 - $1) }.max()!
        #expect(error < 0.02 * exact.map { abs($0) }.max()!)
        #expect(exact != first)
        for set in OpTests.instructionSets {
            for threads in 1...3 {
                let options = CompilerOptions(
                    instructionSet: set, threads: threads, precision: .int8, cache: .off)
                #expect(try run(options) == first, "\(set), \(threads) threads")
                #expect(try run(options, rows: 11..<12) == Array(first[(11 * width)..<(12 * width)]))
            }
        }
    }
}
