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
    package func load(_ object: ObjectCode, symbol: String) throws(LLVMError) -> KernelFunction {
        let address = try jit.withLock { jit throws(LLVMError) in try jit.load(object, symbol: symbol) }
        return KernelFunction(symbol: symbol, address: address, owner: self)
    }
}
