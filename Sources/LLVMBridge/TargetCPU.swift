import Target

/// The processor that code is generated for. Two equal values give the same code from the same IR.
package struct TargetCPU: Hashable, Sendable {
    /// What kernels are written for, with the host's caches.
    package let target: Target
    /// LLVM's processor name: it chooses the instruction schedule.
    package let name: String
    /// LLVM's feature string, `+avx2,-avx512f,...`, sorted by name.
    package let features: String
    /// The target triple.
    package let triple: String

    private init(_ target: Target, name: String? = nil, isEnabled: (HostCPU.Feature) -> Bool) {
        let host = HostCPU.current
        self.target = target.with(.host)
        self.name = name ?? host.name
        features = host.features.map { (isEnabled($0) ? "+" : "-") + $0.name }.joined(separator: ",")
        triple = host.triple
    }

    /// This machine, or this machine with the instructions above `limit` taken away.
    ///
    /// - Throws: `LLVMError.unsupportedHost` below the least level of any architecture, `LLVMError.instructionSet` if
    ///   the machine does not run `limit`.
    package static func host(limit: Target? = nil) throws(LLVMError) -> TargetCPU {
        guard let best = Target.host else { throw .unsupportedHost(name: HostCPU.current.name) }
        let chosen = limit ?? best
        guard best.runs(chosen) else { throw .instructionSet(asked: chosen.name, host: best.name) }
        return TargetCPU(chosen, name: chosen.name == best.name ? nil : chosen.processor) {
            $0.isEnabled && chosen.allows($0.name)
        }
    }

    /// A processor like this one that has all of `target`, whether this one has it or not: for looking at the
    /// code of a stronger machine, and for tests that emulate what is missing. Such code may end the process
    /// with SIGILL here; nothing chooses it by itself.
    package static func assuming(_ target: Target) -> TargetCPU {
        let assumed = Set(target.requiredFeatures)
        return TargetCPU(target) {
            $0.isEnabled && target.allows($0.name) || assumed.contains($0.name)
        }
    }
}

extension Target {
    /// The best level of this machine, or nil if it does not even have the least.
    ///
    /// Asking for AMX tiles changes the process: Linux hands out tile registers only on request.
    package static let host: Target? = HostCPU.current.target
}
