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
    private let session: JITSession
    private let emitter: KernelEmitter
    private let functions = Mutex<[String: KernelFunction]>([:])

    /// - Parameters:
    ///   - f32Terms: see `Machine.f32Terms`.
    ///   - usesLibraryMatmul: whether OpenBLAS, which must be installed then, multiplies matrices.
    init(cpu: TargetCPU, f32Terms: Int = 1, usesLibraryMatmul: Bool, cache: ObjectCache) throws {
        self.cpu = cpu
        self.cache = cache
        openBLAS = usesLibraryMatmul ? try OpenBLAS.library() : nil
        machine = Machine(cpu.target, f32Terms: f32Terms, usesLibraryMatmul: usesLibraryMatmul)
        emitter = KernelEmitter(machine: machine)
        session = try JITSession()
    }

    /// The instruction set that kernels use, e.g. `avx512`.
    var instructionSet: String { cpu.target.name }

    /// Processor, instruction set and so many threads, for people.
    func machineName(threads: Int) -> String { CeilingCache.machine(cpu, threads: threads) }

    /// The LLVM IR of a phase; `nil` for what the host does.
    func ir(_ phase: Phase, symbols: [String]) -> String? { emitter.emit(phase, symbols: symbols)?.ir }

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
                uniqueKeysWithValues: zip(packings.map(\.key), packing.map { $0.compactMap(\.function) })))
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
        cache.pruneIfGrown()
        if let error = failure.withLock({ $0 }) { throw error }
        let all = functions.withLock { $0 }
        return zip(phases, texts).map { phase, text in
            if case .host(let call) = phase { return .host(function(of: call)) }
            guard let function = text.flatMap({ all[$0] }) else {
                preconditionFailure("no code for the phase \(phase)")
            }
            return .kernel(function)
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
