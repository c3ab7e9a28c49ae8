import CLLVM

/// Owner of LLVM's code generator for one processor. Used by one thread at a time.
struct TargetMachine: ~Copyable {
    /// For the bridge's own files only.
    let reference: LLVMTargetMachineRef

    init(_ cpu: TargetCPU) throws(LLVMError) {
        LLVM.registerTargets
        var target: LLVMTargetRef?
        var message: UnsafeMutablePointer<CChar>?
        guard LLVMGetTargetFromTriple(cpu.triple, &target, &message) == 0, let target else {
            throw .codegen(oneLine(takeString(message)))
        }
        // Position-independent and small: constants are read relative to the instruction pointer,
        // calls out go through stubs that the linker makes.
        guard
            let machine = LLVMCreateTargetMachine(
                target, cpu.triple, cpu.name, cpu.features, LLVMCodeGenLevelDefault, LLVMRelocPIC,
                LLVMCodeModelSmall)
        else { throw .codegen("no code generator for '\(cpu.triple)'") }
        reference = machine
    }

    deinit { LLVMDisposeTargetMachine(reference) }
}
