import Codegen
import GraphIR
import KernelIR
import LLVMBridge
import Lowering
import Runtime
import Testing

/// How attention's work is cut into tasks, seen from what each task writes.
@Suite struct AttentionBalanceTests {
    private static let heads = 2
    private static let headSize = 16

    private func program(_ cpu: TargetCPU) throws -> Program {
        let graph = try GraphBuilder.build("attention") { g in
            let shape: [GraphIR.Dimension] = ["tokens", .fixed(Self.heads), .fixed(Self.headSize)]
            let tensors = ["dout", "q", "k", "v"].map { g.input($0, .f32, shape) }
            let segments = [
                g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                g.input("lengths", .i32, ["sequences"]),
            ]
            let attributes = AttentionAttributes(scale: 0.25)
            let forward = g.applyAll(.flashAttention(attributes), tensors[1...] + segments)
            let gradients = g.applyAll(.flashAttentionGradient(attributes), tensors + forward + segments)
            g.output("dk", gradients[1])
        }
        return try Lowering.lower(graph, for: Machine(cpu.target), keepsPanels: false)
    }

    /// One sequence of 2,000 tokens and thirty of 20: no task has more than a tenth of all pairs of rows, so that ten
    /// threads would have work.
    @Test func oneLongSequenceAmongShortOnes() throws {
        let cpu = try TargetCPU.host()
        let lengths = [2000] + Array(repeating: 20, count: 30)
        let offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        let tokens = offsets[offsets.count - 1]
        let symbols = ["tokens": tokens, "sequences": lengths.count]
        let program = try program(cpu)
        let pool = WorkerPool(threads: 1)
        func integers(_ values: [Int]) -> [Float] { values.map { Float(bitPattern: UInt32($0)) } }
        func rows(_ value: Float, _ width: Int) -> [Float] {
            Array(repeating: value, count: tokens * Self.heads * width)
        }
        for launch in program.launches {
            for case .attention(let kernel) in launch.kernel.phases {
                // What the tasks write, an element of which is looked at for each row and head.
                let (written, width): (Int, Int)
                switch kernel.step {
                case .forward(_, let lse): (written, width) = (lse, 1)
                case .gradient(_, _, _, _, let dk, _, _): (written, width) = (dk, Self.headSize)
                case .sumQueryGradients, .sumBiasGradients, .sumRelativeGradients: continue
                }
                let buffers = try launch.buffers.enumerated().map { index, buffer in
                    if case .workspace(let number) = buffer {
                        let byteCount = program.workspaces[number].value(symbols)
                        return try FloatBuffer(Array(repeating: 0, count: byteCount / 4))
                    }
                    switch index {
                    case kernel.offsets: return try FloatBuffer(integers(offsets))
                    case kernel.lengths: return try FloatBuffer(integers(lengths))
                    case written: return try FloatBuffer(rows(.nan, width))
                    default: return try FloatBuffer(rows(0, Self.headSize))
                    }
                }
                let phase = try CompiledPhase(.attention(kernel), symbols: ["tokens", "sequences"], cpu: cpu)
                var seen = Array(repeating: false, count: tokens * Self.heads)
                var work: [Int] = []
                for task in 0..<phase.phase.taskCount(symbols) {
                    try phase.run(buffers, symbols, on: pool, task: task)
                    let values = buffers[written].values
                    var pairs = 0
                    for row in seen.indices where !seen[row] && !values[row * width].isNaN {
                        seen[row] = true
                        let token = row / Self.heads
                        pairs += lengths[(offsets.firstIndex { $0 > token } ?? 1) - 1]
                    }
                    work.append(pairs)
                }
                #expect(seen.allSatisfy { $0 })
                #expect((work.max() ?? 0) * 10 <= work.reduce(0, +), "\(kernel.step)")
            }
        }
    }
}
