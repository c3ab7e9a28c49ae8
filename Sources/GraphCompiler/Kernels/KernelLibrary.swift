import Codegen
import Foundation
import GraphIR
import KernelIR
import LLVMBridge
import Roofline
import Runtime
import Synchronization
import Target

/// Compiles kernels, each different phase once, and keeps the machine code.
final class KernelLibrary: Sendable {
    let cpu: TargetCPU
    let machine: Machine
    /// What multiplies matrices in place of generated kernels, if anything does.
    let openBLAS: OpenBLAS?
    private let cache: ObjectCache
    private let emitter: KernelEmitter
    private let loader: CodeLoader

    /// - Parameters:
    ///   - f32Terms: see `Machine.f32Terms`.
    ///   - usesLibraryMatmul: whether OpenBLAS, which must be installed then, multiplies matrices.
    init(cpu: TargetCPU, f32Terms: Int = 1, usesLibraryMatmul: Bool, cache: ObjectCache) throws {
        self.cpu = cpu
        self.cache = cache
        openBLAS = usesLibraryMatmul ? try OpenBLAS.library() : nil
        machine = Machine(cpu.target, f32Terms: f32Terms, usesLibraryMatmul: usesLibraryMatmul)
        emitter = KernelEmitter(machine: machine)
        loader = CodeLoader(emitter, cpu: cpu, cache: cache, session: try JITSession())
    }

    /// The instruction set that kernels use, e.g. `avx512`.
    var instructionSet: String { cpu.target.name }

    /// Processor, instruction set and so many threads, for people.
    func machineName(threads: Int) -> String { CeilingCache.machine(cpu, threads: threads) }

    /// The LLVM IR of a phase; `nil` for what the host does.
    func ir(_ phase: Phase, symbols: [String]) -> String? {
        emitter.emit(phase, symbols: symbols).map { emitter.ir($0.code) }
    }

    /// The machine code of a phase as assembly text.
    func assembly(_ phase: Phase, symbols: [String]) throws -> String? {
        try ir(phase, symbols: symbols).map { try KernelCompiler.assembly(ir: $0, for: cpu) }
    }

    /// What went wrong with the cache directory, once.
    var cacheWarning: String? { cache.warning }

    /// What was measured before on so many threads, if anything was.
    func knownCeilings(threads: Int) -> Ceilings? {
        CeilingCache(directory: cache.trustedDirectory(making: false))
            .ceilings(of: machineName(threads: threads))
    }

    /// What the machine reaches with the library's instruction set on the threads of `pool`: as measured before, or
    /// measured now, which takes about a second.
    ///
    /// - Parameter again: don't believe what was measured before.
    func ceilings(on pool: WorkerPool, again: Bool) throws -> Ceilings {
        if !again, let known = knownCeilings(threads: pool.threads) { return known }
        let machine = machineName(threads: pool.threads)
        let ceilings = Ceilings(machine: machine, rates: try CeilingMeasurement(cpu, pool).rates())
        CeilingCache(directory: cache.trustedDirectory(making: true)).keep(ceilings)
        return ceilings
    }

    /// Code for the launches of a program that are run, and for those that pack its parameters.
    func code(for program: Program, on pool: WorkerPool) throws -> ProgramCode {
        let running = program.launches.map { program.runs($0) ? $0.kernel.phases : [] }
        let launches = try code(for: running, symbols: program.graph.symbols, on: pool)
        let packings = Array(program.packings)
        let packing = try code(for: packings.map(\.value.kernel.phases), symbols: [], on: pool)
        return ProgramCode(
            launches: launches,
            packings: Dictionary(
                uniqueKeysWithValues: zip(packings.map(\.key), packing.map { $0.compactMap(\.kernel) })))
    }

    /// Code for each phase of some kernels, all compiled together.
    private func code(for kernels: [[Phase]], symbols: [String], on pool: WorkerPool) throws -> [[PhaseCode]]
    {
        var code = try code(for: kernels.flatMap { $0 }, symbols: symbols, on: pool)[...]
        return kernels.map { phases in
            defer { code = code.dropFirst(phases.count) }
            return Array(code.prefix(phases.count))
        }
    }

    /// Code for each phase, in order, compiling what is new on the threads of `pool`: unlike Dispatch's, they exist
    /// already, and their stacks are as deep as the main one.
    private func code(for phases: [Phase], symbols: [String], on pool: WorkerPool) throws -> [PhaseCode] {
        let emitted = emit(phases, symbols: symbols, on: pool)
        defer { cache.pruneIfGrown() }
        let functions = try loader.functions(of: Set(emitted.compactMap { $0?.code }), on: pool)
        return zip(phases, emitted).map { phase, emitted in
            if case .host(let call) = phase { return .host(function(of: call)) }
            guard let emitted, let function = functions[emitted.code] else {
                preconditionFailure("no code for the phase \(phase)")
            }
            return .kernel(KernelCode(function: function, buffers: emitted.buffers))
        }
    }

    /// What does a host's phase.
    private func function(of call: HostCall) -> HostFunction {
        switch call {
        case .matmul(let product):
            guard let openBLAS else {
                preconditionFailure("a library product, but the machine has no library")
            }
            return product.function(openBLAS)
        }
    }

    /// The LLVM IR of each phase; equal phases are written once.
    private func emit(_ phases: [Phase], symbols: [String], on pool: WorkerPool) -> [EmittedPhase?] {
        var places: [Phase: Int] = [:]
        var different: [Phase] = []
        let indices = phases.map { phase in
            if let place = places[phase] { return place }
            places[phase] = different.count
            different.append(phase)
            return different.count - 1
        }
        let written = Mutex([EmittedPhase?](repeating: nil, count: different.count))
        pool.run(tasks: different.count) { [self, different] _, tasks in
            for index in tasks {
                let phase = emitter.emit(different[index], symbols: symbols)
                written.withLock { $0[index] = phase }
            }
        }
        let emitted = written.withLock { $0 }
        return indices.map { emitted[$0] }
    }
}
