import TestSupport
import Testing

@Suite struct BisectCommandTests {
    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyModel.write(.classification(labels: 3), labels: ["a", "b", "c"], to: scratch)
    }

    @Test(arguments: [[], ["--training"], ["--training", "--task", "masked-lm"], ["--unfused"]])
    func everyStageOfASmallModelAgrees(_ options: [String]) throws {
        let result = try Tool.run(["compile", scratch.path("model"), "--bisect"] + options)
        #expect(result.status == 0)
        #expect(result.error.isEmpty)
        #expect(result.outputLines.contains { $0.hasPrefix("simplify ") })
        #expect(result.outputLines.contains { $0.hasPrefix("kernels for ") })
        #expect(result.output.contains("no stage is beyond tolerance"))
        #expect(result.output.contains("sequences 2, tokens 12"))
    }

    /// Operands that are rounded the other way are no mistake.
    @Test(arguments: ["bf16", "fp16"], [[], ["--training"]])
    func lowPrecisionHasItsOwnTolerance(_ precision: String, _ options: [String]) throws {
        let result = try Tool.run(
            ["compile", scratch.path("model"), "--bisect", "--precision", precision] + options)
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("no stage is beyond tolerance"))
    }

    @Test func graphFilesAreCompared() throws {
        let emitted = try Tool.run(["compile", scratch.path("model"), "--training", "--emit", "fused"])
        try scratch.write("fused.ir", emitted.output)
        let result = try Tool.run(["compile", scratch.path("fused.ir"), "--bisect", "--length", "4"])
        #expect(result.status == 0)
        #expect(result.output.contains("sequences 2, tokens 8"))
    }

    /// Rows of segments, which labels count from the first of each.
    @Test(arguments: [["multiple-choice", "--batch", "9"], ["question-answering", "--length", "1"]])
    func labelsAreRowsOfSegments(_ task: [String]) throws {
        let result = try Tool.run(
            ["compile", scratch.path("model"), "--bisect", "--training", "--task"] + task)
        #expect(result.status == 0, "\(result.error)")
    }

    @Test func largeModelsAreRefused() throws {
        try scratch.write(
            "large.json",
            """
            {"vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
             "intermediate_size": 3072, "max_position_embeddings": 512}
            """)
        let result = try Tool.run([
            "compile", scratch.path("large.json"), "--training", "--labels", "2", "--bisect",
        ])
        #expect(result.status == 64)
        #expect(result.output.isEmpty)
        #expect(result.error.contains("minutes; choose a model with fewer layers"))
    }

    /// 1e8 + x - 1e8 in f32 is not what the interpreter gets.
    @Test func differencesEndWithStatus1() throws {
        let zeros = Array(repeating: "0.0", count: 62).joined(separator: ", ")
        try scratch.write(
            "cancel.ir",
            """
            graph "cancel" {
              %x = input {name = "x"} : f32[8, 64]
              %large = constant {values = [1e8, -1e8, \(zeros)]} : f32[64]
              %sum = add %x, %large
              %y = reduce_sum %sum {axes = [1], keep = false} @ "cancel"
              output "y" %y
            }
            """)
        let result = try Tool.run(["compile", scratch.path("cancel.ir"), "--bisect"])
        #expect(result.status == 1)
        #expect(result.output.contains("output \"y\" is wrong after kernels for "))
        #expect(result.output.contains("first node beyond tolerance: %2 = add+reduce_sum"))
        #expect(result.error.split(separator: "\n").count == 1)
    }
}
