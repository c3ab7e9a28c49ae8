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
    /// The names that each library defines itself, which its generator asks for as long as it lives.
    private var hiddenNames: [HiddenNames] = []

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

    /// Links `object` in a library of its own and returns the addresses of `symbols`.
    ///
    /// - Parameter callees: addresses of functions outside that it may call.
    mutating func load(
        _ object: ObjectCode, symbols: [String], calling callees: [String: UInt]
    ) throws(LLVMError) -> [UInt] {
        reports.clear()
        libraries += 1
        let title = symbols.joined(separator: ", ")
        guard let library = LLVMOrcExecutionSessionCreateBareJITDylib(execution, "kernel.\(libraries)") else {
            throw .link(symbol: title, message: "LLVM returned no library")
        }
        let names = HiddenNames(symbols.map { LLVMOrcLLJITMangleAndIntern(jit, $0) })
        hiddenNames.append(names)
        func check(_ error: LLVMErrorRef?) throws(LLVMError) {
            guard let message = takeMessage(error) else { return }
            throw .link(symbol: title, message: oneLine(message))
        }
        try check(addProcessSymbols(to: library, except: names))
        if !callees.isEmpty { try check(define(callees, in: library)) }
        // Adding takes ownership of the buffer, also when it fails.
        let buffer = MemoryBuffer(object, name: title).release()
        try check(LLVMOrcLLJITAddObjectFile(jit, library, buffer))
        let answer = lookUp(names, in: library)
        guard let addresses = answer.addresses, addresses.allSatisfy({ $0 != 0 }) else {
            let message = (reports.messages + [answer.error ?? "no address"]).joined(separator: "; ")
            throw .link(symbol: title, message: oneLine(message))
        }
        return addresses.map { UInt($0) }
    }

    /// Lets `library` call the functions of this process. The names that it must define itself are left out: an object
    /// without one must fail to link, not turn into a function of the process that is named the same.
    private func addProcessSymbols(to library: LLVMOrcJITDylibRef, except names: HiddenNames) -> LLVMErrorRef?
    {
        var generator: LLVMOrcDefinitionGeneratorRef?
        let error = LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(
            &generator, LLVMOrcLLJITGetGlobalPrefix(jit),
            { names, name in
                guard let names, let name else { return 1 }
                return Unmanaged<HiddenNames>.fromOpaque(names).takeUnretainedValue().contains(name) ? 0 : 1
            }, Unmanaged.passUnretained(names).toOpaque())
        if error == nil { LLVMOrcJITDylibAddGenerator(library, generator) }
        return error
    }

    /// Gives functions that are elsewhere in this process names in `library`.
    private func define(_ functions: [String: UInt], in library: LLVMOrcJITDylibRef) -> LLVMErrorRef? {
        let flags = LLVMJITSymbolFlags(
            GenericFlags: UInt8(
                LLVMJITSymbolGenericFlagsExported.rawValue | LLVMJITSymbolGenericFlagsCallable.rawValue),
            TargetFlags: 0)
        // Defining takes over the references to the names.
        var pairs = functions.map { name, address in
            LLVMOrcCSymbolMapPair(
                Name: LLVMOrcLLJITMangleAndIntern(jit, name),
                Sym: LLVMJITEvaluatedSymbol(Address: UInt64(address), Flags: flags))
        }
        return LLVMOrcJITDylibDefine(library, LLVMOrcAbsoluteSymbols(&pairs, pairs.count))
    }

    /// The addresses of exported names in `library`.
    private func lookUp(_ names: HiddenNames, in library: LLVMOrcJITDylibRef) -> LookupAnswer {
        let answer = LookupAnswer(names)
        var order = LLVMOrcCJITDylibSearchOrderElement(
            JD: library, JDLookupFlags: LLVMOrcJITDylibLookupFlagsMatchExportedSymbolsOnly)
        // The lookup takes over a reference to each name.
        var wanted = names.list.map { name in
            LLVMOrcRetainSymbolStringPoolEntry(name)
            return LLVMOrcCLookupSetElement(
                Name: name, LookupFlags: LLVMOrcSymbolLookupFlagsRequiredSymbol)
        }
        LLVMOrcExecutionSessionLookup(
            execution, LLVMOrcLookupKindStatic, &order, 1, &wanted, wanted.count,
            { error, results, count, context in
                guard let context else { return }
                let answer = Unmanaged<LookupAnswer>.fromOpaque(context).takeRetainedValue()
                answer.error = takeMessage(error)
                if answer.error == nil {
                    answer.take(UnsafeBufferPointer(start: results, count: count))
                }
                answer.arrived.signal()
            }, Unmanaged.passRetained(answer).toOpaque())
        answer.arrived.wait()
        return answer
    }

    deinit {
        // The pool of names goes with the JIT.
        for names in hiddenNames { names.release() }
        // Reports of the shutdown still reach `reports`, which outlives this body.
        _ = takeMessage(LLVMOrcDisposeLLJIT(jit))
    }
}

/// Names in LLVM's pool, where each is one object, so that addresses tell them apart.
private final class HiddenNames {
    let list: [LLVMOrcSymbolStringPoolEntryRef]

    /// Takes over the references to the names, until `release`.
    init(_ list: [LLVMOrcSymbolStringPoolEntryRef]) { self.list = list }

    func contains(_ name: LLVMOrcSymbolStringPoolEntryRef) -> Bool { list.contains(name) }

    /// Gives the references back, once, while the pool is there.
    func release() { for name in list { LLVMOrcReleaseSymbolStringPoolEntry(name) } }
}

/// The result of one symbol lookup, which LLVM delivers through a callback.
private final class LookupAnswer {
    private let names: HiddenNames
    /// In the order of the names.
    private(set) var addresses: [UInt64]?
    var error: String?
    let arrived = DispatchSemaphore(value: 0)

    init(_ names: HiddenNames) { self.names = names }

    func take(_ found: UnsafeBufferPointer<LLVMOrcCSymbolMapPair>) {
        addresses = names.list.map { name in found.first { $0.Name == name }?.Sym.Address ?? 0 }
    }
}

/// Errors that a JIT reported during one `load`; guarded by the lock around the JIT.
private final class LinkReports {
    private(set) var messages: [String] = []

    func add(_ message: String) { messages.append(message) }
    func clear() { messages.removeAll() }
}
