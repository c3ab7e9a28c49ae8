import Encoders
import Foundation
import Testing

/// Runs `bertc-benchmarks`, which stands beside the test bundle, on a model of a few thousand parameters.
@Suite struct RunTests {
    private func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let bundle = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        let process = Process()
        process.executableURL = bundle.resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("bertc-benchmarks")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// Calls `body` with a file that holds a small configuration.
    private func withModel(_ body: (String) throws -> Void) throws {
        var config = EncoderConfig()
        (config.vocabularySize, config.hiddenSize, config.layers, config.heads) = (50, 32, 1, 2)
        (config.feedForwardSize, config.maxPositions, config.normPosition) = (64, 128, .post)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).json")
        try config.json().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try body(file.path)
    }

    @Test func rowsAgainstAFakePeer() throws {
        try withModel { model in
            let fake = try FakePeer(seconds: 1000)
            let only = ["train-bf16-8x128", "infer-fp32", "memory", "utilisation"].flatMap { ["--only", $0] }
            let result = try run(
                ["--quick", "--json", "--python", fake.path, "--model", model, "--mode", "both"] + only)
            #expect(result.status == 0)
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
            let results = try #require(object["results"] as? [[String: Any]])
            try #require(
                results.compactMap { $0["name"] as? String } == [
                    "train-bf16-8x128", "infer-fp32-8x128", "memory-bf16-32x128", "utilisation-bf16-32x128",
                ])
            #expect(results[0]["times"] as? Double ?? 0 > 1000)
            #expect(results[2]["times"] as? Double ?? 0 > 1)
            #expect(results[3]["times"] == nil)
            // Two rounds of each mode: one step of training a turn, three of inference.
            #expect(fake.counts.sorted() == ["1", "1", "1", "1", "3", "3", "3", "3"])
            #expect(fake.calls.filter { $0.contains("--mode compile") }.count == 3)
        }
    }

    @Test func attentionWithoutAPeer() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).md")
        defer { try? FileManager.default.removeItem(at: file) }
        let result = try run([
            "--only", "attention-bf16-128-both-dropout", "--rounds", "1", "--python", "/bin/false",
            "--threads", "1", "--output", file.path,
        ])
        #expect(result.status == 0)
        let row = try #require(result.output.split(separator: "\n").last)
        #expect(row.hasPrefix("| attention forward and backward, bf16, 4,096 tokens at 128, dropout 0.1 | "))
        #expect(row.contains(" ms | - | - | - | - | "))
        #expect(try String(contentsOf: file, encoding: .utf8) == result.output)
    }

    @Test func wrongNamesAreRefused() throws {
        #expect(try run(["--only", "trains"]).status == 64)
        #expect(try run(["--rounds", "0"]).status == 64)
    }
}
