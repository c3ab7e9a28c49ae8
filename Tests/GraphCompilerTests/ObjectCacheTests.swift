import Foundation
import LLVMBridge
import Testing

@testable import GraphCompiler

@Suite struct ObjectCacheTests {
    let cpu: TargetCPU
    let directory: URL
    init() throws {
        cpu = try TargetCPU.host()
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "bertc-\(UUID().uuidString)")
    }

    /// A kernel that writes `number` to the first i64 of its first buffer.
    func ir(_ number: Int) -> String {
        """
        define void @answer(ptr %buffers, ptr %dims, i64 %begin, i64 %end, ptr %scratch) nounwind {
          %p = load ptr, ptr %buffers
          store i64 \(number), ptr %p
          ret void
        }
        """
    }

    func answer(_ object: ObjectCode) throws -> Int {
        let kernel = try JITSession().load(object, symbol: "answer")
        var result = 0
        withUnsafeMutableBytes(of: &result) { kernel(buffers: [$0.baseAddress], dims: [], tasks: 0..<1) }
        return result
    }

    @Test func secondRequestIsAHitAlsoForAnotherProcess() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let first = try ObjectCache(directory: directory).object(for: ir(42), cpu: cpu)
        // A new cache object has nothing in memory, as a new process would.
        let second = try ObjectCache(directory: directory).object(for: ir(42), cpu: cpu)
        #expect(!first.fromCache && second.fromCache)
        #expect(first.object == second.object)
        #expect(try answer(second.object) == 42)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(names.count == 1 && names[0].hasSuffix(".obj"), "\(names)")
    }

    @Test func everyPartOfTheKeyCounts() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let cache = ObjectCache(directory: directory)
        #expect(try !cache.object(for: ir(1), cpu: cpu).fromCache)
        #expect(try !cache.object(for: ir(2), cpu: cpu).fromCache)
        #expect(try !cache.object(for: ir(1), cpu: cpu, passes: "default<O1>").fromCache)
        let lowered = try TargetCPU.host(limit: .avx2)
        if lowered != cpu { #expect(try !cache.object(for: ir(1), cpu: lowered).fromCache) }
        #expect(try cache.object(for: ir(1), cpu: cpu).fromCache)
    }

    /// Any damage to a file: the object is compiled again, right, and the file is good afterwards.
    @Test func damagedEntriesAreRecompiled() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let cache = ObjectCache(directory: directory)
        let good = try cache.object(for: ir(7), cpu: cpu).object
        let file = try #require(cache.file(for: ir(7), cpu: cpu))
        let bytes = [UInt8](try Data(contentsOf: file))
        var damaged: [[UInt8]] = [[], [0], Array(bytes.prefix(39)), Array(bytes.prefix(40)), bytes + [0]]
        damaged += [bytes.count / 2, bytes.count - 1].map { Array(bytes.prefix($0)) }
        // One flipped bit in every 61st byte, and in each byte of the header.
        for place in Array(0..<40) + Array(stride(from: 40, to: bytes.count, by: 61)) {
            var copy = bytes
            copy[place] ^= 1 << UInt8(place % 8)
            damaged.append(copy)
        }
        for (index, content) in damaged.enumerated() {
            try Data(content).write(to: file)
            let again = try cache.object(for: ir(7), cpu: cpu)
            #expect(!again.fromCache && again.object == good, "damage \(index)")
            #expect(try cache.object(for: ir(7), cpu: cpu).fromCache, "damage \(index) was repaired")
        }
        #expect(cache.warning == nil)
    }

    /// Another key's intact entry under this key's name, as after a collision of the hash.
    @Test func collisionsAreHarmless() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let cache = ObjectCache(directory: directory)
        _ = try cache.object(for: ir(10), cpu: cpu)
        let other = try #require(cache.file(for: ir(10), cpu: cpu))
        let mine = try #require(cache.file(for: ir(11), cpu: cpu))
        #expect(other != mine)
        try FileManager.default.copyItem(at: other, to: mine)
        let result = try cache.object(for: ir(11), cpu: cpu)
        #expect(!result.fromCache)
        #expect(try answer(result.object) == 11)
    }

    /// What others can have written is neither run nor written to: the directory, one above it, a file in it.
    @Test(arguments: ["cache", ".", "entry"])
    func whatOthersMayWriteIsNotUsed(_ place: String) throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let below = directory.appendingPathComponent("cache")
        _ = try ObjectCache(directory: below).object(for: ir(20), cpu: cpu)
        let cache = ObjectCache(directory: below)
        let file = try #require(cache.file(for: ir(20), cpu: cpu))
        let path = place == "entry" ? file.path : directory.appendingPathComponent(place).path
        #expect(chmod(path, place == "entry" ? 0o666 : 0o777) == 0)
        #expect(try !cache.object(for: ir(20), cpu: cpu).fromCache)
        if place == "entry" {
            // The next one is this user's own again.
            #expect(try cache.warning == nil && cache.object(for: ir(20), cpu: cpu).fromCache)
        } else {
            let warning = try #require(cache.warning)
            #expect(warning.contains("others may write to '"), "\(warning)")
        }
    }

    /// Neither a link to an entry nor a pipe is an entry.
    @Test func onlyRegularFilesAreRead() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let cache = ObjectCache(directory: directory)
        _ = try cache.object(for: ir(21), cpu: cpu)
        let file = try #require(cache.file(for: ir(21), cpu: cpu))
        let elsewhere = directory.appendingPathComponent("elsewhere")
        try FileManager.default.moveItem(at: file, to: elsewhere)
        try FileManager.default.createSymbolicLink(at: file, withDestinationURL: elsewhere)
        #expect(try !cache.object(for: ir(21), cpu: cpu).fromCache)
        try FileManager.default.removeItem(at: file)
        #expect(mkfifo(file.path, 0o600) == 0)
        #expect(try !cache.object(for: ir(21), cpu: cpu).fromCache)
        #expect(try cache.object(for: ir(21), cpu: cpu).fromCache)
    }

    @Test func directoriesAreForTheUserAlone() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let below = directory.appendingPathComponent("a/b")
        _ = try ObjectCache(directory: below).object(for: ir(22), cpu: cpu)
        for path in [directory.path, below.path] {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o700)
        }
    }

    @Test func compileErrorsPassThroughAndAreNotKept() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let cache = ObjectCache(directory: directory)
        for _ in 0..<2 {
            #expect(throws: LLVMError.self) { try cache.object(for: "define nonsense", cpu: cpu) }
        }
        #expect(!FileManager.default.fileExists(atPath: directory.path))
    }

    @Test func withoutADirectoryEverythingCompiles() throws {
        let cache = ObjectCache(directory: nil)
        for _ in 0..<2 {
            let result = try cache.object(for: ir(3), cpu: cpu)
            #expect(try !result.fromCache && answer(result.object) == 3)
        }
        #expect(cache.warning == nil && cache.file(for: ir(3), cpu: cpu) == nil)
    }

    /// A path below a regular file cannot be made, whoever runs the test.
    @Test func unwritableDirectoryOnlyWarns() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data([1]).write(to: directory)
        let below = directory.appendingPathComponent("cache")
        let cache = ObjectCache(directory: below)
        for number in 0..<3 {
            let result = try cache.object(for: ir(number), cpu: cpu)
            #expect(try !result.fromCache && answer(result.object) == number)
        }
        let warning = try #require(cache.warning)
        #expect(warning.contains(below.path) && !warning.contains("\n"), "\(warning)")
    }

    @Test func entryThatIsADirectoryOnlyWarns() throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let cache = ObjectCache(directory: directory)
        let file = try #require(cache.file(for: ir(5), cpu: cpu))
        try FileManager.default.createDirectory(at: file, withIntermediateDirectories: true)
        #expect(try answer(cache.object(for: ir(5), cpu: cpu).object) == 5)
        #expect(cache.warning != nil)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(names == [file.lastPathComponent], "no temporary file is left: \(names)")
    }

    @Test func threadsShareACache() async throws {
        defer { try? FileManager.default.removeItem(at: directory) }
        let cache = ObjectCache(directory: directory)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for number in 0..<12 {
                        let object = try cache.object(for: ir(number), cpu: cpu).object
                        #expect(try answer(object) == number)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(cache.warning == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == 12)
    }

    @Test func defaultDirectoryFollowsTheEnvironment() {
        func path(_ environment: [String: String]) -> String? {
            ObjectCache.defaultDirectory(environment: environment)?.path
        }
        #expect(path(["XDG_CACHE_HOME": "/x/cache", "HOME": "/home/a"]) == "/x/cache/bertc")
        #expect(path(["XDG_CACHE_HOME": "relative", "HOME": "/home/a"]) == "/home/a/.cache/bertc")
        #expect(path(["XDG_CACHE_HOME": "", "HOME": "/home/a"]) == "/home/a/.cache/bertc")
        #expect(path([:]) == nil)
    }
}
