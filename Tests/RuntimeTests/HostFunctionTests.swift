import GraphIR
import KernelIR
import Lowering
import Runtime
import Synchronization
import Target
import Testing

/// An executor runs what it is handed: here no machine code at all, but a toy exchange that adds two buffers up in
/// order, as a collective among processes would.
@Suite struct HostFunctionTests {
    private struct PeerIsGone: Error {}

    /// `y = a + b`, each phase of which the host runs.
    private func executor(_ run: @escaping @Sendable (HostFunction.Call) throws -> Void) throws -> Executor {
        let graph = try GraphBuilder.build("sum") { g in
            g.output("y", g.input("a", .f32, ["n"]) + g.input("b", .f32, ["n"]))
        }
        let program = try Lowering.lower(graph, for: Machine(.avx2), keepsPanels: false)
        let code = ProgramCode(
            launches: program.launches.map { launch in
                launch.kernel.phases.map { _ in .host(HostFunction(run: run)) }
            })
        return try Executor(program, code, pool: WorkerPool(threads: 2), parameters: ParameterStore())
    }

    private func inputs(_ count: Int) throws -> [String: TensorData] {
        let a = (0..<count).map(Float.init)
        return [
            "a": try TensorData(a, shape: [count]), "b": try TensorData(a.map { 2 * $0 }, shape: [count]),
        ]
    }

    @Test func buffersAreSummedInOrder() throws {
        let calls = Mutex<[Int]>([])
        let executor = try executor { call in
            guard let n = call.symbols["n"] else { return }
            calls.withLock { $0.append(n) }
            #expect(call.threads == 2)
            let floats = (0..<3).compactMap { call.buffers[$0]?.assumingMemoryBound(to: Float.self) }
            for index in 0..<n { floats[2][index] = floats[0][index] + floats[1][index] }
        }
        executor.profiles = true
        for count in [5, 1000] {
            let y = try executor.run(inputs(count))["y"]
            #expect(try y?.floats == (0..<count).map { Float(3 * $0) })
        }
        #expect(calls.withLock { $0 } == [5, 1000])
        let use = executor.profile.values.reduce(KernelUse()) { $0 + $1 }
        #expect(use.calls == 2 && use.work.byteCount == 3 * 4 * 1005, "profiled as kernels are")
    }

    @Test func whatItThrowsEndsTheRun() throws {
        let executor = try executor { _ in throw PeerIsGone() }
        #expect(throws: PeerIsGone.self) { try executor.run(inputs(3)) }
    }
}
