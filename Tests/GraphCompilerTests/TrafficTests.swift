import GraphCompiler
import Lowering
import Target
import Testing

/// Bytes moved, counted by hand. The machine is one with AVX-512, whose panels are 48 columns wide.
@Suite struct TrafficTests {
    static let rows = 9
    static let symbols = ["rows": rows]

    private func program(library: Bool = false, _ body: (GraphBuilder) throws -> Void) throws -> Program {
        let graph = try GraphBuilder.build("g", body)
        return try Lowering.lower(
            graph, for: Machine(.avx512, usesLibraryMatmul: library), keepsPanels: false)
    }

    private func traffic(library: Bool = false, _ body: (GraphBuilder) throws -> Void) throws -> Traffic {
        try program(library: library, body).traffic(Self.symbols)
    }

    @Test func elementwiseReadsEachOperandOnce() throws {
        let x = Self.rows * 4 * 4
        let exp = try traffic { g in g.output("y", g.input("x", .f32, ["rows", 4]).exp()) }
        #expect(exp == Traffic(bytesRead: x, bytesWritten: x))
        let bias = try traffic { g in
            g.output("y", g.input("x", .f32, ["rows", 4]) + g.input("b", .f32, [4]))
        }
        #expect(bias == Traffic(bytesRead: x + 16, bytesWritten: x))
        let square = try traffic { g in
            let x = g.input("x", .f32, ["rows", 4])
            g.output("y", x * x)
        }
        #expect(square == Traffic(bytesRead: x, bytesWritten: x), "one buffer in two positions")
        let compare = try traffic { g in
            let x = g.input("x", .f32, ["rows", 4])
            g.output("y", g.apply(.compare(.lt), [x, x]))
        }
        #expect(compare == Traffic(bytesRead: x, bytesWritten: x / 4), "a bool is one byte")
    }

    @Test func productPaysForItsPanelsTwice() throws {
        let matmul: (GraphBuilder) throws -> Void = { g in
            g.output("y", g.input("x", .f32, ["rows", 8]).matmul(g.input("w", .f32, [8, 50])))
        }
        let (x, w, y) = (Self.rows * 8 * 4, 8 * 50 * 4, Self.rows * 50 * 4)
        let panels = 8 * 96 * 4
        #expect(try traffic(matmul) == Traffic(bytesRead: w + x + panels, bytesWritten: panels + y))
        #expect(try traffic(library: true, matmul) == Traffic(bytesRead: x + w, bytesWritten: y))
    }

    @Test func productsOfBatchesPackInPrivateMemory() throws {
        let batched = try traffic { g in
            g.output("y", g.input("a", .f32, ["rows", 2, 3]).matmul(g.input("b", .f32, ["rows", 3, 5])))
        }
        let bytes = 4 * Self.rows
        #expect(batched == Traffic(bytesRead: bytes * (6 + 15), bytesWritten: bytes * 10))
    }

    @Test(arguments: [(table: 100, read: 9), (table: 2, read: 2)])
    func gatherReadsRowsAndIDs(table: Int, read: Int) throws {
        let gathered = try traffic { g in
            let table = g.parameter("t", [.fixed(table), 4])
            g.output("y", table.gather(g.input("ids", .i32, ["rows"])))
        }
        #expect(gathered == Traffic(bytesRead: read * 16 + Self.rows * 4, bytesWritten: Self.rows * 16))
    }

    @Test func columnSumsWriteAndReadTheirPartials() throws {
        let sum = try traffic { g in g.output("y", g.input("x", .f32, ["rows", 4]).sum(axes: [0])) }
        // 16 tasks leave a row of 4 each.
        let partials = 16 * 4 * 4
        #expect(sum == Traffic(bytesRead: Self.rows * 16 + partials, bytesWritten: partials + 16))
    }

    @Test func reshapeMovesNothing() throws {
        let reshaped = try traffic { g in
            g.output("y", g.input("x", .f32, ["rows", 4]).reshaped([2, 2, "rows"]).exp())
        }
        #expect(reshaped == Traffic(bytesRead: Self.rows * 16, bytesWritten: Self.rows * 16))
    }

    /// relu(x W) + x: an epilogue on the products' scratch reads the residual and writes the result, no more.
    @Test func privateMemoryOfABlockIsFree() throws {
        let unfused = try program { g in
            let x = g.input("x", .f32, ["rows", 48])
            g.output("y", x.matmul(g.input("w", .f32, [48, 48])).relu() + x)
        }
        let launch = try #require(unfused.launches.first { $0.kernel.name == "matmul" })
        guard case .block(var block) = try #require(launch.kernel.phases.last) else {
            Issue.record("the last phase of a matmul is a block")
            return
        }
        let (x, panels) = (Self.rows * 48 * 4, 48 * 48 * 4)
        let plain = Traffic(bytesRead: x + panels, bytesWritten: x)
        #expect(unfused.traffic(of: .block(block), in: launch, Self.symbols) == plain)

        let target = block.products[0].target
        let columns = block.columns
        block.scratch = [BlockKernel.Scratch(buffer: 99, shape: .chunk)]
        block.products[0].target = 99
        let ops: [ElementOp] = [
            .load(.elements(99, .f32, columns: columns)), .load(.elements(0, .f32, columns: columns)),
            .constant(0, .f32), .binary(.max, 0, 2), .binary(.add, 3, 1),
        ]
        block.epilogue = RowProgram(
            columns: columns, ops: ops, stores: [.element(.elements(target, .f32, columns: columns), 4)])
        #expect(unfused.traffic(of: .block(block), in: launch, Self.symbols) == plain, "x is read once")

        // The same through the target's own memory: still in the cache when the epilogue reads it.
        block.scratch = []
        block.products[0].target = target
        block.epilogue?.ops[0] = .load(.elements(target, .f32, columns: columns))
        #expect(unfused.traffic(of: .block(block), in: launch, Self.symbols) == plain)
        #expect(unfused.traffic(Self.symbols).byteCount == plain.byteCount + 2 * panels + 5 * x)
    }

    @Test func reportAddsUpItsLaunches() throws {
        let graph = try GraphBuilder.build("g") { g in
            let x = g.input("x", .f32, ["rows", 48])
            g.output("y", x.matmul(g.input("w", .f32, [48, 48])).exp().exp())
        }
        let compiler = try Compiler(CompilerOptions(threads: 1, cache: .off))
        let passes = try compiler.runPasses(graph)
        let program = try compiler.lower(graph)
        let report = compiler.report(graph, passes: passes, program: program, symbols: Self.symbols)
        let groups = report.kernelGroups
        #expect(groups.map(\.launches).reduce(0, +) == program.launches.count)
        #expect(groups.first { $0.name == "exp" }?.launches == 2)
        #expect(groups.reduce(Traffic()) { $0 + $1.traffic } == program.traffic(Self.symbols))
        #expect(groups.reduce(0) { $0 + $1.flops } == report.flops)
        #expect(report.flops == 2 * Self.rows * 48 * 48 + 2 * Self.rows * 48)
        #expect(groups.map(\.seconds) == groups.map(\.seconds).sorted(by: >))
        #expect(report.passes.map(\.name) == passes.map(\.name))
    }
}
