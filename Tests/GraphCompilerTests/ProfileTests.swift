import Foundation
import GraphCompiler
import Target
import Testing

/// Profiles, traces and ceilings of compiled graphs.
@Suite struct ProfileTests {
    private func executor(threads: Int = 2) throws -> Executor {
        let graph = try GraphBuilder.build("mlp") { g in
            let x = g.input("x", .f32, ["rows", 32])
            g.output("y", x.matmul(g.parameter("w", [32, 64])).tanh().sum(axes: [1]))
        }
        return try Compiler(CompilerOptions(threads: threads, cache: .off)).compile(
            graph, parameters: ParameterStore())
    }

    private func inputs(rows: Int) throws -> [String: TensorData] {
        ["x": try TensorData([Float](repeating: 1, count: rows * 32), shape: [rows, 32])]
    }

    @Test func usesAddUpToTheProgramsCosts() throws {
        let executor = try executor()
        executor.profiles = true
        for rows in [100, 700, 100] { _ = try executor.run(inputs(rows: rows)) }
        var expected = Traffic()
        for rows in [100, 700, 100] { expected = expected + executor.program.traffic(["rows": rows]) }
        let all = executor.profile.values.reduce(KernelUse()) { $0 + $1 }
        #expect(all.calls == 3 * executor.program.launches.flatMap(\.kernel.phases).count)
        #expect(all.work.byteCount == expected.byteCount)
        #expect(all.work.contractionFlops == 900 * 2 * 32 * 64)
        #expect(all.seconds > 0)
    }

    @Test(arguments: [1, 2])
    func traceHoldsEveryLaunchInOrder(threads: Int) throws {
        let executor = try executor(threads: threads)
        let trace = RunTrace(workers: threads)
        executor.trace = trace
        for _ in 0..<3 { _ = try executor.run(inputs(rows: 4096)) }
        #expect(trace.runs.map(\.name) == ["run 1", "run 2", "run 3"])
        let names = executor.program.launches.flatMap { launch in
            launch.kernel.phases.map { launch.kernel.name + $0.suffix }
        }
        let all = (0..<threads).flatMap(trace.events(of:))
        #expect(Set(all.map(\.name)) == Set(names))
        // Each launch has an event on one track at least, each track one of a launch at most.
        #expect((3 * names.count...3 * names.count * threads).contains(all.count))
        for worker in 0..<threads {
            let events = trace.events(of: worker)
            for (one, next) in zip(events, events.dropFirst()) { #expect(one.end <= next.begin) }
            for event in events {
                #expect(trace.runs.contains { $0.begin <= event.begin && event.end <= $0.end })
            }
        }
    }

    @Test func aFullTraceTakesNoMoreRuns() throws {
        let executor = try executor(threads: 1)
        let trace = RunTrace(workers: 1, limit: 1)
        executor.trace = trace
        for _ in 0..<3 { _ = try executor.run(inputs(rows: 8)) }
        #expect(trace.runs.count == 1)
    }

    @Test func ceilingsAreKeptAndFoundAgain() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "bertc-tests-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let compiler = try Compiler(
            CompilerOptions(instructionSet: "avx2", threads: 2, cache: .directory(directory)))
        let ceilings = try compiler.ceilings()
        for ceiling in Ceiling.allCases {
            let rate = ceilings[ceiling]
            #expect((rate == nil) == [.dot, .tiles].contains(ceiling), "\(ceiling)")
            if let rate { #expect(rate.oneCore > 1e8 && rate.allCores > 1e8, "\(ceiling)") }
        }
        #expect(try compiler.ceilings() == ceilings)
        let file = try #require(
            FileManager.default.contentsOfDirectory(atPath: directory.path).first {
                $0.hasPrefix("roofline-")
            })
        try Data("{".utf8).write(to: directory.appendingPathComponent(file))
        #expect(try compiler.ceilings().machine == ceilings.machine, "a damaged file is measured anew")
    }

    /// What was measured changes what is predicted, and nothing else: a graph becomes the same kernels whatever the
    /// machine reaches.
    @Test func measuredRatesPredictAndDecideNothing() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "bertc-tests-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let target = Target.avx2
        func compiler() throws -> Compiler {
            try Compiler(
                CompilerOptions(instructionSet: target.name, threads: 2, cache: .directory(directory)))
        }
        /// The kernels of LayerNorm and GELU before a product, and the time that they should take.
        func compiled() throws -> (kernels: String, report: CompilationReport) {
            let graph = try GraphBuilder.build("g") { g in
                let x = g.input("x", .f32, ["tokens", 64])
                let y = x.layerNorm(
                    gamma: g.parameter("g", [64]), beta: g.parameter("b", [64]), epsilon: 1e-5
                ).gelu()
                g.output("y", y.matmul(g.parameter("w", [64, 64])) + y)
            }
            let compiler = try compiler()
            let passes = try compiler.runPasses(graph)
            let program = try compiler.lower(try #require(passes.last).graph)
            return (
                program.description,
                compiler.report(graph, passes: passes, program: program, symbols: ["tokens": 100])
            )
        }
        let nominal = try compiled()
        let before = try compiler().costModel([:])
        #expect(before.rates == target.rates)
        let machine = try compiler().machineName
        /// A memory that takes a second for each byte.
        let rates = Dictionary(
            uniqueKeysWithValues: Ceiling.allCases.map {
                ($0, Ceilings.Rate(oneCore: 1, allCores: $0.isArithmetic ? 4e11 : 1))
            })
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        CeilingCache(directory: directory).keep(Ceilings(machine: machine, rates: rates))
        let measured = try compiled()
        #expect(measured.kernels == nominal.kernels)
        let bytes = Double(measured.report.traffic.byteCount)
        #expect(abs(measured.report.seconds - bytes) < 1e-6 * bytes)
        #expect(measured.report.seconds > nominal.report.seconds * 1e6)
    }

    /// A product is bound by arithmetic, a copy by memory.
    @Test func theNearerCeilingBounds() throws {
        let ceilings = try Compiler(CompilerOptions(threads: 1, cache: .off)).ceilings()
        var product = KernelUse.Work()
        product.contractionFlops = 1_000_000_000
        product.byteCount = 1000
        #expect(ceilings.bound(on: product).isArithmetic)
        #expect(ceilings.bound(on: product).seconds == 1e9 / ceilings.flopsPerSecond)
        var copy = KernelUse.Work()
        copy.byteCount = 1_000_000
        #expect(!ceilings.bound(on: copy).isArithmetic)
    }
}
