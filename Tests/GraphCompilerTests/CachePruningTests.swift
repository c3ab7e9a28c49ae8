import Foundation
import LLVMBridge
import TestSupport
import Testing

@testable import GraphCompiler

/// What leaves the cache's directory, and what never does.
@Suite(.serialized) struct CachePruningTests {
    static let day = 86_400.0
    let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    /// A file that was last used so many days ago.
    func file(_ name: String, _ contents: String = "bertcob2", bytes: Int = 100, days: Double) throws {
        try scratch.write(name, contents + String(repeating: " ", count: max(0, bytes - contents.utf8.count)))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -days * Self.day)],
            ofItemAtPath: scratch.path(name))
    }

    /// The name of an entry.
    func entry(_ number: Int, digits: Int = 16) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text + ".obj"
    }

    func names() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: scratch.path))
    }

    func contents() throws -> CacheContents {
        try #require(try ObjectCache(directory: scratch.url).contents())
    }

    @Test(arguments: [
        (CacheLimits(maxBytes: nil, maxAge: nil), [0, 1, 2, 3]),
        (CacheLimits(), [1, 2, 3]),
        (CacheLimits(maxBytes: 400, maxAge: nil), [0, 1, 2, 3]),
        (CacheLimits(maxBytes: 399, maxAge: nil), [1, 2, 3]),
        (CacheLimits(maxBytes: 200, maxAge: nil), [2, 3]),
        (CacheLimits(maxBytes: 300, maxAge: .seconds(36 * 3600)), [3]),
        (CacheLimits(maxBytes: 0, maxAge: nil), []),
    ])
    func leastRecentlyUsedGoFirst(_ limits: CacheLimits, _ left: [Int]) throws {
        for (number, days) in [40.0, 20, 2, 1].enumerated() { try file(entry(number), days: days) }
        let contents = try contents()
        #expect(contents.count == 4 && contents.bytes == 400)
        let removal = contents.prune(limits)
        #expect(removal.entries == 4 - left.count && removal.bytes == removal.entries * 100)
        #expect(try names() == Set(left.map { entry($0) }))
    }

    /// The file format and the names of older versions are entries; an unfinished one is for an hour.
    @Test func olderVersionsAndUnfinishedEntriesGoToo() throws {
        try file(entry(1, digits: 32), "bertcob1", days: 40)
        try file(entry(2), "", bytes: 0, days: 40)
        for name in [".77-0.tmp", ".18446744073709551615-77.tmp"] {
            try file(name, "bert", bytes: 4, days: 1)
        }
        try file(".78-0.tmp", days: 0)
        #expect(try contents().count == 2)
        #expect(try contents().prune(CacheLimits()).entries == 2)
        #expect(try names() == [".78-0.tmp"])
    }

    @Test func foreignFilesStay() throws {
        let foreign = [
            "notes.txt", "a.obj", "ABCDEF0123456789.obj", "roofline-x.json", ".x-0.tmp", ".1-2-3.tmp",
            "x.tmp",
            entry(1) + ".bak",
        ]
        for name in foreign { try file(name, days: 400) }
        // What only has the name of an entry, or of an unfinished one.
        try file(entry(2), "ELF", days: 400)
        try file(".1-2.tmp", "text", days: 400)
        try scratch.write(entry(3) + "/inside", "x")
        try FileManager.default.createSymbolicLink(
            at: scratch.url(entry(4)), withDestinationURL: scratch.url("a.obj"))
        let before = try names()
        #expect(try contents().prune(CacheLimits(maxBytes: 0, maxAge: .zero)).entries == 0)
        #expect(try contents().clear().entries == 0)
        #expect(try names() == before)
    }

    /// What another process has used, written again or removed since the directory was read.
    @Test func whatChangesMeanwhileIsLeft() throws {
        for number in 0..<4 { try file(entry(number), days: 40) }
        let contents = try contents()
        try file(entry(0), days: 0)
        try file(entry(1), bytes: 200, days: 40)
        try FileManager.default.removeItem(at: scratch.url(entry(2)))
        #expect(contents.prune(CacheLimits(maxBytes: 0)).entries == 1)
        #expect(try names() == [entry(0), entry(1)])
    }

    @Test func whatIsKeptStaysBeyondTheLimits() throws {
        for number in 0..<4 { try file(entry(number), days: 40) }
        let removal = try contents().prune(CacheLimits(maxBytes: 100), keeping: [entry(0), entry(2)])
        #expect(removal.entries == 2)
        #expect(try names() == [entry(0), entry(2)])
    }

    /// A compilation makes room, counts as a use, and never removes its own.
    @Test func compilingPrunes() throws {
        let cpu = try TargetCPU.host()
        func ir(_ number: Int) -> String { "define i64 @answer\(number)() { ret i64 \(number) }" }
        try file(entry(1), days: 40)
        try file(entry(2), days: 1)
        let cache = ObjectCache(directory: scratch.url, limits: CacheLimits(maxBytes: 1))
        for number in 0..<3 { _ = try cache.object(for: ir(number), cpu: cpu) }
        cache.pruneIfGrown()
        BackgroundPruning.wait()
        let own = Set((0..<3).compactMap { cache.file(for: ir($0), cpu: cpu)?.lastPathComponent })
        #expect(try names() == own)

        // A use is noted on the file, also for those who come later.
        let path = try #require(cache.file(for: ir(0), cpu: cpu)).path
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -40 * Self.day)], ofItemAtPath: path)
        #expect(try cache.object(for: ir(0), cpu: cpu).fromCache)
        #expect(try contents().prune(CacheLimits()).entries == 0)
        // Nothing was compiled, so nothing is looked at.
        try file(entry(1), days: 40)
        cache.pruneIfGrown()
        BackgroundPruning.wait()
        #expect(try names() == own.union([entry(1)]))
    }

    /// The directory goes away under a process that has it open.
    @Test func deletedDirectoryIsMadeAgain() throws {
        let cpu = try TargetCPU.host()
        let cache = ObjectCache(directory: scratch.url("cache"))
        for number in 0..<2 {
            let ir = "define i64 @gone\(number)() { ret i64 \(number) }"
            _ = try cache.object(for: ir, cpu: cpu)
            #expect(try cache.object(for: ir, cpu: cpu).fromCache)
            try FileManager.default.removeItem(at: scratch.url("cache"))
            #expect(try cache.contents() == nil)
            cache.pruneIfGrown()
            BackgroundPruning.wait()
        }
        #expect(cache.warning == nil)
    }

    @Test(
        arguments: [
            (nil, nil, 512_000_000, 30, true), ("", "", 512_000_000, 30, true),
            ("1.5GB", "2w", 1_500_000_000, 14, true), ("2MiB", "48h", 2 << 20, 2, true),
            ("1000", "0d", 1000, 0, true),
            ("unlimited", "unlimited", nil, nil, true), ("a lot", "1d", 512_000_000, 1, false),
            ("-1", "1d", 512_000_000, 1, false), ("1MB", "a month", 1_000_000, 30, false),
        ] as [(String?, String?, Int?, Int?, Bool)])
    func environmentSetsLimits(
        _ size: String?, _ age: String?, _ bytes: Int?, _ days: Int?, _ isRight: Bool
    ) {
        var environment: [String: String] = [:]
        environment[CacheLimits.sizeVariable] = size
        environment[CacheLimits.ageVariable] = age
        let standard = CacheLimits.standard(environment: environment)
        #expect(standard.limits.maxBytes == bytes)
        #expect(standard.limits.maxAge == days.map { .seconds($0 * 86_400) })
        #expect((standard.problem == nil) == isRight)
    }
}
