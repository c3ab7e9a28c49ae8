import CMemoryFile
import Foundation

/// Zeroed memory that processes of one machine have in common: a file without a name, which is gone with the last process that
/// maps it, however that ends.
package final class SharedMemory: @unchecked Sendable {
    /// The first byte, aligned to 2 MB.
    package let start: UnsafeMutableRawPointer
    /// The size that was asked for, in bytes.
    package let byteCount: Int

    private static let hugePage = 2 << 20
    private static let page = 1 << 12
    /// Linux's MADV_HUGEPAGE.
    private static let adviseHugePages: Int32 = 14
    private static let label = "bertc"

    /// What one process tells the others of the memory that it has made.
    private struct Offer {
        let process: Int32
        let file: Int32
        /// What stands behind the memory, by which it is known.
        let mark: UInt64

        var text: String { "\(process) \(file) \(mark)" }

        init(process: Int32, file: Int32, mark: UInt64) {
            (self.process, self.file, self.mark) = (process, file, mark)
        }

        init?(_ text: String) {
            let parts = text.split(separator: " ")
            guard parts.count == 3, let process = Int32(parts[0]), let file = Int32(parts[1]),
                let mark = UInt64(parts[2])
            else { return nil }
            self.init(process: process, file: file, mark: mark)
        }
    }

    /// Maps a file of `byteCount` bytes and a page.
    private init(file: Int32, byteCount: Int) throws(GroupError) {
        let size = Self.size(byteCount)
        let space = mmap(nil, size + Self.hugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let space, space != MAP_FAILED else { throw Self.failure("cannot be mapped") }
        let aligned = space.alignedUp(toMultipleOf: Self.hugePage)
        let mapped = mmap(aligned, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0)
        guard mapped != MAP_FAILED else {
            let failure = Self.failure("cannot be mapped")
            munmap(space, size + Self.hugePage)
            throw failure
        }
        let head = aligned - space
        if head > 0 { munmap(space, head) }
        munmap(aligned + size, Self.hugePage - head)
        // Advice only, which many systems do not take for shared memory.
        madvise(aligned, size, Self.adviseHugePages)
        (start, self.byteCount) = (aligned, byteCount)
    }

    deinit { munmap(start, Self.size(byteCount)) }

    /// Whole pages, and one for the mark.
    private static func size(_ byteCount: Int) -> Int {
        (byteCount + page - 1) / page * page + page
    }

    /// What stands in the last page.
    private var mark: UInt64 {
        get { (start + Self.size(byteCount) - Self.page).load(as: UInt64.self) }
        set { (start + Self.size(byteCount) - Self.page).storeBytes(of: newValue, as: UInt64.self) }
    }

    private static func failure(_ problem: String) -> GroupError {
        GroupError("shared memory \(problem): \(String(cString: strerror(errno)))")
    }

    /// A file of its own with memory in it.
    private static func make(_ byteCount: Int) throws(GroupError) -> (memory: SharedMemory, offer: Offer) {
        let file = bertc_memory_file(label)
        guard file >= 0 else { throw failure("cannot be made") }
        do throws(GroupError) {
            guard ftruncate(file, size(byteCount)) == 0 else { throw failure("cannot be made") }
            let memory = try SharedMemory(file: file, byteCount: byteCount)
            memory.mark = .random(in: 1 ... .max)
            return (memory, Offer(process: getpid(), file: file, mark: memory.mark))
        } catch {
            close(file)
            throw error
        }
    }

    /// The memory that another process has made.
    private static func open(_ offer: Offer, _ byteCount: Int) throws(GroupError) -> SharedMemory {
        let path = "/proc/\(offer.process)/fd/\(offer.file)"
        // In another container it may be any file, or none.
        var target = [CChar](repeating: 0, count: 64)
        guard readlink(path, &target, target.count - 1) > 0 else { throw failure("cannot be opened") }
        guard
            String(decoding: target.map { UInt8(bitPattern: $0) }, as: UTF8.self).hasPrefix("/memfd:\(label)")
        else { throw GroupError("shared memory is out of sight: processes have different /proc") }
        let file = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard file >= 0 else { throw failure("cannot be opened") }
        defer { close(file) }
        guard lseek(file, 0, SEEK_END) == size(byteCount) else {
            throw GroupError("shared memory has another size than expected")
        }
        let memory = try SharedMemory(file: file, byteCount: byteCount)
        guard memory.mark == offer.mark else {
            throw GroupError("shared memory is out of sight: processes have different /proc")
        }
        return memory
    }

    /// Makes memory that all processes of a group have. All call it.
    ///
    /// - Returns: the memory, or why some process can't have it.
    static func ofAll(
        _ byteCount: Int, through transport: any Transport
    ) throws(GroupError) -> Result<SharedMemory, GroupError> {
        var (memory, offer): (SharedMemory?, Offer?)
        var problem = ""
        if transport.rank == 0 {
            do throws(GroupError) {
                (memory, offer) = try make(byteCount)
            } catch {
                problem = error.description
            }
        }
        defer { if let offer { close(offer.file) } }
        let offers = try transport.allGather([UInt8]((offer?.text ?? "").utf8))
        if transport.rank > 0, let offer = Offer(String(decoding: offers[0], as: UTF8.self)) {
            do throws(GroupError) {
                memory = try open(offer, byteCount)
            } catch {
                problem = error.description
            }
        }
        let problems = try transport.allGather([UInt8](problem.utf8))
        if let rank = problems.firstIndex(where: { !$0.isEmpty }) {
            return .failure(
                GroupError("rank \(rank): \(String(decoding: problems[rank], as: UTF8.self))"))
        }
        guard let memory else { return .failure(GroupError("rank 0 has no shared memory")) }
        return .success(memory)
    }
}
