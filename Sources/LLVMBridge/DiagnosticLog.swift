import CLLVM

/// Collects the errors that LLVM reports into a context. Without a handler of ours, LLVM prints the
/// first one and ends the process. Used by one thread at a time, like the context.
final class DiagnosticLog {
    /// The first error reported since the log was attached.
    private(set) var firstError: String?

    /// Sends the errors of `context` here. The log must live as long as the context.
    func attach(to context: LLVMContextRef) {
        LLVMContextSetDiagnosticHandler(
            context,
            { info, context in
                guard let context, LLVMGetDiagInfoSeverity(info) == LLVMDSError else { return }
                let text = takeString(LLVMGetDiagInfoDescription(info))
                let log = Unmanaged<DiagnosticLog>.fromOpaque(context).takeUnretainedValue()
                log.firstError = log.firstError ?? text
            }, Unmanaged.passUnretained(self).toOpaque())
    }
}
