import Foundation
import TestSupport
import Testing

@Suite struct MeasureCommandTests {
    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyModel.write(.classification(labels: 3), labels: ["a", "b", "c"], to: scratch)
    }

    @Test(arguments: ["fp32", "bf16", "fp16"]) func kindsOfRegionsAreMeasured(_ precision: String) throws {
        let model = scratch.path("model")
        let result = try Tool.run([
            "compile", model, "--training", "--measure", "--length", "6", "--precision", precision,
        ])
        #expect(result.status == 0)
        #expect(result.outputLines.first?.hasPrefix("with length 6, sequences 8, tokens 48;") == true)
        #expect(result.outputLines.contains { $0.hasPrefix("flash_attention") })
        #expect(result.outputLines.contains { $0.hasPrefix("whole graph") })
    }

    /// Attention spelled out has as many columns as the longest sequence, for which a graph need not have a symbol.
    @Test func attentionInAGraphFileIsMeasured() throws {
        try scratch.write(
            "attention.ir",
            """
            graph "attention" {
              %q = input {name = "q"} : f32[tokens, 2, 8]
              %offsets = input {name = "offsets"} : i32[sequences+1]
              %lengths = input {name = "lengths"} : i32[sequences]
              %out, %lse = flash_attention %q, %q, %q, %offsets, %lengths {scale = 1.0, rate = 0.0, stream = 0}
              output "out" %out
            }
            """)
        let result = try Tool.run(["compile", scratch.path("attention.ir"), "--measure", "--length", "6"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.outputLines.contains { $0.hasPrefix("flash_attention") })
    }

    @Test func jsonHasEveryKind() throws {
        let result = try Tool.run(["compile", scratch.path("model"), "--measure", "--json", "--length", "6"])
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        let kinds = try #require(json["kinds"] as? [[String: Any]])
        #expect(kinds.contains { ($0["kernel"] as? String)?.contains("matmul+bias") == true })
        for kind in kinds { #expect(try #require(kind["fused"] as? Double) > 0) }
        #expect(try #require(json["unfused"] as? Double) > 0)
    }
}
