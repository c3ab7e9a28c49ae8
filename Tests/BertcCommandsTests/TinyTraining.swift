import Encoders
import Foundation
import TestSupport

/// A training run of a fraction of a second: eight texts, a fresh two-layer model.
enum TinyTraining {
    static let texts = [
        "a fine film", "a bad film", "it is fine", "it is bad", "the plot is very fine .",
        "the film is very bad .",
        "not bad", "not fine",
    ]

    /// Writes `train.json`, the model, its vocabulary and the data.
    /// - Parameter more: fields of `train.json` as JSON text, added to or replacing the usual ones.
    static func write(to scratch: TemporaryDirectory, more: [String: String] = [:]) throws {
        var config = TinyModel.config()
        config.normPosition = .pre
        try scratch.write("model.json", [UInt8](config.json()))
        try scratch.write("vocab.txt", TinyModel.tokens.joined(separator: "\n") + "\n")
        let labels = texts.indices.map { $0 % 2 == 0 ? "good" : "bad" }
        try scratch.write("train.txt", texts.map { $0 + "\n" }.joined())
        try scratch.write("train_labels.txt", labels.map { $0 + "\n" }.joined())
        for name in ["valid", "test"] {
            try scratch.write("\(name).txt", "a very fine plot\na very bad plot\n")
            try scratch.write("\(name)_labels.txt", "good\nbad\n")
        }
        var fields = [
            "model": "\"model.json\"", "trainFile": "\"train.txt\"", "validationFile": "\"valid.txt\"",
            "testFile": "\"test.txt\"", "outputDirectory": "\"output\"", "epochs": "2", "batchSize": "4",
            "learningRate": "0.001", "logEvery": "1",
        ]
        fields.merge(more) { $1 }
        try scratch.write(
            "train.json", "{" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}")
    }
}
