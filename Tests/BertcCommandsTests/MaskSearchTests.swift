import Foundation
import TestSupport
import Testing

/// `bertc train` that learns an attention mask, and what is done with the mask then.
@Suite struct MaskSearchTests {
    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyTraining.write(to: scratch)
    }

    private func train(_ settings: String...) throws -> Tool.Result {
        try Tool.run(["train", scratch.path("train.json")] + settings.flatMap { ["--set", $0] })
    }

    @Test func searchThenFineTune() throws {
        let search = try train(
            "dam=structured", "maxLength=10", "damLambda=1000", "damLearningRate=0.1", "saveBest=false")
        #expect(search.status == 0, "\(search.error)")
        #expect(search.output.contains("mask: structured gates, learned for up to 10 tokens, lambda 1000"))
        #expect(search.output.contains("  mask 100.0 % sparse  "))

        let mask = try Tool.run([
            "mask", scratch.path("output/attention_mask.txt"), "--seq", "10", "--heads", "2", "--no-run",
        ])
        #expect(mask.status == 0 && mask.output.contains("100.0 % of 10 x 10 left out"), "\(mask.error)")
        let graph = try Tool.run(["compile", scratch.path("output"), "--emit", "graph"])
        #expect(graph.status == 0 && graph.output.contains("mask = \"bits(size=10"), "\(graph.error)")

        let longer = try train("model=\(scratch.path("output"))", "outputDirectory=\(scratch.path("tuned"))")
        #expect(longer.status != 0)
        #expect(longer.error.contains("the model's attention mask was made or learned at 10 tokens"))
        let tuned = try train(
            "model=\(scratch.path("output"))", "outputDirectory=\(scratch.path("tuned"))", "maxLength=10")
        #expect(tuned.status == 0, "\(tuned.error)")
        #expect(!tuned.output.contains("sparse"))
        let (first, second) = (try config("output"), try config("tuned"))
        #expect(first["attention_mask"] != nil && first["attention_mask"] == second["attention_mask"])
    }

    @Test func jsonHasTheSparsity() throws {
        let result = try Tool.run(
            [
                "train", scratch.path("train.json"), "--json", "--set", "dam=unstructured", "--set",
                "maxLength=10",
            ])
        let lines = result.outputLines.filter { $0.contains("\"event\": \"step\"") }
        #expect(
            result.status == 0 && lines.count == 4
                && lines.allSatisfy { $0.contains("\"mask_sparsity\": 0.") })
    }

    /// The texts of a saved configuration.
    private func config(_ directory: String) throws -> [String: String] {
        let object = try JSONSerialization.jsonObject(
            with: Data(try scratch.bytes("\(directory)/config.json")))
        return (object as? [String: Any] ?? [:]).compactMapValues { $0 as? String }
    }
}
