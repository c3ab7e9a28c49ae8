/// A compiled kernel that can be called from any thread. Keeps its machine code alive.
package struct KernelFunction: Sendable {
    /// The machine-level signature of every kernel, on every target:
    /// `(buffers, dims, taskBegin, taskEnd, scratch)`.
    package typealias Entry =
        @convention(c) (
            UnsafePointer<UnsafeMutableRawPointer?>, UnsafePointer<Int64>, Int64, Int64,
            UnsafeMutableRawPointer?
        ) -> Void

    /// The public symbol in the object.
    package let symbol: String
    /// What the machine code belongs to.
    private let owner: any AnyObject & Sendable
    /// The code's address as a number, which unlike a pointer may cross threads.
    private let address: UInt

    /// - Parameter owner: keeps the code mapped for as long as it lives.
    package init(symbol: String, address: UInt, owner: any AnyObject & Sendable) {
        self.symbol = symbol
        self.address = address
        self.owner = owner
    }

    /// Runs the tasks `tasks` of the kernel on the calling thread.
    ///
    /// - Parameters:
    ///   - buffers: The kernel's operands and results, in the kernel's own order.
    ///   - dims: The values of its symbolic dimensions.
    ///   - tasks: The share of the work to do.
    ///   - scratch: Memory private to this thread, as large as the kernel asks for; nil if it asks for none.
    @inline(__always)
    package func callAsFunction(
        buffers: UnsafePointer<UnsafeMutableRawPointer?>, dims: UnsafePointer<Int64>, tasks: Range<Int>,
        scratch: UnsafeMutableRawPointer? = nil
    ) {
        let entry = unsafeBitCast(address, to: Entry.self)
        entry(buffers, dims, Int64(tasks.lowerBound), Int64(tasks.upperBound), scratch)
    }
}
