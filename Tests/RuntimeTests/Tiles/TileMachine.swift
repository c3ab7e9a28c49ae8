import LLVMBridge
import Target
import TileEmulator

/// Where tests run tile instructions: on the processor's own, or emulated.
enum TileMachine {
    /// The processor to compile for; `nil` when this one lacks even AVX-512 with bf16, which tile code uses
    /// too.
    static let cpu: TargetCPU? = {
        guard let host = Target.host, host.runs(.avx512bf16) else { return nil }
        if isEmulated { tile_emulator_install() }
        return .assuming(.amx)
    }()

    static var isHere: Bool { cpu != nil }
    /// Whether what the processor would refuse is told by the emulator.
    static var isEmulated: Bool { Target.host?.runs(.amx) != true }

    /// Whether sums are those that the manual's arithmetic gives: bit by bit in the emulator, closely on a
    /// processor.
    static func agree(_ actual: [Float], _ expected: [Float]) -> Bool {
        actual.count == expected.count
            && zip(actual, expected).allSatisfy { actual, expected in
                actual.bitPattern == expected.bitPattern
                    || !isEmulated && abs(actual - expected) <= 1e-5 * max(1, abs(expected))
            }
    }

    /// The intrinsics that name tile registers by number.
    static let declarations = """
        declare void @llvm.x86.ldtilecfg(ptr)
        declare void @llvm.x86.sttilecfg(ptr)
        declare void @llvm.x86.tilerelease()
        declare void @llvm.x86.tilezero(i8 immarg)
        declare void @llvm.x86.tileloadd64(i8 immarg, ptr, i64)
        declare void @llvm.x86.tileloaddt164(i8 immarg, ptr, i64)
        declare void @llvm.x86.tilestored64(i8 immarg, ptr, i64)
        declare void @llvm.x86.tdpbf16ps(i8 immarg, i8 immarg, i8 immarg)
        """

    /// Compiles the body of a kernel in which `%b0`, `%b1`, ... are the first `buffers` buffers.
    static func kernel(buffers: Int, _ body: String) throws -> KernelFunction {
        guard let cpu else { throw Absent() }
        let pointers = (0..<buffers).map {
            "  %s\($0) = getelementptr ptr, ptr %buffers, i64 \($0)\n  %b\($0) = load ptr, ptr %s\($0)\n"
        }
        let head = "define void @kernel(ptr %buffers, ptr %dims, i64 %task0, i64 %task1, ptr %scratch)"
        // Of a schedule that leaves tiles their numbers; see `TileBlock`.
        let ir =
            "\(declarations)\n\(head) \"tune-cpu\"=\"sapphirerapids\" {\n\(pointers.joined())\(body)\n  ret void\n}\n"
        return try JITSession().load(KernelCompiler.compile(ir: ir, for: cpu), symbol: "kernel")
    }

    /// Assembles a kernel from instructions in AT&T's notation; `%rdi` holds the buffers. A label of its own
    /// may follow the last `ret`.
    static func kernel(assembly lines: [String]) throws -> KernelFunction {
        guard let cpu else { throw Absent() }
        let all = [".text", ".globl kernel", ".type kernel, @function", "kernel:"] + lines
        let ir = all.map { "module asm \"\($0)\"\n" }.joined()
        return try JITSession().load(KernelCompiler.compile(ir: ir, for: cpu), symbol: "kernel")
    }

    struct Absent: Error {}
}

extension KernelFunction {
    /// Runs one task on the bytes of `buffers`.
    func run(_ buffers: inout [[UInt8]]) {
        let starts = buffers.map { bytes in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 64)
            copy.copyBytes(from: bytes)
            return copy
        }
        self(buffers: starts.map(\.baseAddress), dims: [0], tasks: 0..<1)
        for (index, copy) in starts.enumerated() {
            buffers[index] = [UInt8](copy.prefix(buffers[index].count))
            copy.deallocate()
        }
    }
}

/// Rows and bytes of a row of the eight tiles, as LDTILECFG reads them.
struct TileConfiguration: Codable {
    var palette: UInt8 = 1
    var rows = [UInt8](repeating: 16, count: 8)
    var rowBytes = [UInt16](repeating: 64, count: 8)

    var bytes: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        bytes[0] = palette
        for tile in 0..<8 {
            bytes[16 + 2 * tile] = UInt8(truncatingIfNeeded: rowBytes[tile])
            bytes[17 + 2 * tile] = UInt8(rowBytes[tile] >> 8)
            bytes[48 + tile] = rows[tile]
        }
        return bytes
    }
}
