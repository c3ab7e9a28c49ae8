import Foundation
import Support

/// The entries of a cache directory, those of older versions of bertc among them: what they take, and which have to go.
///
/// Any number of processes may use the directory meanwhile. An entry that another process removes or writes again is one
/// that need not be removed here; one that is removed while another process wants it is compiled again there.
package struct CacheContents {
    /// What was removed.
    package struct Removal: Equatable {
        package private(set) var entries = 0
        package private(set) var bytes = 0
        /// Why something that should have gone is still there, if the system did not let us.
        package private(set) var failure: String?

        /// Nothing.
        package init() {}

        /// Removes an entry, or what a process that has ended left of one.
        fileprivate mutating func remove(_ file: PrivateDirectory.File, in directory: PrivateDirectory) {
            do throws(PrivateDirectory.Refusal) {
                guard try directory.remove(file, if: ObjectCacheEntry.mayBegin),
                    ObjectCacheEntry.isFileName(file.name)
                else { return }
                entries += 1
                bytes += file.byteCount
            } catch {
                failure = failure ?? error.reason
            }
        }
    }

    private let directory: PrivateDirectory
    /// Files that have the names of entries, the least recently used first.
    private let entries: [PrivateDirectory.File]
    /// Files that have the names of unfinished entries.
    private let unfinished: [PrivateDirectory.File]

    /// An unfinished entry that was written to longer ago than this belongs to a process that has ended.
    private static let abandonedAfter = Duration.seconds(3600)

    init(_ directory: PrivateDirectory) {
        self.directory = directory
        let files = directory.files {
            ObjectCacheEntry.isFileName($0) || ObjectCacheEntry.isTemporaryName($0)
        }
        entries = files.filter { ObjectCacheEntry.isFileName($0.name) }
            .sorted { ($0.modified, $0.name) < ($1.modified, $1.name) }
        unfinished = files.filter { ObjectCacheEntry.isTemporaryName($0.name) }
    }

    /// The number of entries.
    package var count: Int { entries.count }

    /// The bytes that all entries take.
    package var bytes: Int { entries.reduce(0) { $0 + $1.byteCount } }

    /// When the entry that was not used for longest was used.
    package var leastRecentUse: Date? {
        entries.first.map { Date(timeIntervalSince1970: $0.modified / .seconds(1)) }
    }

    /// Removes what is too old and then, the least recently used first, what is too much.
    ///
    /// - Parameter kept: names of files that stay whatever the limits say.
    package func prune(_ limits: CacheLimits, keeping kept: Set<String> = [], now: Date = Date()) -> Removal {
        let now = Duration.seconds(now.timeIntervalSince1970)
        var removal = Removal()
        removeAbandoned(now, &removal)
        var rest = bytes
        for file in entries {
            let isTooOld = limits.maxAge.map { now - file.modified > $0 } ?? false
            let isTooMuch = limits.maxBytes.map { rest > $0 } ?? false
            guard isTooOld || isTooMuch else { break }
            guard !kept.contains(file.name) else { continue }
            removal.remove(file, in: directory)
            // A file that stays is not the cache's, or is as good as new.
            rest -= file.byteCount
        }
        return removal
    }

    /// Removes all entries.
    package func clear() -> Removal {
        var removal = Removal()
        removeAbandoned(.seconds(Date().timeIntervalSince1970), &removal)
        for file in entries { removal.remove(file, in: directory) }
        return removal
    }

    private func removeAbandoned(_ now: Duration, _ removal: inout Removal) {
        for file in unfinished where now - file.modified > Self.abandonedAfter {
            removal.remove(file, in: directory)
        }
    }
}
