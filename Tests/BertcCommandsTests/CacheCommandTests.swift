import Foundation
import TestSupport
import Testing

@Suite struct CacheCommandTests {
    static let graph = """
        graph "g" {
          %0 = input {name = "a"} : f32[3, 4]
          %1 = exp %0 : f32[3, 4]
          output "b" %1
        }
        """

    /// Compiles, looks, prunes and clears, all in a cache of its own.
    @Test func showsPrunesAndClears() throws {
        let scratch = try TemporaryDirectory()
        try scratch.write("g.ir", Self.graph)
        func tool(_ line: String) throws -> Tool.Result {
            try Tool.shell("export XDG_CACHE_HOME=$PWD/c; $B \(line)", in: scratch)
        }
        func page(_ line: String) throws -> [String: Any] {
            let result = try tool(line)
            #expect(result.status == 0, "\(result.error)")
            let page = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
            return try #require(page as? [String: Any])
        }
        #expect(try page("cache --json")["entries"] as? Int == 0)
        #expect(!scratch.exists("c"))
        #expect(try tool("compile g.ir --quiet").status == 0)
        try scratch.write("c/bertc/notes.txt", "mine")
        let full = try page("cache --json")
        let entries = try #require(full["entries"] as? Int)
        #expect(entries > 0)
        #expect((full["path"] as? String)?.hasSuffix("/c/bertc") == true)
        #expect(full["max_bytes"] as? Int == 512_000_000 && full["max_age"] as? Int == 2_592_000)
        #expect(try tool("cache").output.contains("entries     \(entries)\n"))
        #expect(try page("cache prune --json --max-age 1h")["removed_entries"] as? Int == 0)
        let pruned = try page("cache prune --json --max-size 1")
        #expect(pruned["removed_entries"] as? Int == entries)
        #expect(pruned["removed_bytes"] as? Int == full["bytes"] as? Int)
        #expect(try tool("compile g.ir --quiet").status == 0)
        #expect(try tool("cache clear").output.hasPrefix("removed \(entries) entr"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path("c/bertc")) == ["notes.txt"])
    }

    @Test(arguments: [
        "cache prune --max-size big", "cache prune --max-age 3", "cache prune --max-age=-1d", "cache empty",
    ])
    func wrongUsageIsRefused(_ line: String) throws {
        let result = try Tool.shell("$B \(line)", in: try TemporaryDirectory())
        #expect(result.status == 64 && result.output.isEmpty, "\(result)")
        #expect(result.error.split(separator: "\n").count == 1)
    }

    /// What the environment says and is not understood is noted; what others may write is not touched.
    @Test func oddSurroundings() throws {
        let scratch = try TemporaryDirectory()
        let noted = try Tool.shell(
            "XDG_CACHE_HOME=$PWD BERTC_CACHE_MAX_SIZE=big $B cache", in: scratch)
        #expect(noted.status == 0 && noted.error.contains("BERTC_CACHE_MAX_SIZE is 'big'"))
        let open = try Tool.shell(
            "mkdir bertc; chmod 777 bertc; XDG_CACHE_HOME=$PWD $B cache clear", in: scratch)
        #expect(open.status == 73 && open.error.contains("others may write to '"), "\(open)")
    }
}
