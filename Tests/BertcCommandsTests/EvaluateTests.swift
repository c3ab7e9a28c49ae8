import Encoders
import Foundation
import TestSupport
import Testing

/// What `bertc evaluate` prints where a matrix or a correlation says nothing.
@Suite struct EvaluateTests {
    let scratch: TemporaryDirectory

    init() throws { scratch = try TemporaryDirectory() }

    private func object(_ result: Tool.Result) throws -> [String: Any] {
        #expect(result.status == 0, "\(result.error)")
        let data = Data(result.output.utf8)
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// The matrix as long as it can be read, then the pairs that examples have.
    @Test(arguments: [(20, true, true), (21, false, true), (100, false, true), (101, false, false)])
    func manyLabels(count: Int, isReadable: Bool, isDense: Bool) throws {
        let labels = (0..<count).map { "c\($0)" }
        try TinyModel.write(.classification(labels: count), labels: labels, to: scratch)
        let texts = TinyTraining.texts
        try scratch.write("data.tsv", texts.enumerated().map { "c\($0)\t\($1)\n" }.joined())
        let arguments = ["evaluate", scratch.path("model"), scratch.path("data.tsv")]
        let text = try Tool.run(arguments)
        #expect(text.output.contains("actual \\ predicted") == isReadable)
        #expect(text.output.contains(/actual +predicted +examples/) != isReadable)
        let json = try object(try Tool.run(arguments + ["--json"]))
        let matrix = json["confusion"] as? [[Int]]
        let counts = json["confusion_counts"] as? [[Int]]
        #expect((matrix != nil) == isDense && (counts == nil) == isDense)
        #expect((json["labels"] as? [String])?.count == count)
        let total = matrix.map { $0.joined().reduce(0, +) } ?? counts.map { $0.reduce(0) { $0 + $1[2] } }
        #expect(total == texts.count)
    }

    @Test(arguments: [
        ("1\n1\n", "all examples have the same number"), ("1\n", "there is only one example"),
    ])
    func undefinedCorrelation(numbers: String, reason: String) throws {
        try TinyModel.write(.regression, to: scratch)
        let rows = numbers.split(separator: "\n").enumerated().map { index, number in
            "{\"text\": \"\(TinyTraining.texts[index])\", \"score\": \(number)}\n"
        }
        try scratch.write("data.jsonl", rows.joined())
        let arguments = ["evaluate", scratch.path("model"), scratch.path("data.jsonl")]
        let result = try Tool.run(arguments)
        #expect(result.output.contains(/pearson +undefined\nspearman +undefined/))
        #expect(result.error.contains("data.jsonl: pearson and spearman are not defined, since \(reason)"))
        #expect(try object(try Tool.run(arguments + ["--json"]))["pearson"] is NSNull)
    }
}
