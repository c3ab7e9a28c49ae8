import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing

@Suite struct CompileTests {
    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyModel.write(.classification(labels: 3), labels: ["a", "b", "c"], to: scratch)
    }

    @Test func statisticsCountTheModel() throws {
        let json = try json(["--unfused", "--batch", "2", "--length", "8"])
        let specs = try EncoderGraph(
            config: TinyModel.config(), head: .classification(labels: 3), isTraining: false
        ).build().parameters
        let parameters = try #require((json["parameters"] as? [String: [String: Int]])?["trainable"])
        #expect(parameters["tensors"] == specs.count)
        #expect(parameters["elements"] == specs.reduce(0) { $0 + $1.count })
        // Linear layers: 2 layers of 4 hidden² + 2 hidden·ffn on 16 tokens, pooler and classifier on 2
        // sequences.
        let linear = 2 * (16 * 2 * (4 * 16 * 16 + 2 * 16 * 32) + 2 * (16 * 16 + 16 * 3))
        let kernels = try #require(json["kernels"] as? [[String: Any]])
        let products = kernels.filter { $0["template"] as? String == "block" }
        #expect(products.reduce(0) { $0 + ($1["flops"] as? Int ?? 0) } == linear)
        for total in ["flops", "bytes_read", "bytes_written", "launches"] {
            #expect(json[total] as? Int == kernels.reduce(0) { $0 + ($1[total] as? Int ?? 0) })
        }
        let memory = try #require(json["memory"] as? [String: Any])
        let weights = try #require(memory["weights"] as? [String: Int])
        #expect(weights["peak_bytes"] == specs.reduce(0) { $0 + $1.count } * 4)
        #expect((json["arena_bytes"] as? Int ?? 0) > 0)
        #expect(json["symbols"] as? [String: Int] == ["length": 8, "sequences": 2, "tokens": 16])
    }

    private func json(_ options: [String]) throws -> [String: Any] {
        let result = try Tool.run(["compile", scratch.path("model"), "--json"] + options)
        #expect(result.status == 0)
        return try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }

    @Test func pageFitsATerminal() throws {
        let result = try Tool.run(["compile", scratch.path("model"), "--training"])
        #expect(result.status == 0)
        #expect(result.outputLines.count <= 60)
        #expect(result.outputLines.allSatisfy { $0.count <= 100 })
        for text in [
            "\npass ", "\nsimplify ", "\nkernel ", "\ntotal ", "\nmemory ", "\nweights ", "\noptimizer ",
            "\ngradients ", "\nactivations ", "\npeak at launch ", " different kernels in ",
        ] {
            #expect(result.output.contains(text), "\(text)")
        }
    }

    @Test func dumpedStagesCompileAgain() throws {
        let arguments = [
            "compile", scratch.path("model"), "--training", "--quiet", "--dump-ir", scratch.path("stages"),
        ]
        #expect(try Tool.run(arguments).status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path("stages")).sorted()
        #expect(names.first == "01-graph.ir")
        #expect(names.dropFirst().first == "02-training.ir")
        #expect(names.last == "index.md")
        #expect(
            names.suffix(3).map { $0.drop(while: \.isNumber) } == ["-kernels.txt", "-llvm.ll", "index.md"])
        let index = try scratch.read("stages/index.md")
        for name in names.dropLast() { #expect(index.contains("[\(name)](\(name))")) }
        for name in names where name.hasSuffix(".ir") {
            #expect(
                try Graph(parsing: scratch.read("stages/\(name)")).description
                    == scratch.read("stages/\(name)"))
        }
        let again = try Tool.run(["compile", scratch.path("stages/02-training.ir"), "--emit", "fused"])
        let last = try #require(names.last { $0.hasSuffix(".ir") })
        #expect(again.output == (try scratch.read("stages/\(last)")))
    }

    @Test(arguments: [
        ("graph", "graph \"bert\" {"), ("training", " = adamw "), ("optimized", "graph \"bert\" {"),
        ("fused", "graph \"bert\" {"), ("kernels", "program \"bert\" {"), ("llvm", "define "),
        ("asm", "\tret"),
        ("plan", "\narena "), ("dot", "digraph \"bert\" {"),
    ])
    func emitsOneForm(form: String, contains text: String) throws {
        let arguments = ["compile", scratch.path("model"), "--training", "--emit", form]
        let result = try Tool.run(arguments)
        #expect(result.status == 0)
        #expect(result.output.contains(text))
        #expect(result.error.isEmpty)

        let layer = try Tool.run(arguments + ["--layer", "1"])
        #expect(layer.status == 0)
        #expect(!layer.output.isEmpty && layer.output.count < result.output.count)
        #expect(layer.error.isEmpty)
    }

    @Test func layersAndNodesNarrow() throws {
        func lines(_ more: String...) throws -> [String] {
            let result = try Tool.run(["compile", scratch.path("model"), "--emit", "graph"] + more)
            #expect(result.status == 0)
            return result.outputLines
        }
        let layer = try lines("--layer", "1")
        #expect(layer.allSatisfy { $0.contains("encoder.layer.1.") })
        #expect(layer == (try lines("--node", "layer.1")))
        #expect(try lines("--node", "matmul").allSatisfy { $0.contains(" = matmul ") })
        let both = try lines("--layer", "0", "--node", "matmul")
        #expect(both.allSatisfy { $0.contains(" = matmul ") && $0.contains("encoder.layer.0.") })
        #expect(try lines("--node", "%3").map { $0.prefix(3) } == ["%3 "])
        #expect(try lines("--node", "logits").isEmpty == false)
    }

    @Test(arguments: [
        (["--layer", "2"], "the layers are 0 to 1"), (["--node", "matmull"], "did you mean 'matmul'?"),
        (["--layer", "0", "--node", "embeddings"], "there is no such node in layer 0"),
    ])
    func nothingSelectedIsOneLine(selection: [String], message: String) throws {
        let result = try Tool.run(["compile", scratch.path("model"), "--emit", "graph"] + selection)
        #expect(result.status == 64)
        #expect(result.output.isEmpty)
        #expect(result.error.contains(message))
        #expect(result.error.split(separator: "\n").count == 1)
    }

    @Test func passesStopPrintAndAreLeftOut() throws {
        func run(_ more: String...) throws -> Tool.Result {
            try Tool.run(["compile", scratch.path("model")] + more)
        }
        let graph = try run("--emit", "graph")
        let stopped = try run("--emit", "fused", "--stop-after", "simplify")
        let printed = try run("--print-after", "simplify", "--stop-after", "simplify")
        let lines = printed.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0].hasPrefix("// after simplify: "))
        #expect(lines.dropFirst().joined(separator: "\n") == stopped.output)
        let all = PassPipeline.standard.names
        let disabled = all.flatMap { ["--disable-pass", $0] }
        let untouched = try Tool.run(["compile", scratch.path("model"), "--emit", "optimized"] + disabled)
        #expect(untouched.output == graph.output)
        let left = try run("--print-after", "dead-code", "--disable-pass", "dead-code")
        #expect(left.status == 64)
        #expect(left.error.contains("the pass did not run"))
        let times = try run("--time-passes")
        #expect(times.outputLines.first?.hasPrefix("stage ") == true)
        for stage in all + ["lower to kernels", "machine code", "total"] {
            #expect(times.outputLines.contains { $0.hasPrefix(stage + " ") })
        }
    }

    @Test func recomputationAndFreezingAreShown() throws {
        try scratch.write(
            "deep.json",
            """
            {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2,
             "intermediate_size": 64, "max_position_embeddings": 64}
            """)
        func run(_ more: String...) throws -> Tool.Result {
            try Tool.run(["compile", scratch.path("deep.json"), "--training", "--labels", "2"] + more)
        }
        let page = try run("--recompute", "layer")
        #expect(page.outputLines.contains { $0.hasPrefix("recompute layer: arena ") })
        #expect(page.outputLines.contains { $0.hasPrefix("recompute ") && $0.contains("flash_attention +3") })
        let explained = try run("--recompute", "every(2)", "--explain")
        #expect(explained.outputLines.contains("computed again just before the backward pass needs it"))
        #expect(explained.outputLines.allSatisfy { $0.count <= 100 })
        let all = try run("--recompute", "auto", "--max-memory", "1GB")
        #expect(all.outputLines.contains("recompute none: nothing is computed again"))
        let little = try run("--recompute", "auto", "--max-memory", "1KB")
        #expect(little.status == 1 && little.error.contains("choose a smaller --batch"))
        #expect(try run("--recompute", "auto").error.contains("go together"))

        let frozen = try run("--freeze", "embeddings", "--freeze", "encoder.layer.0-2")
        #expect(frozen.outputLines[0].wholeMatch(of: /bert: \d+ parameters \(\d+ of them frozen\).*/) != nil)
        #expect(
            try run("--freeze", "layers").error.contains(
                "--freeze has the pattern \"layers\", which no parameter"))
    }

    @Test func graphFilesMayHaveSymbolsOfTheirOwn() throws {
        try scratch.write(
            "g.ir",
            """
            graph "g" {
              %0 = input {name = "x"} : f32[rows, 4]
              %1 = exp %0 : f32[rows, 4]
              output "y" %1
            }
            """)
        let missing = try Tool.run(["compile", scratch.path("g.ir")])
        #expect(missing.status == 64)
        #expect(missing.error.contains("--symbol rows=1"))
        let result = try Tool.run(["compile", scratch.path("g.ir"), "--symbol", "rows=9", "--quiet"])
        #expect(result.status == 0)
        #expect(result.output.contains("one run: 36 FLOP, 288 B moved"))
    }
}
