import CLLVM

/// Owner of one parsed LLVM module together with its private context, so that modules on different
/// threads share nothing.
struct IRModule: ~Copyable {
    private let context: LLVMContextRef
    private let module: LLVMModuleRef
    private let diagnostics: DiagnosticLog

    /// Parses IR text.
    init(ir: String) throws(LLVMError) {
        let context: LLVMContextRef = LLVMContextCreate()
        let diagnostics = DiagnosticLog()
        diagnostics.attach(to: context)
        var parsed: LLVMModuleRef?
        var message: UnsafeMutablePointer<CChar>?
        // The parser takes ownership of the text.
        let text = MemoryBuffer(text: ir, name: "kernel").release()
        let failed = LLVMParseIRInContext(context, text, &parsed, &message) != 0
        guard !failed, let parsed else {
            LLVMContextDispose(context)
            throw .parse(oneLine(takeString(message)))
        }
        self.context = context
        self.module = parsed
        self.diagnostics = diagnostics
    }

    /// Sets the data layout of `machine` and checks the module's rules.
    func prepare(for machine: borrowing TargetMachine, cpu: TargetCPU) throws(LLVMError) {
        LLVMSetTarget(module, cpu.triple)
        let layout = LLVMCreateTargetDataLayout(machine.reference)
        LLVMSetModuleDataLayout(module, layout)
        LLVMDisposeTargetData(layout)
        var message: UnsafeMutablePointer<CChar>?
        let failed = LLVMVerifyModule(module, LLVMReturnStatusAction, &message) != 0
        let text = takeString(message)
        if failed { throw .verify(oneLine(text)) }
    }

    /// Runs a pipeline in the notation of `opt -passes=...`, such as `default<O2>`.
    func run(passes pipeline: String, on machine: borrowing TargetMachine) throws(LLVMError) {
        let options = LLVMCreatePassBuilderOptions()
        defer { LLVMDisposePassBuilderOptions(options) }
        if let message = takeMessage(LLVMRunPasses(module, pipeline, machine.reference, options)) {
            throw .passes(pipeline: pipeline, message: oneLine(message))
        }
    }

    /// Generates machine code or assembly text. The module is used up: LLVM rewrites it on the way.
    consuming func emit(
        _ kind: LLVMCodeGenFileType, on machine: borrowing TargetMachine
    ) throws(LLVMError) -> MemoryBuffer {
        var output: LLVMMemoryBufferRef?
        var message: UnsafeMutablePointer<CChar>?
        let failed =
            LLVMTargetMachineEmitToMemoryBuffer(machine.reference, module, kind, &message, &output) != 0
        guard !failed, let output else { throw .codegen(oneLine(takeString(message))) }
        let buffer = MemoryBuffer(adopting: output)
        if let error = diagnostics.firstError { throw .codegen(oneLine(error)) }
        return buffer
    }

    deinit {
        LLVMDisposeModule(module)
        LLVMContextDispose(context)
    }
}
