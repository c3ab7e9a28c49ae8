import Foundation
import TestSupport

/// Three tasks of GLUE with a few examples each, and a fresh two-layer model.
enum TinyGlue {
    static let pairs = [
        ("a fine film", "the film is fine", "entailment", "4.800"),
        ("a bad film", "it is fine", "not_entailment", "1.000"),
        ("it is bad", "it is not fine", "entailment", "4.000"),
        ("not bad", "very bad", "not_entailment", "0.500"),
        ("the plot is fine", "a fine plot", "entailment", "4.250"),
        ("the plot", "the film", "not_entailment", "2.000"),
    ]

    /// Writes `glue/RTE`, `glue/STS-B`, `glue/MNLI`, `model.json` and `vocab.txt`.
    static func write(to scratch: TemporaryDirectory) throws {
        var config = TinyModel.config()
        config.normPosition = .pre
        try scratch.write("model.json", [UInt8](config.json()))
        try scratch.write("vocab.txt", TinyModel.tokens.joined(separator: "\n") + "\n")
        func table(_ header: String, _ row: (Int, (String, String, String, String)) -> String) -> String {
            ([header] + pairs.enumerated().map(row)).map { $0 + "\n" }.joined()
        }
        for split in ["train", "dev"] {
            try scratch.write(
                "glue/RTE/\(split).tsv",
                table("index\tsentence1\tsentence2\tlabel") { "\($0)\t\($1.0)\t\($1.1)\t\($1.2)" })
            try scratch.write(
                "glue/STS-B/\(split).tsv",
                table("index\tsentence1\tsentence2\tscore") { "\($0)\t\($1.0)\t\($1.1)\t\($1.3)" })
        }
        for split in ["train", "dev_matched", "dev_mismatched"] {
            let labels = ["entailment", "neutral", "contradiction"]
            try scratch.write(
                "glue/MNLI/\(split).tsv",
                table("index\tsentence1\tsentence2\tgold_label") {
                    "\($0)\t\($1.0)\t\($1.1)\t\(labels[$0 % 3])"
                })
        }
        let tests = [
            "RTE/test", "STS-B/test", "MNLI/test_matched", "MNLI/test_mismatched", "diagnostic/diagnostic",
        ]
        for test in tests {
            try scratch.write(
                "glue/\(test).tsv", table("index\tsentence1\tsentence2") { "\($0 + 10)\t\($1.0)\t\($1.1)" })
        }
    }
}
