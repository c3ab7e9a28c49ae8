import GraphIR

/// What a kernel template says of a phase besides its code. Each template conforms in its own file under `Kernels/`,
/// and nothing has a default: the protocol is the list of what a new template needs.
package protocol KernelTemplate: Hashable, Sendable, CustomStringConvertible {
    /// The template's name in reports.
    var templateName: String { get }

    /// What the phase adds to its kernel's name in listings.
    var suffix: String { get }

    /// How many tasks the phase has under `symbols`: a function of the shapes only, never of the thread count.
    func taskCount(_ symbols: [String: Int]) -> Int

    /// Bytes of private memory that a worker needs for one task.
    func scratchByteCount(_ symbols: [String: Int]) -> Int

    /// What the phase's matrix products multiply; `nil` when it has none.
    var contractionElement: ElementType? { get }

    /// The part of `flopCount` that matrix products do.
    func contractionFlopCount(_ symbols: [String: Int]) -> Int

    /// Floating-point operations under `symbols`, counting a multiply-add as two; an upper bound for ragged products.
    func flopCount(_ symbols: [String: Int]) -> Int

    /// What one lane's instructions take besides matrix products, under `symbols`, in the time of multiply-adds: what a
    /// prediction adds to the products' time.
    func instructionCount(_ symbols: [String: Int]) -> Int

    /// Tells the counter which parts of buffers the phase reads and writes.
    func countTraffic(_ counter: inout TrafficCounter)

    /// Checks what the phase's code takes for granted (`KernelRule`).
    func verify(_ verifier: inout KernelVerifier) throws(IRError)
}
