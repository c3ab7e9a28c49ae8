import Codegen
import GraphIR
import KernelIR
import LLVMBridge
import Runtime
import Synchronization
import Target
import Testing

/// One phase as machine code, run on buffers outside an executor.
struct CompiledPhase {
    private struct Code: Hashable {
        let ir: String
        let cpu: TargetCPU
    }
    /// Shapes share code as long as they differ in symbols only.
    private static let compiled = Mutex<[Code: KernelFunction]>([:])

    let phase: Phase
    private let symbols: [String]
    private let function: KernelFunction
    private let order: [Int]

    init(_ phase: Phase, symbols: [String], cpu: TargetCPU) throws {
        let machine = Machine(cpu.target)
        let emitter = KernelEmitter(machine: machine)
        let emitted = try #require(emitter.emit(phase, symbols: symbols))
        let ir = emitter.ir(emitted.code)
        order = emitted.buffers
        let code = Code(ir: ir, cpu: cpu)
        if let known = Self.compiled.withLock({ $0[code] }) {
            function = known
        } else {
            let object = try KernelCompiler.compile(ir: ir, for: cpu)
            let function = try JITSession().load(object, symbol: EmittedPhase.symbol)
            Self.compiled.withLock { $0[code] = function }
            self.function = function
        }
        self.phase = phase
        self.symbols = symbols
    }

    /// - Parameter task: the only task to run; all when `nil`.
    func run(
        _ buffers: [FloatBuffer], _ values: [String: Int], on pool: WorkerPool, task: Int? = nil
    ) throws {
        let pointers = order.map { Optional(buffers[$0].memory.start) }
        let dims = symbols.map { Int64(values[$0] ?? 0) } + [0]
        let bytes = phase.scratchByteCount(values)
        let scratch = try (0..<pool.threads).map { _ in try AlignedMemory(byteCount: bytes) }
        pointers.withUnsafeBufferPointer { pointers in
            dims.withUnsafeBufferPointer { dims in
                let first = task ?? 0
                pool.run(tasks: task == nil ? phase.taskCount(values) : 1) { worker, tasks in
                    function(
                        buffers: pointers.baseAddress!, dims: dims.baseAddress!,
                        tasks: first + tasks.lowerBound..<first + tasks.upperBound,
                        scratch: scratch[worker].start)
                }
            }
        }
    }
}

/// Floats with a guard behind them that nobody may write.
final class FloatBuffer {
    let memory: AlignedMemory
    private let count: Int
    private static let guarded = 64
    private static let mark: Float = 12_345

    init(_ values: [Float]) throws {
        count = values.count
        memory = try AlignedMemory(byteCount: (count + Self.guarded) * 4)
        for (index, value) in values.enumerated() { floats[index] = value }
        for index in count..<(count + Self.guarded) { floats[index] = Self.mark }
    }

    private var floats: UnsafeMutablePointer<Float> { memory.start.assumingMemoryBound(to: Float.self) }

    var values: [Float] { (0..<count).map { floats[$0] } }
    var guardHolds: Bool { (count..<(count + Self.guarded)).allSatisfy { floats[$0] == Self.mark } }
}

/// Runs phases one behind the other on 1, 2 and 3 threads: the same bits, and close to what is expected.
struct PhaseCheck {
    let phases: [Phase]
    let cpu: TargetCPU
    var symbols: [String: Int] = [:]
    /// What each buffer holds before.
    let buffers: [[Float]]
    /// What some hold after.
    let expected: [Int: [Double]]
    /// Largest difference relative to max(1, |expected|).
    var tolerance = 2e-5

    func check(_ label: String = "", sourceLocation: SourceLocation = #_sourceLocation) throws {
        let names = symbols.keys.sorted()
        let compiled = try phases.map { try CompiledPhase($0, symbols: names, cpu: cpu) }
        var first: [[Float]]?
        for threads in 1...3 {
            let pool = WorkerPool(threads: threads)
            let memory = try buffers.map(FloatBuffer.init)
            for phase in compiled { try phase.run(memory, symbols, on: pool) }
            let inside = memory.allSatisfy(\.guardHolds)
            #expect(inside, "\(label): written beyond a buffer", sourceLocation: sourceLocation)
            let after = memory.map(\.values)
            if let first {
                let same = zip(first, after).allSatisfy { $0.map(\.bitPattern) == $1.map(\.bitPattern) }
                #expect(same, "\(label): \(threads) threads", sourceLocation: sourceLocation)
            } else {
                first = after
            }
        }
        for (buffer, values) in expected.sorted(by: { $0.key < $1.key }) {
            let actual = first?[buffer] ?? []
            #expect(actual.count == values.count, "\(label) b\(buffer)", sourceLocation: sourceLocation)
            let wrong = zip(actual, values).enumerated().first { _, pair in
                !(abs(Double(pair.0) - pair.1) <= tolerance * max(1, abs(pair.1)))
            }
            if let (index, pair) = wrong {
                let what = "b\(buffer)[\(index)] is \(pair.0), not \(pair.1)"
                Issue.record("\(label): \(what)", sourceLocation: sourceLocation)
            }
        }
    }
}
