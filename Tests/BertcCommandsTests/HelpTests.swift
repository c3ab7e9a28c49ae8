import Testing

@Suite struct HelpTests {
    static let commands = ["compile", "run", "train", "glue", "evaluate", "predict", "embed"]

    @Test(arguments: commands)
    func helpShowsAnExample(command: String) throws {
        let result = try Tool.run([command, "--help"])
        #expect(result.status == 0)
        #expect(result.error.isEmpty)
        #expect(result.output.contains("EXAMPLE:\n"))
        #expect(result.output.contains("\n  bertc \(command) "))
        for option in [
            "--threads", "--cpu", "--json", "--quiet", "--matmul", "--no-cache", "--dump-ir",
            "--disable-pass",
        ] {
            #expect(result.output.contains(option))
        }
    }

    @Test func rootHelpListsCommandsAndStatuses() throws {
        let result = try Tool.run(["--help"])
        #expect(result.status == 0)
        for command in Self.commands { #expect(result.output.contains("\n  \(command) ")) }
        for status in [64, 65, 66, 70, 73, 130] { #expect(result.output.contains("\(status) ")) }
    }

    @Test(arguments: [
        ["vocab", "t.txt", "--size", "60", "--output", "v", "--kind", "bpe", "--threads", "2"],
        ["nonsense"], ["predict"], ["predict", "m", "--threads", "0"], ["predict", "m", "--cpu", "sse"],
        ["predict", "m", "--text", "a", "--file", "b"], ["predict", "m", "--pair", "b"],
        ["embed", "m", "--output", "vectors.bin"], ["compile", "m", "--labels", "0"],
        ["train", "--set", "epochs"], ["compile", "g.ir", "--training"],
        ["compile", "m", "--symbol", "tokens"], ["compile", "m", "--disable-pass", "simplfy"],
        ["compile", "m", "--print-after", "x"], ["compile", "m", "--stop-after", "x"],
        ["compile", "m", "--emit", "graph", "--time-passes"], ["compile", "m", "--layer", "1"],
        ["compile", "m", "--emit", "graph", "--layer", "-1"], ["compile", "m", "--emit", "training"],
        ["train", "--disable-pass", "x"], ["glue", "--tasks", "mrpc,snli"], ["glue", "--tasks", ""],
        ["glue", "--set", "epochs"], ["glue", "--data", "g"], ["glue", "--model", "m"],
        ["predict", "m", "--disable-pass", "x"],
    ])
    func wrongUsageIsOneLine(arguments: [String]) throws {
        let result = try Tool.run(arguments)
        #expect(result.status == 64)
        #expect(result.output.isEmpty)
        #expect(result.error.hasPrefix("bertc: error: "))
        #expect(result.error.hasSuffix("--help'\n"))
        #expect(result.error.split(separator: "\n").count == 1)
    }
}
