import Synchronization

/// Code generators for the next module: a new one computes again what it knows of the processor, which takes as long as a
/// small kernel. One thread at a time has each.
enum TargetMachinePool {
    /// A code generator between two owners.
    final class Machine: @unchecked Sendable {
        let owned: TargetMachine

        init(_ machine: consuming TargetMachine) { owned = machine }
    }

    private static let idle = Mutex<[TargetCPU: [Machine]]>([:])

    /// One that nobody has now, or a new one.
    static func take(for cpu: TargetCPU) throws(LLVMError) -> Machine {
        if let machine = idle.withLock({ $0[cpu]?.popLast() }) { return machine }
        return Machine(try TargetMachine(cpu))
    }

    /// Hands one back.
    static func give(_ machine: Machine, for cpu: TargetCPU) {
        idle.withLock { $0[cpu, default: []].append(machine) }
    }
}
