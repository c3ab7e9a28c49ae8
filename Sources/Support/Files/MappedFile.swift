import Foundation

/// A whole file, mapped read-only into memory. The pages are shared with the page cache and unmapped with the
/// last reference.
///
/// The file must not be shortened while it is mapped; files written by rename (as everything here is) never are.
package final class MappedFile: @unchecked Sendable {
    /// The contents. Immutable for the lifetime of the object, which is why it can be shared between threads.
    package let bytes: UnsafeRawBufferPointer

    /// Maps the file at `path`; a pipe is refused, not waited for.
    /// - Throws: `FileError` with the system's reason.
    package init(path: String) throws {
        func failure(_ reason: String) -> FileError { FileError(.read, path, reason) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(systemReason()) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(systemReason()) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw failure("not a regular file") }
        let size = Int(status.st_size)
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw failure(systemReason())
        }
        bytes = UnsafeRawBufferPointer(start: base, count: size)
    }

    /// Lets go of the memory behind a range that is not needed for now; reading it again brings it back.
    package func forget(_ range: Range<Int>) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let (begin, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
        guard begin < end, let base = bytes.baseAddress else { return }
        madvise(UnsafeMutableRawPointer(mutating: base) + begin, end - begin, MADV_DONTNEED)
    }

    deinit {
        if let base = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
        }
    }
}
