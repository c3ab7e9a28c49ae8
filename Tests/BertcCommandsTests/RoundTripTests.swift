import Encoders
import Foundation
import Pipelines
import TestSupport
import Testing

/// Commands on a tiny saved model, against each other and against the library.
@Suite struct RoundTripTests {
    static let texts = [
        "a fine film .", "the plot is not very fine", "bad", "it is a bad bad bad film . it is bad .",
    ]
    static let labels = ["bad", "good"]

    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyModel.write(.classification(labels: 2), labels: Self.labels, to: scratch)
        try scratch.write("texts.txt", Self.texts.joined(separator: "\n") + "\n")
    }

    private func objects(_ result: Tool.Result) throws -> [[String: Any]] {
        try result.outputLines.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func predictAgreesWithTheLibrary() throws {
        let result = try Tool.run([
            "predict", scratch.path("model"), "--file", scratch.path("texts.txt"), "--json",
        ])
        #expect(result.status == 0)
        let pipeline = try EncoderPipeline(contentsOf: scratch.path("model"))
        let expected = try pipeline.classify(Self.texts.map { TextPair($0) })
        let answers = try objects(result)
        try #require(answers.count == Self.texts.count)
        for (answer, (text, expected)) in zip(answers, zip(Self.texts, expected)) {
            let probabilities = try #require(answer["probabilities"] as? [String: Double])
            #expect(answer["text"] as? String == text)
            #expect(answer["label"] as? String == expected.label)
            #expect(abs(probabilities.values.reduce(0, +) - 1) < 1e-6)
            for (label, probability) in zip(Self.labels, expected.probabilities) {
                #expect(Float(probabilities[label] ?? -1) == probability)
            }
        }
        // The last text has 14 tokens and was cut to the model's 12 positions.
        #expect(result.error == "bertc: 1 sequence was cut to 12 tokens\n")
    }

    @Test(arguments: ["predict", "evaluate", "embed"])
    func stagesOfInferenceAreDumped(command: String) throws {
        try scratch.write("data.tsv", "text\tlabel\na fine film\tgood\n")
        let input = command == "evaluate" ? [scratch.path("data.tsv")] : ["--text", "a fine film"]
        func run(_ more: [String]) throws -> Tool.Result {
            try Tool.run([command, scratch.path("model")] + input + more)
        }
        let plain = try run([])
        let dumped = try run(["--dump-ir", scratch.path("stages")])
        #expect(dumped.status == 0)
        #expect(dumped.output == plain.output)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path("stages")).sorted()
        #expect(names.first == "01-graph.ir")
        #expect(names.contains { $0.hasSuffix("-kernels.txt") })
        let index = try scratch.read("stages/index.md")
        for name in names.dropLast() { #expect(index.contains("[\(name)]")) }
        #expect(try run(["--unfused", "--disable-pass", "simplify"]).status == 0)
    }

    @Test func predictWithoutATerminalIsPlainText() throws {
        let result = try Tool.run(["predict", scratch.path("model")], input: Array("a film\nbad\n".utf8))
        #expect(result.status == 0)
        #expect(result.error.isEmpty)
        #expect(result.outputLines.count == 2)
        #expect(!(result.output + result.error).utf8.contains { $0 < 0x20 && $0 != 0x0A && $0 != 0x09 })
        for line in result.outputLines {
            let columns = line.split(separator: "\t").map(String.init)
            try #require(columns.count == 4)
            #expect(Set([columns[0], columns[2]]) == Set(Self.labels))
            let (first, second) = (Double(columns[1]) ?? -1, Double(columns[3]) ?? -1)
            #expect(first >= second)
            #expect(abs(first + second - 1) < 2e-4)
        }
    }

    @Test(arguments: [["--threads", "1"], ["--threads", "3"], ["--no-cache"]])
    func answersDoNotDependOnThreadsOrCache(options: [String]) throws {
        let arguments = ["embed", scratch.path("model"), "--file", scratch.path("texts.txt"), "--quiet"]
        #expect(try Tool.run(arguments).output == (try Tool.run(arguments + options).output))
    }

    @Test func oneTextAloneEqualsTheSameTextInABatch() throws {
        let pipeline = try EncoderPipeline(contentsOf: scratch.path("model"))
        let together = try pipeline.embed(Self.texts.map { TextPair($0) })
        for (text, vector) in zip(Self.texts, together) {
            let alone = try pipeline.embed([TextPair(text)])[0]
            for (a, b) in zip(alone, vector) { #expect(abs(a - b) < 1e-6) }
        }
    }

    @Test func evaluateCountsWhatPredictSays() throws {
        let pipeline = try EncoderPipeline(contentsOf: scratch.path("model"))
        let answers = try pipeline.classify(Self.texts.map { TextPair($0) })
        let actual = ["good", "bad", "bad", "good"]
        try scratch.write(
            "data.tsv", zip(actual, Self.texts).map { "\($0)\t\($1)\n" }.joined())
        let result = try Tool.run([
            "evaluate", scratch.path("model"), scratch.path("data.tsv"), "--json", "--quiet",
        ])
        #expect(result.status == 0)
        let metrics = try #require(try objects(result).first)
        let right = zip(actual, answers).count { $0 == $1.label }
        #expect(metrics["accuracy"] as? Double == Double(right) / 4)
        #expect(metrics["examples"] as? Int == 4)
        var confusion = [[0, 0], [0, 0]]
        var loss = 0.0
        for (label, answer) in zip(actual, answers) {
            let index = try #require(Self.labels.firstIndex(of: label))
            confusion[index][answer.index] += 1
            loss -= log(Double(answer.probabilities[index])) / 4
        }
        #expect(metrics["confusion"] as? [[Int]] == confusion)
        #expect(abs((metrics["loss"] as? Double ?? .nan) - loss) < 1e-6)
    }

    @Test func regressionGivesNumbersAndCorrelation() throws {
        try TinyModel.write(.regression, to: scratch, "number")
        let pipeline = try EncoderPipeline(contentsOf: scratch.path("number"))
        let scores = try pipeline.score(Self.texts.map { TextPair($0) })
        // Twice the scores and one more: a correlation of exactly one, an error that is known.
        try scratch.write(
            "data.jsonl",
            zip(Self.texts, scores).map { "{\"text\": \"\($0)\", \"label\": \(2 * $1 + 1)}\n" }.joined())
        let result = try Tool.run([
            "evaluate", scratch.path("number"), scratch.path("data.jsonl"), "--json", "--quiet",
        ])
        let metrics = try #require(try objects(result).first)
        #expect(abs((metrics["pearson"] as? Double ?? .nan) - 1) < 1e-6)
        let error = scores.reduce(0) { $0 + Double($1 + 1) * Double($1 + 1) } / Double(scores.count)
        #expect(abs((metrics["loss"] as? Double ?? .nan) - error) < 1e-5)
    }

    @Test func embedWritesTheSameVectorsAsNumpyAndJSONL() throws {
        let arguments = ["embed", scratch.path("model"), "--file", scratch.path("texts.txt"), "--normalize"]
        let lines = try Tool.run(arguments + ["--quiet"])
        let written = try Tool.run(arguments + ["--output", scratch.path("v.npy")])
        #expect(written.status == 0)
        #expect(written.output.isEmpty)
        let bytes = try scratch.bytes("v.npy")
        #expect(Array(bytes[..<8]) == [0x93] + Array("NUMPY".utf8) + [1, 0])
        let length = Int(bytes[8]) + Int(bytes[9]) << 8
        #expect((10 + length) % 64 == 0)
        let header = String(decoding: bytes[10..<(10 + length)], as: UTF8.self)
        #expect(header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (4, 16), }"))
        #expect(header.hasSuffix("\n"))
        let floats = bytes[(10 + length)...].withUnsafeBytes { raw in
            (0..<(raw.count / 4)).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
        }
        let vectors = try objects(lines).map { try #require($0["embedding"] as? [Double]).map { Float($0) } }
        #expect(floats == vectors.flatMap { $0 })
        for vector in vectors { #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5) }
    }

    @Test func poolingChangesTheVectors() throws {
        let pipeline = try EncoderPipeline(contentsOf: scratch.path("model"))
        let mean = try pipeline.embed(["a fine film"], pooling: .mean)
        let first = try pipeline.embed(["a fine film"], pooling: .cls)
        #expect(mean != first)
        #expect(try pipeline.embed(["a fine film"]) == mean)
    }
}
