/// What must hold of a launch's data before it runs: none of its sequences is longer than what the kernel reads beside
/// them serves. The executor finds the longest, makes the mask's table that long and compares it with the bias; it knows
/// nothing else of the kernels that ask for this.
package struct LaunchCheck: Sendable {
    /// The buffer of i32 lengths, one for each of `sequences`.
    private let lengths: Int
    private let sequences: Extent
    /// Kernels keep sequences within so many tokens, whatever their lengths say.
    private let tokens: Extent
    /// The buffer of a mask's table, which is to be bound.
    package let maskTable: Int?
    package let bias: AddedBias?
    package let relative: RelativeTables?

    /// - Parameter kernels: attention over the same sequences.
    fileprivate init?(_ kernels: [AttentionKernel]) {
        maskTable = kernels.compactMap(\.maskTable).last
        bias = kernels.compactMap(\.bias).last
        relative = kernels.compactMap(\.relative).last
        guard let kernel = kernels.last, maskTable != nil || bias != nil || relative != nil else {
            return nil
        }
        (lengths, sequences, tokens) = (kernel.lengths, kernel.sequences, kernel.tokens)
    }

    /// Tokens of the longest sequence in a launch's buffers.
    package func longestSequence(_ buffers: [UnsafeMutableRawPointer?], _ symbols: [String: Int]) -> Int {
        let lengths = UnsafeBufferPointer(
            start: buffers[lengths]?.assumingMemoryBound(to: Int32.self), count: sequences.value(symbols))
        return min(Int(lengths.max() ?? 0), tokens.value(symbols))
    }
}

extension Program.Launch {
    /// What the launch's kernel asks for.
    package var check: LaunchCheck? {
        LaunchCheck(
            kernel.phases.compactMap { phase in
                if case .attention(let kernel) = phase { kernel } else { nil }
            })
    }
}
