import Foundation
import Support

/// A directory that holds what is believed without further checks, such as machine code: it and its files are used
/// only while nobody but their owner can have written them, and the owner is this user or root.
///
/// The rule is that of ssh for its keys, with one difference: a directory above may be open to all if it is sticky, as
/// `/tmp` is, since there nobody can replace another's directory.
struct PrivateDirectory: Sendable {
    /// Why a directory or a file in it is not used.
    struct Refusal: Error {
        /// For a message: what is wrong and what to do.
        let reason: String
        /// Whether there is nothing at the path.
        var isMissing = false
    }

    let path: String
    private let descriptor: Int32

    /// Opens a directory that exists. It stays open for the life of the process.
    init(_ path: String) throws(Refusal) {
        self.path = path
        guard let real = realpath(path, nil) else { throw Self.systemRefusal() }
        defer { free(real) }
        var place = String(cString: real)
        descriptor = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.systemRefusal() }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.systemRefusal() }
        if let reason = Self.distrust(of: place, status) {
            close(descriptor)
            throw Refusal(reason: reason)
        }
        while place != "/" {
            place = place.parentPath
            guard stat(place, &status) == 0 else { throw Self.systemRefusal() }
            if status.st_mode & S_ISVTX == 0, let reason = Self.distrust(of: place, status) {
                close(descriptor)
                throw Refusal(reason: reason)
            }
        }
    }

    /// Makes the directory, and those above it that are missing, for this user alone, and opens it.
    init(making path: String) throws(Refusal) {
        do throws(FileError) {
            try makeDirectory(path, mode: 0o700)
        } catch {
            throw Refusal(reason: error.reason)
        }
        try self.init(path)
    }

    /// The bytes of a file, or `nil` if there is none or it cannot be trusted. The file counts as used now, by the time of its
    /// last change, which no file system leaves out; where that cannot be set it stays.
    func contents(of name: String) -> [UInt8]? {
        let file = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            Self.distrust(of: name, status) == nil
        else { return nil }
        futimens(file, nil)
        return [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            while count < buffer.count {
                let read = read(file, buffer.baseAddress! + count, buffer.count - count)
                if read < 0, errno == EINTR { continue }
                guard read > 0 else { return }
                count += read
            }
        }
    }

    /// Writes a file under the name `temporary` and renames it, so that a reader sees all of it or nothing.
    func write(_ bytes: [UInt8], to name: String, by temporary: String) throws(Refusal) {
        let file = openat(descriptor, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.systemRefusal() }
        var refusal: Refusal?
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while refusal == nil, !rest.isEmpty {
                let count = Foundation.write(
                    file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                if count < 0 { refusal = Self.systemRefusal() } else { rest = rest.dropFirst(count) }
            }
        }
        if close(file) != 0 { refusal = refusal ?? Self.systemRefusal() }
        if refusal == nil, renameat(descriptor, temporary, descriptor, name) != 0 {
            refusal = Self.systemRefusal()
        }
        guard let refusal else { return }
        unlinkat(descriptor, temporary, 0)
        throw refusal
    }

    /// A regular file as it was found.
    struct File: Hashable {
        let name: String
        let byteCount: Int
        /// The time of its last change or use since 1970.
        let modified: Duration

        fileprivate init(name: String, _ status: stat) {
            self.name = name
            byteCount = Int(status.st_size)
            modified = .seconds(status.st_mtim.tv_sec) + .nanoseconds(status.st_mtim.tv_nsec)
        }
    }

    /// The regular files that belong to this user or root and whose names are included, in no order. What cannot be looked at
    /// is left out.
    func files(where isIncluded: (String) -> Bool) -> [File] {
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { return [] }
        guard let stream = fdopendir(copy) else {
            close(copy)
            return []
        }
        defer { closedir(stream) }
        var files: [File] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard isIncluded(name) else { continue }
            var status = stat()
            guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0, Self.isOwn(status) else {
                continue
            }
            files.append(File(name: name, status))
        }
        return files
    }

    /// Removes a file that nobody has changed or used since it was found and whose first bytes, up to eight, pass a test.
    ///
    /// - Returns: whether it was removed here.
    /// - Throws: `Refusal` when the system does not let us.
    func remove(_ found: File, if isOurs: ([UInt8]) -> Bool) throws(Refusal) -> Bool {
        let file = openat(descriptor, found.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, Self.isOwn(status), File(name: found.name, status) == found else {
            return false
        }
        var start = [UInt8](repeating: 0, count: 8)
        let count = pread(file, &start, start.count, 0)
        guard count >= 0, isOurs(Array(start.prefix(count))) else { return false }
        if unlinkat(descriptor, found.name, 0) == 0 { return true }
        if errno == ENOENT { return false }
        throw Self.systemRefusal()
    }

    private static func isOwn(_ status: stat) -> Bool {
        status.st_mode & S_IFMT == S_IFREG && (status.st_uid == 0 || status.st_uid == geteuid())
    }

    private static func systemRefusal() -> Refusal {
        Refusal(reason: systemReason(), isMissing: errno == ENOENT)
    }

    /// Why what has this status may hold what somebody else wrote.
    private static func distrust(of place: String, _ status: stat) -> String? {
        if status.st_uid != 0, status.st_uid != geteuid() { return "'\(place)' belongs to another user" }
        if status.st_mode & 0o022 != 0 {
            return "others may write to '\(place)'; take that away with chmod go-w"
        }
        return nil
    }
}
