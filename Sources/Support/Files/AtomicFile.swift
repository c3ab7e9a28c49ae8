import Foundation

/// A file that is written beside its destination and renamed into place, so that a reader sees the old contents or
/// the new, never a part. Unless `commit` is reached, the destination is left alone and the partial file removed.
package final class AtomicFile {
    /// The destination.
    package let path: String

    private let partial: String
    private let descriptor: Int32
    private let slot: Int?
    private var isCommitted = false

    /// Starts writing a new version of `url`.
    /// - Throws: `FileError` when the directory does not take a new file.
    package init(replacing url: URL) throws {
        path = url.path
        let name = ".\(url.lastPathComponent).\(getpid()).partial"
        partial = url.deletingLastPathComponent().appendingPathComponent(name).path
        // A leftover of a killed process that had the same id is of no use to anyone.
        unlink(partial)
        slot = PartialFiles.add(partial)
        descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw FileError.system(.write, path)
        }
    }

    /// Appends `bytes`.
    /// - Throws: `FileError`, for example when the disk is full.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Foundation.write(
                descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress!, rest.count)
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw failure() }
            rest = rest.dropFirst(written)
        }
    }

    /// Forces the bytes to the disk and gives the file its name.
    /// - Throws: `FileError`.
    package func commit() throws {
        guard fsync(descriptor) == 0, rename(partial, path) == 0 else { throw failure() }
        isCommitted = true
        // The rename itself is durable once the directory is; some file systems refuse that, which is no failure.
        let directory = open(path.parentPath, O_RDONLY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }

    /// Writes `data` as the whole new contents of `url`.
    /// - Throws: `FileError`.
    package static func write(_ data: Data, to url: URL) throws {
        let file = try AtomicFile(replacing: url)
        try data.withUnsafeBytes { try file.write($0) }
        try file.commit()
    }

    private func failure() -> FileError { .system(.write, path) }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        if descriptor >= 0 && !isCommitted { unlink(partial) }
        if let slot { PartialFiles.forget(slot) }
    }
}
