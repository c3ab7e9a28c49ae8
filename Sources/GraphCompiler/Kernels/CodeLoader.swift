import Codegen
import LLVMBridge
import Runtime
import Synchronization
import Target

/// Machine code of kernels in this process: compiled, or from the cache, and linked once. The functions that kernels call
/// are objects of their own, shared by all kernels that call them.
final class CodeLoader: Sendable {
    private let emitter: KernelEmitter
    private let cpu: TargetCPU
    private let cache: ObjectCache
    private let session: JITSession

    /// What is loaded.
    private struct Loaded {
        /// The addresses of the functions of each helper.
        var helpers: [KernelHelper: [String: UInt]] = [:]
        var kernels: [EmittedPhase.Code: KernelFunction] = [:]
        /// Kernels that were compiled before what they call.
        var waiting: [(code: EmittedPhase.Code, object: ObjectCode)] = []
    }
    private let loaded = Mutex(Loaded())

    /// An object that has to be made.
    private enum Job {
        case helper(KernelHelper, ir: String)
        case kernel(EmittedPhase.Code)

        var ir: String {
            switch self {
            case .helper(_, let ir): ir
            case .kernel(let code): code.ir
            }
        }
    }

    init(_ emitter: KernelEmitter, cpu: TargetCPU, cache: ObjectCache, session: JITSession) {
        self.emitter = emitter
        self.cpu = cpu
        self.cache = cache
        self.session = session
    }

    /// The functions of some kernels; what is new is made on the threads of `pool`.
    func functions(
        of kernels: Set<EmittedPhase.Code>, on pool: WorkerPool
    ) throws -> [EmittedPhase.Code: KernelFunction] {
        let jobs = jobs(for: kernels)
        let next = Mutex(0)
        let failure = Mutex<(any Error)?>(nil)
        // One by one, since some take a hundred times as long as others.
        pool.run(tasks: min(pool.threads, jobs.count)) { [self] _, tasks in
            for _ in tasks {
                while let index = next.withLock({ next in
                    defer { next += 1 }
                    return next < jobs.count ? next : nil
                }) {
                    do {
                        try perform(jobs[index])
                    } catch {
                        failure.withLock { $0 = $0 ?? error }
                    }
                }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        for kernel in loaded.withLock({ loaded in
            defer { loaded.waiting = [] }
            return loaded.waiting
        }) {
            guard try link(kernel.object, of: kernel.code) else {
                preconditionFailure("a kernel's helpers were not loaded")
            }
        }
        return loaded.withLock { $0.kernels }
    }

    /// What is missing: helpers first, for kernels wait for them, and of each kind the longest first.
    private func jobs(for kernels: Set<EmittedPhase.Code>) -> [Job] {
        let (known, linked) = loaded.withLock { ($0.helpers, $0.kernels) }
        let new = kernels.filter { linked[$0] == nil }
        let helpers = Set(new.flatMap(\.helpers)).filter { known[$0] == nil }
        func sorted(_ jobs: [Job]) -> [Job] {
            jobs.map { ($0, $0.ir) }
                .sorted { ($1.1.utf8.count, $0.1) < ($0.1.utf8.count, $1.1) }.map(\.0)
        }
        return sorted(helpers.map { .helper($0, ir: emitter.ir($0)) }) + sorted(new.map { .kernel($0) })
    }

    private func perform(_ job: Job) throws {
        let object = try cache.object(for: job.ir, cpu: cpu).object
        switch job {
        case .helper(let helper, _):
            let addresses = try session.load(object, symbols: helper.symbols)
            loaded.withLock { $0.helpers[helper] = addresses }
        case .kernel(let code):
            if try !link(object, of: code) { loaded.withLock { $0.waiting.append((code, object)) } }
        }
    }

    /// Links a kernel, unless what it calls is not there yet.
    private func link(_ object: ObjectCode, of code: EmittedPhase.Code) throws -> Bool {
        let known = loaded.withLock { $0.helpers }
        var callees: [String: UInt] = [:]
        for helper in code.helpers {
            guard let addresses = known[helper] else { return false }
            callees.merge(addresses) { first, _ in first }
        }
        let function = try session.load(object, symbol: EmittedPhase.symbol, calling: callees)
        loaded.withLock { $0.kernels[code] = function }
        return true
    }
}
