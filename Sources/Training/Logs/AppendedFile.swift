import Foundation
import Pipelines

/// A file that grows at its end; what was appended is with the system when `append` returns.
final class AppendedFile {
    let path: String
    private let handle: FileHandle

    /// Opens the file, which must exist, at its end.
    init(path: String) throws {
        self.path = path
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw ModelError(.unwritable, "cannot be opened for writing; check its permissions", at: path)
        }
        self.handle = handle
        do {
            try handle.seekToEnd()
        } catch {
            throw ModelError(.unwritable, "cannot be written at its end", at: path)
        }
    }

    /// Appends all of it, or nothing when the disk is full.
    func append(_ data: Data) throws {
        let end = try? handle.offset()
        do {
            try handle.write(contentsOf: data)
        } catch {
            if let end { try? handle.truncate(atOffset: end) }
            throw ModelError(.unwritable, "cannot be written; check the free space", at: path)
        }
    }
}
