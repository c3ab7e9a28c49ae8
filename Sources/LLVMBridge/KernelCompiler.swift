import CLLVM

/// From IR text to machine code. Every call has its own LLVM context, so any number of threads may
/// compile at once.
///
/// The default is code generation at level 2 and no IR pass: kernels come out of Codegen already
/// vectorised, and LLVM's optimiser then costs compile time without making them faster.
///
/// IR from outside may still end the process: LLVM treats an intrinsic that the target lacks (an
/// AVX-512 one compiled for AVX2) as fatal. Codegen picks intrinsics by `TargetCPU.target`.
package enum KernelCompiler {
    /// Compiles one module of IR text.
    ///
    /// - Parameters:
    ///   - ir: LLVM IR in text form; its triple and data layout are replaced by the target's.
    ///   - cpu: The processor to generate code for.
    ///   - passes: IR passes to run first, in the notation of `opt -passes=...`.
    package static func compile(
        ir: String, for cpu: TargetCPU, passes: String? = nil
    ) throws(LLVMError) -> ObjectCode {
        ObjectCode(bytes: try emit(LLVMObjectFile, ir, cpu, passes))
    }

    /// The assembly text that `compile` would encode, for people to read.
    package static func assembly(
        ir: String, for cpu: TargetCPU, passes: String? = nil
    ) throws(LLVMError) -> String {
        String(decoding: try emit(LLVMAssemblyFile, ir, cpu, passes), as: UTF8.self)
    }

    private static func emit(
        _ kind: LLVMCodeGenFileType, _ ir: String, _ cpu: TargetCPU, _ passes: String?
    ) throws(LLVMError) -> [UInt8] {
        let machine = try TargetMachinePool.take(for: cpu)
        defer { TargetMachinePool.give(machine, for: cpu) }
        let module = try IRModule(ir: ir)
        try module.prepare(for: machine.owned, cpu: cpu)
        if let passes { try module.run(passes: passes, on: machine.owned) }
        return try module.emit(kind, on: machine.owned).bytes
    }
}
