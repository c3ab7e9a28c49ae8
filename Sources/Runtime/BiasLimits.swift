import KernelIR

/// The launches that add a bias to attention's scores: none of their sequences may be longer than it serves.
struct BiasLimits {
    private var kernels: [Int: AttentionKernel] = [:]

    init(_ launches: [Program.Launch]) {
        for (index, launch) in launches.enumerated() {
            for case .attention(let kernel) in launch.kernel.phases where kernel.bias != nil {
                kernels[index] = kernel
            }
        }
    }

    /// - Parameter buffers: the launch's; those that it reads have been written.
    /// - Throws: `ExecutionError` when a sequence is too long.
    func check(
        _ launch: Int, _ buffers: [UnsafeMutableRawPointer?], _ symbols: [String: Int],
        at place: @autoclosure () -> String
    ) throws {
        guard let kernel = kernels[launch], let bias = kernel.bias else { return }
        let (length, limit) = (kernel.longestSequence(buffers, symbols), bias.longest(symbols))
        guard length > limit else { return }
        throw ExecutionError(
            "a sequence has \(length) tokens, but the bias is for at most \(limit)", at: place())
    }
}

extension AttentionKernel {
    /// Tokens of the longest sequence that the kernel finds in its buffers.
    func longestSequence(_ buffers: [UnsafeMutableRawPointer?], _ symbols: [String: Int]) -> Int {
        let lengths = UnsafeBufferPointer(
            start: buffers[lengths]?.assumingMemoryBound(to: Int32.self), count: sequences.value(symbols))
        // Kernels keep sequences within the tensor, whatever their lengths say.
        return min(Int(lengths.max() ?? 0), tokens.value(symbols))
    }
}
