import Foundation

/// Owner of zeroed memory that the kernels use: the arena, weights, scratch.
///
/// The start is aligned to a page (4 KB) at least, so to every vector width. From 4 MB on it is aligned
/// to 2 MB and asks for huge pages, which makes the first touch about three times as fast; what is left at its end
/// has small ones.
/// The memory is returned to the system with the last reference. Reads and writes are not synchronised:
/// the schedule decides which thread owns which bytes.
package final class AlignedMemory: @unchecked Sendable {
    /// The first byte. The pointer does not keep the memory: hold on to the owner for as long as it is used
    /// (in a stored property, or with `withBytes`).
    package let start: UnsafeMutableRawPointer
    /// The size that was asked for, in bytes.
    package let byteCount: Int
    /// The mapped size: `byteCount` rounded up to whole pages, and at least one.
    private let mappedBytes: Int
    /// Bytes that are in memory for sure; see `touch`.
    private var touchedBytes = 0

    fileprivate static let hugePage = 2 << 20
    /// Sizes from here on get huge pages; of a smaller block they would cover little.
    private static let hugeThreshold = 4 << 20
    /// Linux's MADV_HUGEPAGE.
    private static let adviseHugePages: Int32 = 14
    /// Linux's MADV_POPULATE_WRITE.
    fileprivate static let adviseWritablePages: Int32 = 23

    /// Maps `byteCount` bytes (zero or more), all zero.
    package init(byteCount: Int) throws(MemoryError) {
        precondition(byteCount >= 0, "AlignedMemory: a size is never negative")
        let isHuge = byteCount >= Self.hugeThreshold
        let unit = isHuge ? Self.hugePage : Self.smallPage
        guard byteCount <= Int.max - 2 * Self.hugePage else {
            throw MemoryError(byteCount: byteCount, code: ENOMEM)
        }
        mappedBytes = Self.mappedByteCount(byteCount)
        let whole = isHuge ? mappedBytes + unit : mappedBytes
        let mapped = mmap(nil, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { throw MemoryError(byteCount: byteCount, code: errno) }
        // The mapping is one unit longer than needed; what stands before and after the aligned part goes back.
        let aligned = mapped.alignedUp(toMultipleOf: unit)
        let head = aligned - mapped
        let tail = whole - head - mappedBytes
        if head > 0 { munmap(mapped, head) }
        if tail > 0 { munmap(aligned + mappedBytes, tail) }
        // Advice only: a kernel without huge pages still gives working memory.
        if isHuge { madvise(aligned, mappedBytes, Self.adviseHugePages) }
        start = aligned
        self.byteCount = byteCount
    }

    fileprivate static let smallPage = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// What `byteCount` bytes take when all of them are used.
    package static func mappedByteCount(_ byteCount: Int) -> Int {
        (max(byteCount, 1) + smallPage - 1) / smallPage * smallPage
    }

    /// Brings the first `byteCount` bytes into memory, all workers at once, and leaves what they hold.
    package func touch(_ byteCount: Int, on pool: WorkerPool) {
        let (begin, end) = (touchedBytes, min(byteCount, mappedBytes))
        guard begin < end else { return }
        pool.touch([UnsafeMutableRawBufferPointer(start: start + begin, count: end - begin)])
        touchedBytes = end
    }

    /// Calls `body` with all bytes, which stay mapped at least until it returns.
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeMutableRawBufferPointer(start: start, count: byteCount))
    }

    deinit { munmap(start, mappedBytes) }
}

extension WorkerPool {
    /// Brings ranges into memory, all workers at once, and leaves what they hold: the first touch of a page stops a kernel
    /// for as long as the system takes to clear it.
    ///
    /// The system does it, since a compiler takes a byte's own value written over it for nothing. One that can't (Linux
    /// before 5.14) leaves it to the kernels.
    func touch(_ ranges: [UnsafeMutableRawBufferPointer]) {
        let pieces = ranges.flatMap { range -> [UnsafeMutableRawBufferPointer] in
            guard let base = range.baseAddress else { return [] }
            let start = base.alignedDown(toMultipleOf: AlignedMemory.smallPage)
            let end = base + range.count
            return stride(from: 0, to: end - start, by: AlignedMemory.hugePage).map {
                UnsafeMutableRawBufferPointer(
                    start: start + $0, count: min(AlignedMemory.hugePage, end - start - $0))
            }
        }
        run(tasks: pieces.count) { _, tasks in
            for piece in pieces[tasks] {
                madvise(piece.baseAddress, piece.count, AlignedMemory.adviseWritablePages)
            }
        }
    }
}

/// The system refused to give memory.
package struct MemoryError: Error, Hashable, CustomStringConvertible {
    /// Bytes that were asked for.
    package let byteCount: Int
    /// The system's `errno`.
    package let code: Int32

    package var description: String {
        let megabytes = (Double(byteCount) / 1_048_576).formatted(.number.precision(.fractionLength(1)))
        return "cannot allocate \(megabytes) MB of memory (\(String(cString: strerror(code)))): "
            + "use a smaller batch or model, set a lower maxMemory, or free memory on this machine"
    }
}
