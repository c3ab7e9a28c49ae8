import Synchronization

/// Memory that one text at a time is tokenised in, and the words that were split before.
///
/// - Note: `@unchecked Sendable` because one thread has it at a time, as `ScratchPool` sees to.
final class TokenizerScratch: @unchecked Sendable {
    var text = PieceSplitter<UntracedText>()
    var cache = PieceCache()
}

/// Scratch memory for as many threads as tokenise at once.
final class ScratchPool: Sendable {
    private let free = Mutex<[TokenizerScratch]>([])

    func withScratch<Result, Failure>(
        _ body: (TokenizerScratch) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let scratch = free.withLock { $0.popLast() } ?? TokenizerScratch()
        defer { free.withLock { $0.append(scratch) } }
        return try body(scratch)
    }
}
