import Synchronization
import Target

/// Machine code loaded into this process. Safe to use from any thread; the code is unmapped when the
/// session and every `KernelFunction` from it are gone.
///
/// Each object is linked in a library of its own, so several objects may define the same public and
/// private names. Code may call the C functions of the process, such as `memcpy` and `memset`.
package final class JITSession: Sendable {
    private let jit: Mutex<LLJIT>

    package init() throws(LLVMError) { jit = Mutex(try LLJIT()) }

    /// Links an object and finds its public function `symbol`, which must have the signature
    /// `KernelFunction.Entry`.
    ///
    /// - Parameter callees: functions of objects loaded before that it may call, by the names that it calls them.
    package func load(
        _ object: ObjectCode, symbol: String, calling callees: [String: UInt] = [:]
    ) throws(LLVMError) -> KernelFunction {
        let addresses = try jit.withLock { jit throws(LLVMError) in
            try jit.load(object, symbols: [symbol], calling: callees)
        }
        return KernelFunction(symbol: symbol, address: addresses[0], owner: self)
    }

    /// Links an object whose functions others of this session may call, and finds the addresses of `symbols`.
    package func load(_ object: ObjectCode, symbols: [String]) throws(LLVMError) -> [String: UInt] {
        let addresses = try jit.withLock { jit throws(LLVMError) in
            try jit.load(object, symbols: symbols, calling: [:])
        }
        return Dictionary(uniqueKeysWithValues: zip(symbols, addresses))
    }
}
