import ArgumentParser
import GraphCompiler
import Support

/// `bertc cache`: the compiled kernels on disk.
struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Shows, clears and prunes the cache of compiled kernels.",
        discussion: """
            The cache looks after itself: what was not used for 30 days goes, and beyond 512 MB what was used least
            recently. BERTC_CACHE_MAX_AGE and BERTC_CACHE_MAX_SIZE in the environment set other limits.

            EXAMPLE:
              bertc cache
              bertc cache clear
              bertc cache prune --max-size 100MB --max-age 7d
            """,
        subcommands: [CacheShowCommand.self, CacheClearCommand.self, CachePruneCommand.self],
        defaultSubcommand: CacheShowCommand.self)
}

/// What all of them take.
struct CacheOptions: ParsableArguments {
    @Flag(help: "Print the result as a JSON object.")
    var json = false

    /// The directory of all other commands.
    var cache: ObjectCache { ObjectCache() }

    /// Prints what was removed, and from what.
    /// - Throws: `FileError` when something could not be removed.
    func show(_ removal: CacheContents.Removal, from cache: ObjectCache) throws(FileError) {
        let path = cache.directory?.path
        if json {
            let page: JSONValue = .object([
                ("path", path.map { .string($0) } ?? .null),
                ("removed_entries", .integer(removal.entries)),
                ("removed_bytes", .integer(removal.bytes)),
            ])
            Console.print("\(page)")
        } else {
            let entries = Formatted.count(removal.entries, "entry", "entries")
            Console.print("removed \(entries), \(Formatted.bytes(removal.bytes))")
        }
        if let path, let failure = removal.failure { throw FileError(.write, path, failure) }
    }
}

/// `bertc cache show`, which is what `bertc cache` does.
struct CacheShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows where the cache is, what it holds and its limits.")

    @OptionGroup var options: CacheOptions

    func run() throws {
        let cache = options.cache
        if let warning = cache.warning { Console.note(warning) }
        let page = CachePage(cache: cache, contents: try cache.contents())
        Console.print(options.json ? "\(page.json)" : page.text)
    }
}

/// `bertc cache clear`.
struct CacheClearCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear",
        abstract: "Removes all compiled kernels, and nothing else that is in the directory.",
        discussion: "The ceilings that bertc roofline has measured stay.")

    @OptionGroup var options: CacheOptions

    func run() throws {
        let cache = options.cache
        try options.show(cache.contents()?.clear() ?? CacheContents.Removal(), from: cache)
    }
}

/// `bertc cache prune`.
struct CachePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Removes compiled kernels that are too old, or too many, the least recently used first.",
        discussion: "Where an option is left out the limit is the one that `bertc cache` shows.")

    @Option(
        help: "The most bytes to keep, such as 100MB, 2GiB or unlimited.",
        transform: { text in
            guard let size = CacheLimits.size(text) else {
                throw ValidationError(CacheLimits.sizeExpectation)
            }
            return size
        })
    var maxSize: CacheLimits.Setting<Int>?

    @Option(
        help: "How long to keep what is not used, such as 12h, 30d, 2w or unlimited.",
        transform: { text in
            guard let age = CacheLimits.age(text) else { throw ValidationError(CacheLimits.ageExpectation) }
            return age
        })
    var maxAge: CacheLimits.Setting<Duration>?

    @OptionGroup var options: CacheOptions

    func run() throws {
        let cache = options.cache
        if let warning = cache.warning { Console.note(warning) }
        var limits = cache.limits
        if let maxSize { limits.maxBytes = maxSize.value }
        if let maxAge { limits.maxAge = maxAge.value }
        try options.show(cache.contents()?.prune(limits) ?? CacheContents.Removal(), from: cache)
    }
}
