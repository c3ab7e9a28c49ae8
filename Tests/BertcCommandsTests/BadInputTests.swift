import Encoders
import Foundation
import TestSupport
import Testing

/// Each bad input gives one line that names the place, its exit status, and leaves every file as it was.
@Suite struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// Paths that start with `@` stand in the scratch directory.
        let arguments: [String]
        let status: Int32
        /// What the error line must say.
        let says: [String]
        var input: [UInt8] = []
        var prepare: @Sendable (TemporaryDirectory) throws -> Void = { _ in }

        var testDescription: String { name }
    }

    static let cases: [Case] = models + data + graphs + sizes + training + glue + outputs

    static let models = [
        Case(
            name: "no model", arguments: ["predict", "@nowhere", "--text", "a"], status: 66,
            says: ["@nowhere: no such model"]),
        Case(
            name: "no configuration", arguments: ["predict", "@empty", "--text", "a"], status: 66,
            says: ["@empty: holds no config.json"]
        ) {
            try $0.write("empty/readme", "")
        },
        Case(
            name: "configuration is not JSON", arguments: ["predict", "@model", "--text", "a"], status: 65,
            says: ["config.json", "JSON"]
        ) {
            try $0.write("model/config.json", "{\"hidden_size\": 1")
        },
        Case(
            name: "ill-typed field", arguments: ["predict", "@model", "--text", "a"], status: 65,
            says: ["config.json", "'hidden_size'", "an integer"]
        ) {
            try $0.write("model/config.json", "{\"hidden_size\": \"wide\"}")
        },
        Case(
            name: "no weights", arguments: ["predict", "@model", "--text", "a"], status: 66,
            says: ["model.safetensors"]
        ) {
            try FileManager.default.removeItem(at: $0.url("model/model.safetensors"))
        },
        Case(
            name: "truncated weights", arguments: ["predict", "@model", "--text", "a"], status: 65,
            says: ["model.safetensors", "truncated"]
        ) {
            try $0.write("model/model.safetensors", Array($0.bytes("model/model.safetensors").dropLast(100)))
        },
        Case(
            name: "corrupt header", arguments: ["embed", "@model", "--text", "a"], status: 65,
            says: ["model.safetensors", "not a safetensors file"]
        ) {
            var bytes = try $0.bytes("model/model.safetensors")
            bytes[8] = UInt8(ascii: "x")
            try $0.write("model/model.safetensors", bytes)
        },
        Case(
            name: "shapes that do not match", arguments: ["embed", "@model", "--text", "a"], status: 65,
            says: ["expected [64, 16]"]
        ) {
            let text = try $0.read("model/config.json")
            let changed = text.replacing("\"intermediate_size\": 32", with: "\"intermediate_size\": 64")
            try #require(text != changed)
            try $0.write("model/config.json", changed)
        },
        Case(
            name: "missing tensors", arguments: ["predict", "@encoder", "--text", "a"], status: 65,
            says: ["not in its weights", "classifier.weight"]
        ) {
            try TinyModel.write(.encoder, to: $0, "encoder")
            let text = try $0.read("encoder/config.json")
            try $0.write(
                "encoder/config.json",
                text.replacing("\"BertModel\"", with: "\"BertForSequenceClassification\""))
        },
        Case(
            name: "no vocabulary", arguments: ["predict", "@model", "--text", "a"], status: 66,
            says: ["vocab.txt"]
        ) {
            try FileManager.default.removeItem(at: $0.url("model/vocab.txt"))
        },
        Case(
            name: "vocabulary of another model", arguments: ["predict", "@model", "--text", "a more"],
            status: 65,
            says: ["text 1", "\"more\" has id 18", "18 tokens"]
        ) {
            try $0.write("model/vocab.txt", (TinyModel.tokens + ["more"]).joined(separator: "\n"))
        },
        Case(
            name: "no head", arguments: ["predict", "@encoder", "--text", "a"], status: 65,
            says: ["plain encoder", "cannot classify"]
        ) {
            try TinyModel.write(.encoder, to: $0, "encoder")
        },
        Case(
            name: "too long",
            arguments: ["predict", "@model", "--no-truncate", "--text", "a a a a a a a a a a a"], status: 65,
            says: ["text 1", "13 tokens", "at most 12"]),
        Case(
            name: "more than the positions",
            arguments: ["predict", "@model", "--max-length", "13", "--text", "a"], status: 65,
            says: ["13 tokens", "12 positions"]),
    ]

    static let data = [
        Case(
            name: "no data", arguments: ["evaluate", "@model", "@none.tsv"], status: 66,
            says: ["@none.tsv: no such file"]),
        Case(
            name: "invalid UTF-8", arguments: ["evaluate", "@model", "@x.tsv"], status: 65,
            says: ["@x.tsv:2: invalid UTF-8"]
        ) {
            try $0.write("x.tsv", Array("good\ta\nbad\t".utf8) + [0xFF, 0x0A])
        },
        Case(
            name: "empty data set", arguments: ["evaluate", "@model", "@x.tsv"], status: 65,
            says: ["@x.tsv: holds no"]
        ) {
            try $0.write("x.tsv", "")
        },
        Case(
            name: "labels and texts differ", arguments: ["evaluate", "@model", "@x.txt"], status: 65,
            says: ["@x.txt", "2 texts", "1 label;"]
        ) {
            try $0.write("x.txt", "a\nfilm\n")
            try $0.write("x_labels.txt", "good\n")
        },
        Case(
            name: "unknown label", arguments: ["evaluate", "@model", "@x.tsv"], status: 65,
            says: ["@x.tsv:2", "\"ugly\"", "bad, good"]
        ) {
            try $0.write("x.tsv", "good\ta\nugly\ta film\n")
        },
        Case(name: "no labels", arguments: ["evaluate", "@model", "@x.txt"], status: 65, says: ["no label"]) {
            try $0.write("x.txt", "a\n")
        },
        Case(
            name: "too long in a file", arguments: ["evaluate", "@model", "@x.tsv", "--no-truncate"],
            status: 65, says: ["@x.tsv:1: has 14 tokens"]
        ) {
            try $0.write("x.tsv", "good\ta a a a a a a a a a a a\n")
        },
        Case(
            name: "not a number", arguments: ["evaluate", "@number", "@x.tsv"], status: 65,
            says: ["@x.tsv:1", "\"good\"", "number"]
        ) {
            try TinyModel.write(.regression, to: $0, "number")
            try $0.write("x.tsv", "good\ta\n")
        },
        Case(
            name: "nothing on standard input", arguments: ["predict", "@model"], status: 65,
            says: ["standard input: holds no texts"]),
        Case(
            name: "invalid UTF-8 on standard input", arguments: ["embed", "@model"], status: 65,
            says: ["standard input:2: invalid UTF-8"], input: [0x61, 0x0A, 0xC0, 0x0A]),
    ]

    static let graphs = [
        Case(name: "no graph", arguments: ["compile", "@g.ir"], status: 66, says: ["@g.ir: no such file"]),
        Case(name: "malformed graph", arguments: ["compile", "@g.ir"], status: 65, says: ["@g.ir:2:"]) {
            try $0.write("g.ir", "graph \"g\" {\n  %0 = wibble\n}\n")
        },
        Case(name: "shapes of a graph", arguments: ["compile", "@g.ir"], status: 65, says: ["@g.ir:4:"]) {
            try $0.write(
                "g.ir",
                """
                graph "g" {
                  %0 = input {name = "a"} : f32[3]
                  %1 = input {name = "b"} : f32[4]
                  %2 = add %0, %1 : f32[3]
                  output "c" %2
                }
                """)
        },
        Case(
            name: "graph is not text", arguments: ["compile", "@g.ir"], status: 65,
            says: ["@g.ir: is not UTF-8"]
        ) {
            try $0.write("g.ir", [0xFF, 0x00])
        },
        Case(
            name: "no model to compile", arguments: ["compile", "@nowhere"], status: 66,
            says: ["@nowhere: no such model"]),
        Case(
            name: "nothing to train", arguments: ["compile", "@encoder", "--training"], status: 64,
            says: ["no loss"]
        ) {
            try TinyModel.write(.encoder, to: $0, "encoder")
        },
    ]

    static let sizes = [
        Case(
            name: "a model that no machine holds", arguments: ["compile", "@big.json"], status: 65,
            says: ["@big.json: ", "'hidden_size'", "billion parameters"]
        ) {
            try $0.write(
                "big.json",
                """
                {"vocab_size": 2000000000, "hidden_size": 2000000000, "num_attention_heads": 1}
                """)
        }
    ]

    static let training = [
        Case(
            name: "no training configuration", arguments: ["train", "@none.json"], status: 66,
            says: ["@none.json: no such file"]),
        Case(
            name: "training configuration is not JSON", arguments: ["train", "@train.json"], status: 65,
            says: ["@train.json", "JSON"]
        ) {
            try $0.write("train.json", "{")
        },
        Case(
            name: "unknown field", arguments: ["train", "@train.json"], status: 65,
            says: ["@train.json", "'lerningRate'", "did you mean 'learningRate'"]
        ) {
            try TinyTraining.write(to: $0, more: ["lerningRate": "1"])
        },
        Case(
            name: "ill-typed field", arguments: ["train", "@train.json", "--set", "epochs=many"], status: 65,
            says: ["--set: 'epochs'", "\"many\"", "an integer"]
        ) {
            try TinyTraining.write(to: $0)
        },
        Case(
            name: "unknown label at validation", arguments: ["train", "@train.json"], status: 65,
            says: ["@valid_labels.txt:2", "\"ugly\"", "bad, good"]
        ) {
            try TinyTraining.write(to: $0)
            try $0.write("valid_labels.txt", "good\nugly\n")
        },
        Case(
            name: "training labels and texts differ", arguments: ["train", "@train.json"], status: 65,
            says: ["@train.txt", "labels"]
        ) {
            try TinyTraining.write(to: $0)
            try $0.write("train_labels.txt", "good\n")
        },
        Case(
            name: "longer than the positions", arguments: ["train", "@train.json", "--set", "maxLength=13"],
            status: 65, says: ["maxLength", "12"]
        ) {
            try TinyTraining.write(to: $0)
        },
        Case(
            name: "output directory is a file",
            arguments: ["train", "@train.json", "--set", "outputDirectory=@train.txt"], status: 73,
            says: ["@train.txt"]
        ) {
            try TinyTraining.write(to: $0)
        },
    ]

    static let glue = [
        Case(
            name: "GLUE's folder is not there", arguments: ["glue", "--data", "@none", "--model", "@model"],
            status: 66, says: ["@none: holds no task's folder", "CoLA, SST-2"]),
        Case(
            name: "a task that is not in the folder",
            arguments: ["glue", "--data", "@glue", "--model", "@model", "--tasks", "cola"], status: 66,
            says: ["@glue: has no folder CoLA; there are STS-B, MNLI, RTE"]
        ) {
            try TinyGlue.write(to: $0)
        },
        Case(
            name: "a mistake in the last task's file",
            arguments: ["glue", "--data", "@glue", "--model", "@model", "--output", "@runs"], status: 65,
            says: ["@glue/RTE/test.tsv:7: has 2 tab-separated columns; expected 3"]
        ) {
            try TinyGlue.write(to: $0)
            try $0.write("glue/RTE/test.tsv", $0.read("glue/RTE/test.tsv").dropLast(12) + "\n")
        },
        Case(
            name: "a task without development file",
            arguments: ["glue", "--data", "@glue", "--model", "@model", "--output", "@runs"], status: 66,
            says: ["@glue/STS-B/dev.tsv: no such file; expected STS-B's dev.tsv"]
        ) {
            try TinyGlue.write(to: $0)
            try FileManager.default.removeItem(at: $0.url("glue/STS-B/dev.tsv"))
        },
        Case(
            name: "a model that is not there",
            arguments: ["glue", "--data", "@glue", "--model", "@nowhere", "--output", "@runs"], status: 66,
            says: ["@nowhere: no such model"]
        ) {
            try TinyGlue.write(to: $0)
        },
        Case(
            name: "an ill-typed option",
            arguments: ["glue", "--data", "@glue", "--model", "@model", "--epochs", "few"], status: 65,
            says: ["--epochs: 'epochs'", "\"few\"", "an integer"]
        ) {
            try TinyGlue.write(to: $0)
        },
        Case(
            name: "F1 of three labels",
            arguments: [
                "train", "--task", "glue/mnli", "--data", "@glue", "--set", "model=@model", "--set",
                "metric=f1",
            ],
            status: 65,
            says: ["'metric' is \"f1\", which needs two labels, but there are 3; use \"macro_f1\""]
        ) {
            try TinyGlue.write(to: $0)
        },
    ]

    static let outputs = [
        Case(
            name: "no directory for the output",
            arguments: ["embed", "@model", "--text", "a", "--output", "@none/v.npy"], status: 73,
            says: ["@none/v.npy: cannot be written"]),
        Case(
            name: "a file where stages should go",
            arguments: ["compile", "@model", "--dump-ir", "@model/vocab.txt"], status: 73,
            says: ["@model/vocab.txt: cannot be made a directory"]),
        Case(
            name: "too long while writing",
            arguments: [
                "embed", "@model", "--no-truncate", "--text", "a a a a a a a a a a a", "--output", "@v.npy",
            ], status: 65, says: ["13 tokens"]),
    ]

    @Test(arguments: cases)
    func givesOneLine(_ item: Case) throws {
        let scratch = try TemporaryDirectory()
        try TinyModel.write(.classification(labels: 2), labels: ["bad", "good"], to: scratch)
        try item.prepare(scratch)
        let before = try scratch.contents()
        func placed(_ text: String) -> String { text.replacing("@", with: scratch.url.path + "/") }

        let result = try Tool.run(item.arguments.map(placed), input: item.input)

        #expect(result.status == item.status)
        #expect(result.output.isEmpty)
        let lines = result.error.split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("bertc: error: ") ?? false)
        for part in item.says { #expect(result.error.contains(placed(part)), "\(result.error)") }
        #expect(try scratch.contents() == before)
    }
}
