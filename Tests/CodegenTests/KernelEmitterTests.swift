import KernelIR
import Target
import Testing

@testable import Codegen

/// What kernels share.
@Suite struct KernelEmitterTests {
    private func pack(from source: Int, to panels: Int, k: Int = 40) -> Phase {
        let tile = Machine(.avx2).denseTile(.f32)
        let matrix = MatrixAccess(buffer: source, rowStride: .fixed(70), columnStride: .one)
        return .pack(
            PackPanels(source: .matrix(matrix, .f32), k: .fixed(k), n: .fixed(70), tile: tile, panels: panels)
        )
    }

    /// Phases that differ in the numbers of their buffers only are one piece of code.
    @Test func codeDoesNotDependOnBufferNumbers() throws {
        let emitter = KernelEmitter(machine: Machine(.avx2))
        let phases = try [pack(from: 0, to: 1), pack(from: 7, to: 3), pack(from: 7, to: 3, k: 41)].map {
            try #require(emitter.emit($0, symbols: []))
        }
        #expect(phases[0].code == phases[1].code && phases[0].code != phases[2].code)
        #expect(Set(phases[0].buffers) == [0, 1])
        #expect(phases[1].buffers == phases[0].buffers.map { [7, 3][$0] })
    }

    /// What is called stands in modules of its own, which the kernel declares, and in one module for people.
    @Test(arguments: [(Target.avx2, "tile.f32.n.n.n.masked.4"), (.amx, "amx.1.masked")])
    func helpersAreModulesOfTheirOwn(set: Target, function: String) throws {
        let machine = Machine(set)
        let tile = machine.denseTile(set.name == "amx" ? .bf16 : .f32)
        let helper = KernelHelper(
            unit: tile.runsOnTiles
                ? .tiles(TileKernel(masksColumns: true))
                : .vectors(
                    MicroKernel(
                        tile: tile, leftRowStride: nil, leftDepthStride: nil, targetStride: nil,
                        targetElement: .f32, masksColumns: true)))
        let emitter = KernelEmitter(machine: machine)
        #expect(helper.symbols.contains(function))
        for symbol in helper.symbols {
            #expect(
                emitter.ir(helper).contains("\ndefine void @\(symbol)(")
                    || emitter.ir(helper).hasPrefix("define void @\(symbol)("))
        }
        var w = FunctionWriter(symbols: [], target: set)
        w.call(function, [I64(1), Pointer.null])
        w.call("llvm.x86.tilerelease", [])
        #expect(w.declarations == "declare void @\(function)(i64, ptr)\n")
        let code = EmittedPhase.Code(
            kernel: "define void @kernel() {}", declarations: w.declarations, helpers: [helper])
        #expect(code.ir == w.declarations + "define void @kernel() {}")
        #expect(emitter.ir(code) == emitter.ir(helper) + "\ndefine void @kernel() {}")
    }
}
