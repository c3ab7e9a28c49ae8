import Codegen
import Foundation
import GraphIR
import KernelIR
import LLVMBridge
import Synchronization

/// Compiles kernels, each different phase once, and keeps the machine code.
public final class KernelLibrary: Sendable {
    package let cpu: TargetCPU
    public let machine: Machine
    /// What multiplies matrices in place of generated kernels, if anything does.
    let openBLAS: OpenBLAS?
    private let cache: ObjectCache
    private let session: JITSession
    private let emitter: KernelEmitter
    private let functions = Mutex<[String: KernelFunction]>([:])

    /// - Parameters:
    ///   - f32Terms: see `Machine.f32Terms`.
    ///   - usesLibraryMatmul: whether OpenBLAS, which must be installed then, multiplies matrices.
    package init(cpu: TargetCPU, f32Terms: Int = 1, usesLibraryMatmul: Bool, cache: ObjectCache) throws {
        self.cpu = cpu
        self.cache = cache
        openBLAS = usesLibraryMatmul ? try OpenBLAS.library() : nil
        machine = Machine(
            cpu.instructionSet, f32Terms: f32Terms, caches: HostCaches.sizes,
            usesLibraryMatmul: usesLibraryMatmul)
        emitter = KernelEmitter(machine: machine)
        session = try JITSession()
    }

    /// The instruction set that kernels use, e.g. `avx512`.
    public var instructionSet: String { cpu.instructionSet.rawValue }

    /// Processor, instruction set and so many threads, for people.
    package func machineName(threads: Int) -> String { CeilingCache.machine(cpu, threads: threads) }

    /// The LLVM IR of a phase; `nil` for library calls.
    package func ir(_ phase: Phase, symbols: [String]) -> String? {
        emitter.emit(phase, symbols: symbols)?.ir
    }

    /// The machine code of a phase as assembly text.
    package func assembly(_ phase: Phase, symbols: [String]) throws -> String? {
        try ir(phase, symbols: symbols).map { try KernelCompiler.assembly(ir: $0, for: cpu) }
    }

    /// What went wrong with the cache directory, once.
    public var cacheWarning: String? { cache.warning }

    /// What the machine reaches with the library's instruction set on the threads of `pool`: as measured before, or
    /// measured now, which takes about a second.
    ///
    /// - Parameter again: don't believe what was measured before.
    package func ceilings(on pool: WorkerPool, again: Bool) throws -> Ceilings {
        let known = CeilingCache(directory: cache.trustedDirectory)
        let machine = machineName(threads: pool.threads)
        if !again, let ceilings = known.ceilings(of: machine) { return ceilings }
        let ceilings = Ceilings(machine: machine, rates: try CeilingMeasurement(cpu, pool).rates())
        known.keep(ceilings)
        return ceilings
    }

    /// Code for each phase, in order, compiling what is new on the threads of `pool`: unlike Dispatch's, they exist
    /// already, and their stacks are as deep as the main one.
    func functions(for phases: [Phase], symbols: [String], on pool: WorkerPool) throws -> [KernelFunction?] {
        let texts = texts(of: phases, symbols: symbols, on: pool)
        let known = functions.withLock { $0 }
        let new = Array(Set(texts.compactMap { $0 }).filter { known[$0] == nil }).sorted()
        let failure = Mutex<(any Error)?>(nil)
        pool.run(tasks: new.count) { [self] _, tasks in
            for index in tasks {
                do {
                    let object = try cache.object(for: new[index], cpu: cpu).object
                    let function = try session.load(object, symbol: EmittedPhase.symbol)
                    functions.withLock { $0[new[index]] = function }
                } catch {
                    failure.withLock { $0 = $0 ?? error }
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        let all = functions.withLock { $0 }
        return texts.map { text in text.flatMap { all[$0] } }
    }

    /// The LLVM IR of each phase; equal phases are written once.
    private func texts(of phases: [Phase], symbols: [String], on pool: WorkerPool) -> [String?] {
        var places: [Phase: Int] = [:]
        var different: [Phase] = []
        let indices = phases.map { phase in
            if let place = places[phase] { return place }
            places[phase] = different.count
            different.append(phase)
            return different.count - 1
        }
        let written = Mutex([String?](repeating: nil, count: different.count))
        pool.run(tasks: different.count) { [self, different] _, tasks in
            for index in tasks {
                let text = emitter.emit(different[index], symbols: symbols)?.ir
                written.withLock { $0[index] = text }
            }
        }
        let texts = written.withLock { $0 }
        return indices.map { texts[$0] }
    }
}

extension Machine {
    /// What kernels for an instruction set can use.
    package init(
        _ set: InstructionSet, f32Terms: Int = 1, caches: CacheSizes = .usual, usesLibraryMatmul: Bool = false
    ) {
        let bf16: BF16Unit =
            switch set {
            case .avx2, .avx512: .widening
            case .avx512bf16: .dot
            case .amx: .tiles
            }
        self.init(
            lanes: set.f32Lanes, bf16: bf16, f32Terms: f32Terms, caches: caches,
            usesLibraryMatmul: usesLibraryMatmul)
    }
}
