import Foundation
import TestSupport
import Testing

/// `bertc compile --explain` and `--require-fusion`.
@Suite struct ExplainTests {
    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyModel.write(.classification(labels: 3), labels: ["a", "b", "c"], to: scratch)
    }

    private func compile(_ options: String...) throws -> Tool.Result {
        try Tool.run(["compile", scratch.path("model"), "--training"] + options)
    }

    @Test func equalDecisionsStandOnceFusedFirst() throws {
        let result = try compile("--explain")
        #expect(result.status == 0)
        #expect(result.error.isEmpty)
        #expect(result.outputLines.allSatisfy { $0.count <= 100 })
        #expect(
            result.outputLines[0].wholeMatch(of: /bert: \d+ of \d+ candidates for fusion are fused.*/) != nil)
        // Both layers' feed-forward blocks.
        #expect(result.outputLines.contains { $0.wholeMatch(of: /\ +2 x .*  bias\+gelu .*/) != nil })
        #expect(result.outputLines.contains { $0.wholeMatch(of: /\ +2 x .*  attention .*/) != nil })
        let titles = result.outputLines.filter { $0.hasPrefix("fused: ") || $0.hasPrefix("rejected: ") }
        #expect(titles.first?.hasPrefix("fused: ") == true)
        #expect(titles.last?.hasPrefix("rejected: ") == true)
        #expect(
            titles == titles.filter { $0.hasPrefix("fused") } + titles.filter { $0.hasPrefix("rejected") })
        #expect(Set(titles).count == titles.count)
        // No numbers of nodes, which change from pass to pass.
        #expect(!result.output.contains("%"))
    }

    @Test func layersAndNodesNarrow() throws {
        let result = try compile("--explain", "--layer", "1", "--node", "gelu")
        #expect(result.status == 0)
        let places = result.outputLines.dropFirst(2).filter {
            !$0.contains("fused: ") && !$0.contains("rejected: ")
        }
        #expect(!places.isEmpty && places.allSatisfy { $0.contains("layer.1") && $0.contains("gelu") })
        let none = try compile("--explain", "--node", "nonsense")
        #expect(none.status == 64)
        #expect(none.error.contains("no candidate for fusion"))
    }

    @Test func machinesGetEveryDecision() throws {
        let result = try compile("--explain=json")
        #expect(result.status == 0)
        #expect(result.outputLines.count == 1)
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        let decisions = try #require(object?["decisions"] as? [[String: Any]])
        let text = try compile("--explain").outputLines[0]
        let fused = decisions.filter { $0["fused"] as? Bool == true }
        #expect(text.hasPrefix("bert: \(fused.count) of \(decisions.count) candidates"))
        let keys: Set = ["pattern", "fused", "reason", "bytes_saved", "producer", "consumer"]
        #expect(decisions.allSatisfy { Set($0.keys) == keys })
        #expect(
            decisions.contains { ($0["producer"] as? [String: String])?["label"] == "encoder.layer.1.ffn" })
    }

    /// `--explain` takes its value after `=` only.
    @Test func modelMayFollowTheOption() throws {
        let result = try Tool.run(["compile", "--explain", scratch.path("model")])
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("bert: "))
    }

    @Test func unfusedGraphsHaveNoCandidates() throws {
        let result = try compile("--explain", "--unfused")
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("bert: 0 of 0 candidates"))
    }

    @Test(arguments: [
        ["matmul+bias+gelu=2"], ["matmul+bias+gelu=1", " matmul + bias =3"], ["flash_attention=2"],
    ])
    func requirementsThatHold(_ required: [String]) throws {
        let options = required.flatMap { ["--require-fusion", $0] }
        let result = try Tool.run(["compile", scratch.path("model"), "--explain"] + options)
        #expect(result.status == 0)
        #expect(result.error.isEmpty)
    }

    @Test func missedRequirementSaysWhy() throws {
        let result = try compile(
            "--require-fusion", "matmul+bias+gelu=2", "--require-fusion", "gelu+matmul=1")
        #expect(result.status == 1)
        // The page comes all the same.
        #expect(result.output.contains("different kernels in"))
        let lines = result.error.split(separator: "\n")
        #expect(lines.dropLast().allSatisfy { $0.contains("rejected ") && $0.contains("gelu+matmul") })
        #expect(lines.count > 1)
        #expect(lines.last?.contains("error: ") == true)
        #expect(lines.last?.contains("0 kernels have gelu+matmul in their names, 1 are required") == true)
    }

    @Test func missesWithoutCandidates() throws {
        let unfused = try compile("--quiet", "--unfused", "--require-fusion", "matmul+bias=1")
        #expect(unfused.status == 1)
        #expect(unfused.error.contains("no pass that fuses has run"))
        let other = try compile("--quiet", "--require-fusion", "matmul+relu=1")
        #expect(other.status == 1)
        #expect(other.error.contains("no candidate for it was rejected"))
        #expect(other.error.split(separator: "\n").count == 1)
    }

    @Test(arguments: [
        (["--require-fusion", "matmul"], "expected parts and a count"),
        (["--require-fusion", "matmul=many"], "expected parts and a count"),
        (["--require-fusion", "matmul=0"], "at least 1"), (["--require-fusion", "=3"], "expected parts"),
        (["--require-fusion", "matmul++bias=3"], "expected parts"),
        (["--require-fusion", "a=1=2"], "expected parts"),
        (["--require-fusion", "matmul=1", "--emit", "fused"], "does not go with --emit"),
        (["--explain=xml"], "xml"), (["--explain", "--emit", "fused"], "--emit and --explain"),
        (["--explain", "--html", "x.html"], "--explain and --html"),
        (["--bisect", "--json"], "--bisect and --json"),
        (["--layer", "0", "--bisect"], "narrow what"),
    ])
    func malformedOptionsAreOneLine(_ options: [String], message: String) throws {
        let result = try Tool.run(["compile", scratch.path("model")] + options)
        #expect(result.status == 64)
        #expect(result.output.isEmpty)
        #expect(result.error.split(separator: "\n").count == 1)
        #expect(result.error.contains(message), "\(result.error)")
    }
}
