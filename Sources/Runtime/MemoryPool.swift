/// Hands out zeroed pieces of larger blocks, which live as long as the pool or any of their pieces.
///
/// A parameter of its own mapping would lie in small pages unless it is large, and the processor reads ahead only within
/// a page: an optimiser's kernel, which goes through a parameter, its gradient and its states at once, then reaches half
/// of the bandwidth.
struct MemoryPool {
    /// A piece of a block, aligned to a small page.
    struct Piece {
        let start: UnsafeMutableRawPointer
        /// The size that was asked for, in bytes.
        let byteCount: Int
        /// What keeps the memory.
        private let owner: AnyObject

        fileprivate init(_ block: AlignedMemory, offset: Int, byteCount: Int) {
            self.init(block.start + offset, byteCount: byteCount, of: block)
        }

        /// A part of memory that is not the pool's.
        init(_ start: UnsafeMutableRawPointer, byteCount: Int, of owner: AnyObject) {
            (self.start, self.byteCount, self.owner) = (start, byteCount, owner)
        }
    }

    private static let firstBlock = 256 << 10
    private static let largestBlock = 64 << 20

    private var block: AlignedMemory?
    /// Bytes of the block that are handed out.
    private var used = 0

    /// - Parameter byteCount: zero or more.
    mutating func allocate(_ byteCount: Int) throws(MemoryError) -> Piece {
        let size = AlignedMemory.mappedByteCount(byteCount)
        // Large pieces are blocks of their own, so that little is left at the end of shared ones.
        if size > Self.largestBlock / 4 {
            return Piece(try AlignedMemory(byteCount: byteCount), offset: 0, byteCount: byteCount)
        }
        if let block, used + size <= block.byteCount {
            defer { used += size }
            return Piece(block, offset: used, byteCount: byteCount)
        }
        // Blocks grow with the model: the pages of one are only taken when they are written to.
        let next = min(Self.largestBlock, 2 * (block?.byteCount ?? Self.firstBlock / 2))
        let fresh = try AlignedMemory(byteCount: max(size, next))
        (block, used) = (fresh, size)
        return Piece(fresh, offset: 0, byteCount: byteCount)
    }
}
