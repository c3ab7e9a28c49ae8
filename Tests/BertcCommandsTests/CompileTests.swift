import BERT
import Foundation
import GraphCompiler
import Testing

@Suite struct CompileTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try TinyModel.write(.classification(labels: 3), labels: ["a", "b", "c"], to: scratch)
    }

    @Test func statisticsCountTheModel() throws {
        let arguments = ["compile", scratch.path("model"), "--json", "--batch", "2", "--length", "8"]
        let result = try Tool.run(arguments)
        #expect(result.status == 0)
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        let specs = try BertGraph(
            config: TinyModel.config(), head: .classification(labels: 3), isTraining: false
        ).parameters()
        let parameters = try #require((json["parameters"] as? [String: [String: Int]])?["trainable"])
        #expect(parameters["tensors"] == specs.count)
        #expect(parameters["elements"] == specs.reduce(0) { $0 + $1.count })
        // Linear layers: 2 layers of 4 hidden² + 2 hidden·ffn on 16 tokens, pooler and classifier on 2
        // sequences.
        let linear = 2 * (16 * 2 * (4 * 16 * 16 + 2 * 16 * 32) + 2 * (16 * 16 + 16 * 3))
        let templates = try #require(json["templates"] as? [[String: Any]])
        let products = templates.filter { $0["template"] as? String == "product" }
        #expect(products.reduce(0) { $0 + ($1["flops"] as? Int ?? 0) } == linear)
        #expect((json["arena_bytes"] as? Int ?? 0) > 0)
        #expect(json["symbols"] as? [String: Int] == ["length": 8, "sequences": 2, "tokens": 16])
    }

    @Test func dumpedStagesCompileAgain() throws {
        let arguments = [
            "compile", scratch.path("model"), "--training", "--quiet", "--dump-ir", scratch.path("stages"),
        ]
        #expect(try Tool.run(arguments).status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path("stages")).sorted()
        #expect(names.first == "01-forward.ir")
        #expect(names.dropFirst().first == "02-graph.ir")
        #expect(names.suffix(2).map { $0.dropFirst(2) } == ["-kernels.txt", "-llvm.ll"])
        for name in names where name.hasSuffix(".ir") {
            #expect(
                try Graph(parsing: scratch.read("stages/\(name)")).description
                    == scratch.read("stages/\(name)"))
        }
        let again = try Tool.run(["compile", scratch.path("stages/02-graph.ir"), "--emit", "optimized"])
        let last = try #require(names.last { $0.hasSuffix(".ir") })
        #expect(again.output == (try scratch.read("stages/\(last)")))
    }

    @Test(arguments: [
        ("graph", "graph \"bert\" {"), ("optimized", "graph \"bert\" {"), ("kernels", "program \"bert\" {"),
        ("llvm", "define "), ("asm", "\tret"),
    ])
    func emitsOneForm(form: String, contains text: String) throws {
        let result = try Tool.run(["compile", scratch.path("model"), "--emit", form])
        #expect(result.status == 0)
        #expect(result.output.contains(text))
        #expect(result.error.isEmpty)
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
        #expect(result.output.contains("with rows 9: 36 FLOP"))
    }
}
