/// The processor that code is generated for. Two equal values give the same code from the same IR.
package struct TargetCPU: Hashable, Sendable {
    /// The instruction set that kernels are written for.
    package let instructionSet: InstructionSet
    /// LLVM's processor name: it chooses the instruction schedule.
    package let name: String
    /// LLVM's feature string, `+avx2,-avx512f,...`, sorted by name.
    package let features: String
    /// The target triple.
    package let triple: String

    /// This machine, or this machine with the instructions above `limit` taken away.
    ///
    /// - Throws: `LLVMError.unsupportedHost` below AVX2, `LLVMError.instructionSet` if `limit` is more
    ///   than the machine has.
    package static func host(limit: InstructionSet? = nil) throws(LLVMError) -> TargetCPU {
        let host = HostCPU.current
        guard let best = InstructionSet.host else { throw .unsupportedHost(name: host.name) }
        let chosen = limit ?? best
        guard chosen <= best else { throw .instructionSet(asked: chosen, host: best) }
        let features = host.features.map { feature in
            (feature.isEnabled && chosen.allows(feature: feature.name) ? "+" : "-") + feature.name
        }
        // A host name implies its AVX-512 features and a preference for them; the generic name does not.
        let name = chosen == .avx2 && best > .avx2 ? "x86-64-v3" : host.name
        return TargetCPU(
            instructionSet: chosen, name: name, features: features.joined(separator: ","), triple: host.triple
        )
    }
    /// A processor like this one that has all of `set`, whether this one has it or not: for looking at the
    /// code of a stronger machine, and for tests that emulate what is missing. Such code may end the process
    /// with SIGILL here; nothing chooses it by itself.
    package static func assuming(_ set: InstructionSet) -> TargetCPU {
        let host = HostCPU.current
        let assumed = Set(set.requiredFeatures)
        let features = host.features.map { feature in
            let isPresent = feature.isEnabled && set.allows(feature: feature.name)
            return (isPresent || assumed.contains(feature.name) ? "+" : "-") + feature.name
        }
        return TargetCPU(
            instructionSet: set, name: host.name, features: features.joined(separator: ","),
            triple: host.triple)
    }
}
