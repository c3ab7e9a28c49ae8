import Foundation
import LLVMBridge
import Runtime
import Target

/// Measures a machine's ceilings with generated loops: each the best of some runs, on one core and on all.
package struct CeilingMeasurement {
    private let cpu: TargetCPU
    private let pool: WorkerPool
    private let kernels: CeilingKernels
    private let session: JITSession
    private let scratch: [AlignedMemory]
    /// Larger than the caches; the loops of memory run over them.
    private let arrays: [AlignedMemory]

    private static let runs = 5
    /// About what one run takes; long beside the waking of a worker.
    private static let secondsPerRun = 0.012

    package init(_ cpu: TargetCPU, _ pool: WorkerPool) throws {
        self.cpu = cpu
        self.pool = pool
        kernels = CeilingKernels(target: cpu.target)
        session = try JITSession()
        // A worker reads at most its share of the level-3 cache.
        let caches = cpu.target.caches
        let size = max(
            CeilingKernels.scratchByteCount, 2 * caches.level2, Self.level3Share(caches, pool.threads))
        scratch = try (0..<pool.threads).map { _ in try AlignedMemory(byteCount: size) }
        let array = min(max(2 * caches.level3, 64 << 20), 128 << 20)
        arrays = try (0..<3).map { _ in try AlignedMemory(byteCount: array) }
        for memory in scratch + arrays { memory.touch(memory.byteCount, on: pool) }
    }

    /// What each of `threads` workers reads from the level-3 cache: more than a level-2 cache, and together half.
    private static func level3Share(_ caches: CacheSizes, _ threads: Int) -> Int {
        max(2 * caches.level2, min(8 * caches.level2, caches.level3 / 2 / threads)) / (1 << 14) * (1 << 14)
    }

    package func rates() throws -> [Ceiling: Ceilings.Rate] {
        var rates: [Ceiling: Ceilings.Rate] = [:]
        try pool.session {
            for ceiling in Ceiling.allCases { rates[ceiling] = try rate(ceiling) }
        }
        return rates
    }

    private func rate(_ ceiling: Ceiling) throws -> Ceilings.Rate? {
        let unit = cpu.target.units.bf16
        switch ceiling {
        case .fma: return try multiply(kernels.fma, lanes: kernels.lanes)
        case .dot:
            return unit.multipliesPairs ? try multiply(kernels.dot, lanes: 2 * kernels.lanes) : nil
        case .tiles: return unit == .tiles ? try tiles() : nil
        case .triad: return try stream(kernels.triad(isStreaming: false), bytesPerByte: 3)
        case .streamingTriad: return try stream(kernels.triad(isStreaming: true), bytesPerByte: 3)
        case .memoryRead: return try stream(kernels.read, bytesPerByte: 1)
        case .level3Read: return try readAgain(Self.level3Share(cpu.target.caches, pool.threads))
        case .level2Read: return try readAgain(cpu.target.caches.level2 / 2)
        }
    }

    private func multiply(_ ir: String, lanes: Int) throws -> Ceilings.Rate {
        try rate(of: ir, workPerRound: Double(2 * lanes * CeilingKernels.sums))
    }

    private func tiles() throws -> Ceilings.Rate {
        let loop = kernels.tiles
        var buffer = loop.buffer
        return try buffer.withUnsafeMutableBytes { bytes in
            try rate(
                of: loop.ir, buffers: [bytes.baseAddress], workPerRound: Double(2 * loop.products))
        }
    }

    /// A loop whose rounds are dims[0]: one task a core, with as many rounds as a run should take.
    private func rate(
        of ir: String, buffers: [UnsafeMutableRawPointer?] = [nil], workPerRound: Double
    ) throws -> Ceilings.Rate {
        let kernel = try load(ir)
        func seconds(_ tasks: Int, _ rounds: Int) -> Double {
            run(kernel, buffers, dims: [Int64(rounds)], tasks: tasks)
        }
        return calibrated { tasks, rounds in (seconds(tasks, rounds), Double(tasks * rounds) * workPerRound) }
    }

    private func readAgain(_ byteCount: Int) throws -> Ceilings.Rate {
        let kernel = try load(kernels.readAgain)
        return calibrated { tasks, rounds in
            let seconds = run(kernel, [nil], dims: [Int64(byteCount), Int64(rounds)], tasks: tasks)
            return (seconds, Double(tasks * rounds * byteCount))
        }
    }

    /// - Parameter run: gives the seconds and the work of so many rounds in so many tasks.
    private func calibrated(_ run: (_ tasks: Int, _ rounds: Int) -> (Double, Double)) -> Ceilings.Rate {
        /// The least of three: one that was interrupted would make all runs too short.
        func leastSeconds(_ rounds: Int) -> Double { (0..<3).map { _ in run(1, rounds).0 }.min() ?? 0 }
        var rounds = 1
        var seconds = leastSeconds(rounds)
        while seconds < Self.secondsPerRun / 8 {
            rounds *= 4
            seconds = leastSeconds(rounds)
        }
        rounds = max(1, Int(Double(rounds) * Self.secondsPerRun / seconds))
        func best(_ tasks: Int) -> Double {
            (0..<Self.runs).map { _ in run(tasks, rounds) }.map { $0.1 / $0.0 }.max() ?? 0
        }
        return Ceilings.Rate(oneCore: best(1), allCores: best(pool.threads))
    }

    private func stream(_ ir: String, bytesPerByte: Int) throws -> Ceilings.Rate {
        let kernel = try load(ir)
        let size = arrays[0].byteCount
        func best(_ pieces: Int) -> Double {
            (0..<Self.runs).map { _ in
                let dims = [Int64(size / pieces)]
                return Double(size * bytesPerByte)
                    / run(kernel, arrays.map(\.start), dims: dims, tasks: pieces)
            }.max() ?? 0
        }
        return Ceilings.Rate(oneCore: best(1), allCores: pool.threads == 1 ? best(1) : best(64))
    }

    private func load(_ ir: String) throws -> KernelFunction {
        try session.load(try KernelCompiler.compile(ir: ir, for: cpu), symbol: CeilingKernels.symbol)
    }

    /// Seconds that one run of the pool takes.
    private func run(
        _ kernel: KernelFunction, _ buffers: [UnsafeMutableRawPointer?], dims: [Int64], tasks: Int
    ) -> Double {
        let begin = RunTrace.now
        buffers.withUnsafeBufferPointer { buffers in
            dims.withUnsafeBufferPointer { dims in
                guard let base = buffers.baseAddress, let extents = dims.baseAddress else { return }
                pool.run(tasks: tasks) { worker, range in
                    kernel(buffers: base, dims: extents, tasks: range, scratch: scratch[worker].start)
                }
            }
        }
        return Double(max(1, RunTrace.now - begin)) * 1e-9
    }
}
