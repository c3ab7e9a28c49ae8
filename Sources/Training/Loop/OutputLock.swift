import Foundation
import GraphCompiler
import Pipelines

/// The right to write into an output directory, which one process has at a time.
///
/// It is the system's lock on the file `.bertc.lock` in the directory, which goes with the process however that ends. The
/// file says who holds it and is removed with the lock.
package final class OutputLock {
    private static let name = ".bertc.lock"

    private let path: String
    private let descriptor: Int32
    /// The directories that had to be made, deepest first; those that stay empty are removed again.
    private let made: [String]

    /// Makes the directory if it is not there, and takes its lock.
    ///
    /// - Throws: `ModelError` naming the process that has the lock, or when the directory cannot be written into.
    package init(_ directory: String) throws {
        let made = try Self.make(directory)
        path = (directory as NSString).appendingPathComponent(Self.name)
        do {
            descriptor = try Self.lock(path, in: directory)
        } catch {
            for directory in made { rmdir(directory) }
            throw error
        }
        self.made = made
        let holder = Array("\(getpid()) \(ProcessInfo.processInfo.hostName)\n".utf8)
        // Who holds the lock is for a message only: a full disk is found out when something is saved.
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, holder, holder.count, 0)
    }

    /// The right of a group of processes, which its first one has; `nil` for the others.
    package static func ofFirst(of group: ProcessGroup?, _ directory: String) throws -> OutputLock? {
        group?.isFirst ?? true ? try OutputLock(directory) : nil
    }

    /// Who has the lock of a directory, as its file says; `nil` where it has none.
    static func owner(of directory: String) -> String? {
        let path = (directory as NSString).appendingPathComponent(name)
        return FileManager.default.contents(atPath: path).map {
            String(decoding: $0.prefix { $0 != 10 }, as: UTF8.self)
        }
    }

    deinit {
        unlink(path)
        close(descriptor)
        for directory in made where rmdir(directory) != 0 { break }
    }

    /// - Returns: the directories that were made, deepest first.
    private static func make(_ directory: String) throws -> [String] {
        var missing: [String] = []
        var path = directory
        while !path.isEmpty, path != "/", !FileManager.default.fileExists(atPath: path) {
            missing.append(path)
            path = path.parentPath
        }
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw ModelError(.unwritable, "cannot make the directory; check its parent", at: directory)
        }
        return missing
    }

    /// - Returns: the descriptor of the lock file.
    private static func lock(_ path: String, in directory: String) throws -> Int32 {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else {
                throw ModelError(
                    .unwritable,
                    "cannot be written to: \(String(cString: strerror(errno))); choose another outputDirectory",
                    at: directory)
            }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
                defer { close(descriptor) }
                throw ModelError(
                    .unwritable,
                    "\(holder(descriptor)) is writing to it; wait until it has finished, or choose another "
                        + "outputDirectory", at: directory)
            }
            // Its last owner may have removed the file between the two calls; then the lock is nobody's.
            var (own, named) = (stat(), stat())
            if fstat(descriptor, &own) == 0, stat(path, &named) == 0, own.st_ino == named.st_ino,
                own.st_dev == named.st_dev
            {
                return descriptor
            }
            close(descriptor)
        }
    }

    /// The process that has the lock, as its file says.
    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = max(0, pread(descriptor, &bytes, bytes.count, 0))
        let words = String(decoding: bytes.prefix(count), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2 else { return "another process" }
        return "process \(words[0]) on \(words[1])"
    }
}
