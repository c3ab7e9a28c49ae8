import Atomics
import Foundation
import LLVMBridge
import Support
import Synchronization

/// Compiled objects kept on disk, so that a model compiles once per machine.
///
/// A file is used only if nobody else can have written it (`PrivateDirectory`), and its checksum and its complete key
/// text are right; anything else is compiled again and written again. Files are written beside and renamed, so several
/// processes may share a directory. A directory that cannot be used turns the cache off, with one `warning`, and
/// changes nothing else. It may be deleted at any time.
///
/// A file's time of last change is the time of its last use. By it `pruneIfGrown` keeps the directory within `limits`.
package final class ObjectCache: Sendable {
    /// Where the entries are; nil if the cache is off.
    package let directory: URL?
    /// What the directory may hold.
    package let limits: CacheLimits

    private enum State {
        /// Nobody has asked for the directory yet, or it did not exist.
        case closed
        case open(PrivateDirectory)
        case unusable
    }

    private let state = Mutex(State.closed)
    private let firstWarning = Mutex<String?>(nil)
    private let writingWorks = ManagedAtomic<Bool>(true)
    /// Whether there were objects to keep since the directory was last pruned.
    private let hasGrown = ManagedAtomic<Bool>(false)
    /// Names of the entries that this process has read or written, which it never removes.
    private static let used = Mutex<Set<String>>([])

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

    /// - Parameters:
    ///   - directory: Where to keep the entries; made when first written to. nil turns the cache off.
    ///   - limits: What it may hold; what the environment or, without that, the defaults say when nil.
    package init(directory: URL? = ObjectCache.defaultDirectory, limits: CacheLimits? = nil) {
        self.directory = directory
        guard directory != nil, limits == nil else {
            self.limits = limits ?? CacheLimits()
            return
        }
        let standard = CacheLimits.standard()
        self.limits = standard.limits
        firstWarning.withLock { $0 = standard.problem }
    }

    /// Why objects are not being kept, or not as the environment says, in one line; nil while all is well.
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
        let name = ObjectCacheEntry.fileName(for: key)
        if let bytes = open(directory, making: false)?.contents(of: name),
            let object = ObjectCacheEntry.decode(bytes, expecting: key)
        {
            _ = Self.used.withLock { $0.insert(name) }
            return (object, true)
        }
        let object = try KernelCompiler.compile(ir: ir, for: cpu, passes: passes)
        keep(ObjectCacheEntry(key: key, object: object), as: name, in: directory)
        return (object, false)
    }

    /// The file that holds, or would hold, the object of this compilation; nil if the cache is off.
    package func file(for ir: String, cpu: TargetCPU, passes: String? = nil) -> URL? {
        let key = ObjectCacheEntry.key(ir: ir, cpu: cpu, passes: passes)
        return directory?.appendingPathComponent(ObjectCacheEntry.fileName(for: key))
    }

    /// The directory when what it holds may be used.
    ///
    /// - Parameter makes: whether it is made if there is none.
    package func trustedDirectory(making makes: Bool) -> URL? {
        directory.flatMap { open($0, making: makes) != nil ? $0 : nil }
    }

    /// The directory, once it exists and can be trusted.
    private func open(_ directory: URL, making makes: Bool) -> PrivateDirectory? {
        state.withLock { state -> PrivateDirectory? in
            switch state {
            case .open(let directory): return directory
            case .unusable: return nil
            case .closed: break
            }
            do throws(PrivateDirectory.Refusal) {
                let opened =
                    makes
                    ? try PrivateDirectory(making: directory.path) : try PrivateDirectory(directory.path)
                state = .open(opened)
                return opened
            } catch {
                if !makes, error.isMissing { return nil }
                state = .unusable
                warn("'\(directory.path)' is not used", error)
                return nil
            }
        }
    }

    /// Writes an entry. The first failure stops all further writing.
    private func keep(_ entry: ObjectCacheEntry, as name: String, in directory: URL) {
        hasGrown.store(true, ordering: .relaxed)
        _ = Self.used.withLock { $0.insert(name) }
        guard writingWorks.load(ordering: .relaxed), let place = open(directory, making: true) else { return }
        do throws(PrivateDirectory.Refusal) {
            do throws(PrivateDirectory.Refusal) {
                try place.write(entry.encoded, to: name, by: ObjectCacheEntry.temporaryName())
            } catch  where error.isMissing {
                // Somebody has deleted the directory since it was opened.
                state.withLock { $0 = .closed }
                try open(directory, making: true)?
                    .write(entry.encoded, to: name, by: ObjectCacheEntry.temporaryName())
            }
        } catch {
            writingWorks.store(false, ordering: .relaxed)
            warn("cannot write to '\(directory.path)'", error)
        }
    }

    /// Brings the directory back within its limits, beside whatever runs, if there were objects to keep since the last time.
    /// What this process has used stays. Nothing waits for it, and what goes wrong is left for the next time.
    package func pruneIfGrown() {
        guard hasGrown.load(ordering: .relaxed) else { return }
        BackgroundPruning.start { [self] in
            while hasGrown.exchange(false, ordering: .relaxed) {
                guard let directory, let place = open(directory, making: false) else { return }
                _ = CacheContents(place).prune(limits, keeping: Self.used.withLock { $0 })
            }
        }
    }

    /// What the directory holds; nil if there is none.
    /// - Throws: `FileError` for a directory that is not used.
    package func contents() throws(FileError) -> CacheContents? {
        guard let directory else { return nil }
        do throws(PrivateDirectory.Refusal) {
            return CacheContents(try PrivateDirectory(directory.path))
        } catch {
            if error.isMissing { return nil }
            throw FileError(
                .write, directory.path,
                "\(error.reason); mend that, or choose another directory with XDG_CACHE_HOME")
        }
    }

    private func warn(_ problem: String, _ refusal: PrivateDirectory.Refusal) {
        firstWarning.withLock { warning in
            warning =
                warning
                ?? "compiled kernels are not kept: \(problem) (\(refusal.reason)): mend that, choose another "
                + "directory with XDG_CACHE_HOME, or give --no-cache"
        }
    }
}
