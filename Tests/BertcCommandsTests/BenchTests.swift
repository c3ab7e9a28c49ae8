import Encoders
import Foundation
import TestSupport
import Testing

@testable import BertcCommands

@Suite struct BenchTests {
    /// Two layers and sixteen texts of one to six words.
    private func scratch() throws -> TemporaryDirectory {
        let scratch = try TemporaryDirectory()
        var config = TinyModel.config()
        config.maxPositions = 128
        try scratch.write("model.json", [UInt8](config.json()))
        try scratch.write("vocab.txt", TinyModel.tokens.joined(separator: "\n") + "\n")
        let lines = (TinyTraining.texts + TinyTraining.texts).enumerated().map { index, text in
            "\(index % 2 == 0 ? "good" : "bad")\t\(text)\n"
        }
        try scratch.write("data.tsv", lines.joined())
        return scratch
    }

    private func run(_ scratch: TemporaryDirectory, _ arguments: [String]) throws -> Tool.Result {
        try Tool.run(
            ["bench", "--model", scratch.path("model.json"), "--data", scratch.path("data.tsv")]
                + ["--seq", "24", "--batch", "4", "--threads", "2"] + arguments)
    }

    private struct Row {
        let members: [String: Any]

        func number(_ path: String...) throws -> Double {
            var members: Any? = members
            for name in path { members = (members as? [String: Any])?[name] }
            return try #require((members as? NSNumber)?.doubleValue, "\(path)")
        }
    }

    @Test func everyRowIsMeasured() throws {
        let scratch = try scratch()
        // Rows of another precision differ in nothing but that.
        let techniques = Technique.all(precision: .bf16, length: 24).filter { !$0.name.hasSuffix("-bf16") }
        let result = try run(scratch, ["--json", "--quiet"] + techniques.flatMap { ["--only", $0.name] })
        try #require(result.status == 0, "\(result.error)")
        #expect(result.error.isEmpty)
        let objects = try result.outputLines.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect((objects[0]["machine"] as? String)?.hasSuffix(", 2 threads") == true)
        #expect((objects[0]["model"] as? String)?.hasPrefix("2 layers, 16 wide, 2 heads") == true)
        #expect(objects.dropFirst().map { $0["technique"] as? String } == techniques.map(\.name))
        for (technique, members) in zip(techniques, objects.dropFirst()) {
            try check(technique, Row(members: members))
        }
    }

    private func check(_ technique: Technique, _ row: Row) throws {
        #expect(try row.number("speed_up") > 0)
        for side in ["off", "on"] {
            let seconds = try ["least", "median", "most"].map { try row.number(side, "seconds", $0) }
            #expect(seconds[0] > 0 && seconds == seconds.sorted(), "\(technique.name)")
            let planned = try row.number(side, "planned_bytes")
            #expect(try row.number(side, "activation_bytes") < planned)
            #expect(try row.number(side, "measured_bytes") > 0)
        }
        // Both sides train the same examples.
        #expect(try row.number("off", "real_tokens") == row.number("on", "real_tokens"), "\(technique.name)")
        guard case .training(let sequences) = technique.work else { return }
        let difference = try abs(row.number("loss_difference"))
        switch technique.name {
        case "attention", "fusion", "fusion-attention": #expect(difference < 1e-5, "\(technique.name)")
        // The same numbers, computed twice.
        case "recompute": #expect(difference < 1e-6)
        default: #expect(difference < 0.5, "\(technique.name)")
        }
        if sequences == .sentences {
            #expect(try row.number("off", "padded_tokens") > 0)
            #expect(try row.number("on", "padded_tokens") == 0)
        }
    }

    @Test func theTableIsText() throws {
        let scratch = try scratch()
        let page = try run(scratch, ["--only", "attention-alone", "--markdown"])
        try #require(page.status == 0, "\(page.error)")
        #expect(page.error.contains("bertc: attention-alone: "))
        let row = try #require(page.outputLines.last)
        #expect(row.hasPrefix("| flash attention alone, 24 tokens | "))
        #expect(row.hasSuffix(" % | - |"))
        let text = try run(scratch, ["--only", "attention-alone", "--quiet"])
        #expect(text.error.isEmpty)
        #expect(text.outputLines.last?.hasPrefix("flash attention alone, 24 tokens  ") == true)
    }

    @Test func aModelOfItsOwnKnowsTheDatasWords() throws {
        let scratch = try scratch()
        let files = try BenchFiles(model: nil, data: scratch.path("data.tsv"), sentences: 8)
        #expect(files.config.hiddenSize == 384)
        let directory = URL(fileURLWithPath: files.model).deletingLastPathComponent()
        let words = try String(contentsOf: directory.appendingPathComponent("vocab.txt"), encoding: .utf8)
            .split(separator: "\n")
        #expect(words.prefix(5) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        #expect(words.contains("film") && words.contains("."))
        #expect(Set(words).count == words.count)
        let sentences = try String(
            contentsOfFile: files.data(.sentences, count: 0), encoding: .utf8)
        #expect(sentences.split(separator: "\n").count == 8)
        let filled = try String(contentsOfFile: files.data(.filled(length: 30), count: 3), encoding: .utf8)
        #expect(filled.split(separator: "\n").allSatisfy { $0.split(separator: " ").count >= 30 })
        #expect(filled.split(separator: "\n").count == 3)
    }

    @Test func namesOfRowsDiffer() {
        let names = Technique.all(precision: .bf16, length: 512).map(\.name)
        #expect(Set(names).count == names.count)
    }

    @Test(arguments: [
        (["--repeats", "4"], "--repeats is 4; expected at least 5"),
        (["--only", "fusio"], "--only is 'fusio'; did you mean 'fusion'?; the rows are attention, "),
        (["--precision", "fp32"], "--precision is fp32"), (["--batch", "0"], "--batch is 0"),
        (["--seq", "2"], "--seq is 2"), (["--seq", "129"], "--seq is 129, but the model has 128 positions"),
        (["--json", "--markdown"], "exclude each other"),
    ])
    func wrongUsage(arguments: [String], says: String) throws {
        let result = try run(scratch(), arguments)
        #expect(result.status == 64)
        #expect(result.output.isEmpty)
        #expect(result.error.contains(says), "\(result.error)")
        #expect(result.error.split(separator: "\n").count == 1)
    }

    @Test func missingFiles() throws {
        let scratch = try scratch()
        let data = try Tool.run(["bench", "--data", scratch.path("none.tsv")])
        #expect(data.status == 66)
        #expect(data.error.contains("none.tsv: no such file"))
        try FileManager.default.removeItem(at: scratch.url("vocab.txt"))
        let vocabulary = try run(scratch, ["--only", "fusion"])
        #expect(vocabulary.status == 70)
        #expect(vocabulary.error.contains("fusion, on: "))
        #expect(vocabulary.error.split(separator: "\n").count == 1)
    }
}
