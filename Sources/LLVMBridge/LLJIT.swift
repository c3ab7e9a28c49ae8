import CLLVM
import Foundation

/// Owner of an ORC JIT. Objects are linked with JITLink into this process.
///
/// Not thread-safe: `JITSession` puts a lock around it.
struct LLJIT: ~Copyable {
    private let jit: LLVMOrcLLJITRef
    private let execution: LLVMOrcExecutionSessionRef
    /// What the JIT reported while linking; its `lookup` error alone only says that it failed.
    private let reports = LinkReports()
    /// Makes the names of the libraries unique.
    private var libraries = 0

    init() throws(LLVMError) {
        LLVM.registerTargets
        var created: LLVMOrcLLJITRef?
        if let message = takeMessage(LLVMOrcCreateLLJIT(&created, nil)) { throw .session(oneLine(message)) }
        guard let created else { throw .session("LLVM returned no JIT") }
        jit = created
        execution = LLVMOrcLLJITGetExecutionSession(created)
        LLVMOrcExecutionSessionSetErrorReporter(
            execution,
            { reports, error in
                guard let message = takeMessage(error), let reports else { return }
                Unmanaged<LinkReports>.fromOpaque(reports).takeUnretainedValue().add(message)
            }, Unmanaged.passUnretained(reports).toOpaque())
    }

    /// Links `object` in a library of its own and returns the address of `symbol`.
    mutating func load(_ object: ObjectCode, symbol: String) throws(LLVMError) -> UInt {
        reports.clear()
        libraries += 1
        guard let library = LLVMOrcExecutionSessionCreateBareJITDylib(execution, "kernel.\(libraries)") else {
            throw .link(symbol: symbol, message: "LLVM returned no library")
        }
        let name: LLVMOrcSymbolStringPoolEntryRef = LLVMOrcLLJITMangleAndIntern(jit, symbol)
        if let message = addProcessSymbols(to: library, except: name) {
            LLVMOrcReleaseSymbolStringPoolEntry(name)
            throw .link(symbol: symbol, message: oneLine(message))
        }
        // Adding takes ownership of the buffer, also when it fails.
        let buffer = MemoryBuffer(object, name: symbol).release()
        if let message = takeMessage(LLVMOrcLLJITAddObjectFile(jit, library, buffer)) {
            LLVMOrcReleaseSymbolStringPoolEntry(name)
            throw .link(symbol: symbol, message: oneLine(message))
        }
        let answer = lookUp(name, in: library)
        guard let address = answer.address, address != 0 else {
            let message = (reports.messages + [answer.error ?? "no address"]).joined(separator: "; ")
            throw .link(symbol: symbol, message: oneLine(message))
        }
        return UInt(address)
    }

    /// Lets `library` call the functions of this process. The kernel's own name is left out: an object
    /// without it must fail to link, not turn into a function of the process that is named the same.
    private func addProcessSymbols(
        to library: LLVMOrcJITDylibRef, except name: LLVMOrcSymbolStringPoolEntryRef
    ) -> String? {
        var generator: LLVMOrcDefinitionGeneratorRef?
        // Names are unique objects in LLVM's string pool, so the filter compares addresses.
        let message = takeMessage(
            LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
                &generator, LLVMOrcLLJITGetGlobalPrefix(jit),
                { hidden, name in hidden == name.map { UnsafeMutableRawPointer($0) } ? 0 : 1 },
                UnsafeMutableRawPointer(name)))
        if message == nil { LLVMOrcJITDylibAddGenerator(library, generator) }
        return message
    }

    /// The address of an exported name in `library`. Takes over the caller's reference to `name`.
    private func lookUp(
        _ name: LLVMOrcSymbolStringPoolEntryRef, in library: LLVMOrcJITDylibRef
    ) -> LookupAnswer {
        let answer = LookupAnswer()
        var order = LLVMOrcCJITDylibSearchOrderElement(
            JD: library, JDLookupFlags: LLVMOrcJITDylibLookupFlagsMatchExportedSymbolsOnly)
        var wanted = LLVMOrcCLookupSetElement(
            Name: name, LookupFlags: LLVMOrcSymbolLookupFlagsRequiredSymbol)
        LLVMOrcExecutionSessionLookup(
            execution, LLVMOrcLookupKindStatic, &order, 1, &wanted, 1,
            { error, results, count, context in
                guard let context else { return }
                let answer = Unmanaged<LookupAnswer>.fromOpaque(context).takeRetainedValue()
                answer.error = takeMessage(error)
                if answer.error == nil, count == 1 { answer.address = results?.pointee.Sym.Address }
                answer.arrived.signal()
            }, Unmanaged.passRetained(answer).toOpaque())
        answer.arrived.wait()
        return answer
    }

    deinit {
        // Reports of the shutdown still reach `reports`, which outlives this body.
        _ = takeMessage(LLVMOrcDisposeLLJIT(jit))
    }
}

/// The result of one symbol lookup, which LLVM delivers through a callback.
private final class LookupAnswer {
    var address: UInt64?
    var error: String?
    let arrived = DispatchSemaphore(value: 0)
}

/// Errors that a JIT reported during one `load`; guarded by the lock around the JIT.
private final class LinkReports {
    private(set) var messages: [String] = []

    func add(_ message: String) { messages.append(message) }
    func clear() { messages.removeAll() }
}
