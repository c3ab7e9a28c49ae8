import Foundation
import Testing

@Suite struct RooflineTests {
    @Test func jsonHasEveryCeilingOfTheInstructionSet() throws {
        let result = try Tool.run(["roofline", "--json", "--no-cache", "--cpu", "avx2"])
        #expect(result.status == 0, "\(result.error)")
        let page = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect((page["machine"] as? String)?.contains("avx2") == true)
        let ceilings = try #require(page["ceilings"] as? [[String: Any]])
        #expect(
            ceilings.compactMap { $0["ceiling"] as? String }
                == ["fma", "triad", "streamingTriad", "memoryRead", "level3Read", "level2Read"])
        #expect(ceilings.allSatisfy { ($0["all_cores"] as? NSNumber)?.doubleValue ?? 0 > 0 })
    }

    @Test func tableNamesTheMachine() throws {
        let result = try Tool.run(["roofline", "--no-cache", "--threads", "1"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.outputLines.first?.hasSuffix(", 1 thread") == true)
        #expect(result.output.contains("\nf32 multiply-adds "))
    }
}
