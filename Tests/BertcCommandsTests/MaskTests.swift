import Foundation
import TestSupport
import Testing

@Suite struct MaskTests {
    let scratch: TemporaryDirectory

    init() throws { scratch = try TemporaryDirectory() }

    @Test func pageShowsPatternAndSparsity() throws {
        let result = try Tool.run(["mask", "star", "--no-run", "--heads", "2"])
        #expect(result.status == 0)
        let lines = result.outputLines
        // The hub's row and key, and the diagonal.
        #expect(lines[0].hasPrefix("███▀▀▀"))
        #expect(lines[20].hasPrefix("█  "))
        #expect(result.output.contains("\nelements  96.1 % of 128 x 128 left out\n"))
        #expect(lines.allSatisfy { $0.count <= 110 })
    }

    @Test func measuredSpeedUp() throws {
        let result = try Tool.run([
            "mask", "window(4)", "--seq", "512", "--heads", "1", "--head-size", "16", "--json", "--no-cache",
        ])
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(json["tiles_full"] as? Int == 0)
        // 8 blocks of 64 queries: each meets its own block of 128 keys, and half of them a neighbour's, but at the ends.
        #expect(json["tiles_partial"] as? Int == 14)
        #expect((json["dense_seconds"] as? Double ?? 0) > 0)
        #expect((json["masked_seconds"] as? Double ?? 0) > 0)
    }

    @Test func pictureAsPNG() throws {
        let path = scratch.path("mask.png")
        #expect(
            try Tool.run(["mask", "causal", "--seq", "9", "--png", path, "--no-run", "--quiet"]).status == 0)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(bytes.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        // The header of a picture of 9 x 9 with its checksum, as zlib computes it.
        #expect(bytes[16..<29] == [0, 0, 0, 9, 0, 0, 0, 9, 1, 0, 0, 0, 0])
        #expect(bytes[29..<33] == [0xC8, 0xEA, 0x3B, 0xBD])
        // Filter, then white but for the first key; the last row is black.
        #expect(bytes[48..<51] == [0, 0x7F, 0xFF])
    }

    @Test func maskFile() throws {
        let path = scratch.path("mask.txt")
        try Data("80\nc0\n".utf8).write(to: URL(fileURLWithPath: path))
        let result = try Tool.run(["mask", path, "--seq", "2", "--no-run", "--json"])
        #expect(result.output.contains("\"sparsity\": 0.25,"))
        let longer = try Tool.run(["mask", path, "--no-run"])
        #expect(longer.status == 64)
        #expect(longer.error.contains("--seq is 128, but the mask is for at most 2 tokens"))
    }

    @Test(arguments: [
        (["mask", "windo"], 65, "there is no mask 'windo'"), (["mask", "window(-2)"], 65, "w must be 0 to"),
        (["mask", "star;causal"], 65, "2 patterns for 12 heads"),
        (["mask", "star", "--seq", "0"], 64, "--seq is 0"),
        (["mask", "star", "--head", "12"], 64, "--head is 12; expected 0 to 11"),
    ])
    func mistakes(_ arguments: [String], _ status: Int32, _ message: String) throws {
        let result = try Tool.run(arguments)
        #expect(result.status == status)
        #expect(result.error.contains(message))
    }
}
