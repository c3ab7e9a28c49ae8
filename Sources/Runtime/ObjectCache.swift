import Atomics
import Foundation
import LLVMBridge
import Synchronization

/// Compiled objects kept on disk, so that a model compiles once per machine.
///
/// A file is used only if its checksum and its complete key text are right; anything else is compiled
/// again and written again. Files are written beside and renamed, so several processes may share a
/// directory. A directory that cannot be used turns the cache off, with one `warning`, and changes nothing else.
/// Nothing is ever evicted: the directory may be deleted at any time.
package final class ObjectCache: Sendable {
    /// Where the entries are; nil if the cache is off.
    package let directory: URL?

    private let firstWarning = Mutex<String?>(nil)
    private let writingWorks = ManagedAtomic<Bool>(true)
    /// Numbers the temporary files of this process.
    private static let temporaryFiles = ManagedAtomic<Int>(0)

    /// `$XDG_CACHE_HOME/bertc`, or `~/.cache/bertc`; nil without a home directory.
    package static var defaultDirectory: URL? {
        defaultDirectory(environment: ProcessInfo.processInfo.environment)
    }

    /// The default for the given environment variables. A relative XDG_CACHE_HOME is ignored, as its
    /// specification asks.
    package static func defaultDirectory(environment: [String: String]) -> URL? {
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
            return URL(fileURLWithPath: cache, isDirectory: true).appendingPathComponent("bertc")
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return URL(fileURLWithPath: home, isDirectory: true).appendingPathComponent(".cache/bertc")
    }

    /// - Parameter directory: Where to keep the entries; made when first written to. nil turns the cache off.
    package init(directory: URL? = ObjectCache.defaultDirectory) { self.directory = directory }

    /// Why objects are not being kept, in one line; nil while all is well.
    package var warning: String? { firstWarning.withLock { $0 } }

    /// The object for a module of IR text: from disk if it is there, compiled (and kept) otherwise.
    ///
    /// - Parameters:
    ///   - ir: The module, as for `KernelCompiler.compile`.
    ///   - cpu: The processor to generate code for.
    ///   - passes: IR passes to run before code generation.
    /// - Throws: What the compiler throws. Trouble with the disk is never an error.
    package func object(
        for ir: String, cpu: TargetCPU, passes: String? = nil
    ) throws(LLVMError) -> (object: ObjectCode, fromCache: Bool) {
        guard let directory else {
            return (try KernelCompiler.compile(ir: ir, for: cpu, passes: passes), false)
        }
        let key = ObjectCacheEntry.key(ir: ir, cpu: cpu, passes: passes)
        let file = directory.appendingPathComponent(ObjectCacheEntry.fileName(for: key))
        if let data = try? Data(contentsOf: file),
            let object = ObjectCacheEntry.decode([UInt8](data), expecting: key)
        {
            return (object, true)
        }
        let object = try KernelCompiler.compile(ir: ir, for: cpu, passes: passes)
        keep(ObjectCacheEntry(key: key, object: object), at: file, in: directory)
        return (object, false)
    }

    /// The file that holds, or would hold, the object of this compilation; nil if the cache is off.
    package func file(for ir: String, cpu: TargetCPU, passes: String? = nil) -> URL? {
        let key = ObjectCacheEntry.key(ir: ir, cpu: cpu, passes: passes)
        return directory?.appendingPathComponent(ObjectCacheEntry.fileName(for: key))
    }

    /// Writes an entry beside its place and renames it. The first failure stops all further writing.
    private func keep(_ entry: ObjectCacheEntry, at file: URL, in directory: URL) {
        guard writingWorks.load(ordering: .relaxed) else { return }
        let number = Self.temporaryFiles.loadThenWrappingIncrement(ordering: .relaxed)
        let temporary = directory.appendingPathComponent(".\(getpid())-\(number).tmp")
        do {
            try FileManager.default.createDirectory(
                at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try Data(entry.encoded).write(to: temporary)
            guard rename(temporary.path, file.path) == 0 else {
                throw CocoaError(
                    .fileWriteUnknown, userInfo: [NSLocalizedDescriptionKey: String(cString: strerror(errno))]
                )
            }
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            writingWorks.store(false, ordering: .relaxed)
            firstWarning.withLock { warning in
                warning =
                    warning
                    ?? "compiled kernels are not kept: cannot write to '\(directory.path)' "
                    + "(\(error.localizedDescription)): make the directory writable or choose another one"
            }
        }
    }
}
