import GraphCompiler

/// What a run is computed with.
public struct MachineSettings: Sendable, Equatable {
    /// Worker threads; one per usable core when `nil`. Results do not depend on it.
    public var threads: Int?
    /// What the run may hold in memory at most; batches that need more are cut into micro-batches.
    public var maxMemory: MemorySize?
    /// The highest instruction set to use.
    public var cpu: String?
    /// What multiplies matrices: generated kernels or OpenBLAS.
    public var matmul = CompilerOptions.MatmulLowering.generated
    /// Element type of the operands of matrix products and attention.
    public var precision = Precision.fp32
    /// What a step computes again for its backward pass rather than hold.
    public var recompute = Recompute.none
}

extension MachineSettings: ConfigSection {
    package static var fields: [ConfigField<Self>] {
        [
            .init(
                "threads", \.threads,
                "Worker threads; null is one per usable core. Results do not depend on it.",
                atLeast: 1,
                effect: .none),
            .init(
                "maxMemory", \.maxMemory,
                "The most memory that the process may hold, e.g. `\"4GB\"` or `\"512MiB\"`; batches that need more are "
                    + "cut into micro-batches. null is no limit.", effect: .none),
            .init(
                "cpu", \.cpu, "The highest instruction set to use; null is the machine's best.",
                expectation: CompilerOptions.instructionSets.map { "\"\($0)\"" }.joined(separator: ", ")
                    + " or null",
                effect: .none
            ) { $0.map(CompilerOptions.instructionSets.contains) ?? true },
            .init(
                "matmul", \.matmul, "What multiplies matrices: generated kernels or OpenBLAS.",
                effect: .none),
            .init(
                "precision", \.precision,
                "Element type of the operands of matrix products and attention; parameters and their updates are always fp32 ([precision.md](precision.md)).",
                expectation: Precision.forTraining.map { "\"\($0.rawValue)\"" }.joined(separator: ", "),
                isLegal: Precision.forTraining.contains),
            .init(
                "recompute", \.recompute,
                "What a step computes again for its backward pass rather than hold ([memory.md](memory.md)): all but "
                    + "what layers, or groups of k layers, hand on; `auto` is the least that fits into `maxMemory`, "
                    + "and `none` without it. Results do not depend on it.", effect: .none),
        ]
    }
}
