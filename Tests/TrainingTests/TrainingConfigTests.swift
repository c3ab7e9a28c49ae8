import Encoders
import Foundation
import Support
import TestSupport
import Testing
import Training

@Suite struct TrainingConfigTests {
    static func config(_ text: String) throws -> TrainingConfig {
        try TrainingConfig(json: Data(text.utf8), file: "train.json", directory: "runs/a")
    }

    /// The field's type tells what a value of the command line is.
    @Test(arguments: [
        ("outputDirectory", "2024", #""2024""#), ("outputDirectory", "null", #""null""#),
        ("outputDirectory", "true", #""true""#), ("outputDirectory", #""a b""#, #""a b""#),
        ("textColumn", "2", #""2""#), ("textColumn", "null", "null"), ("maxSteps", "null", "null"),
        ("maxSteps", "3", "3"), ("learningRate", "1e-3", "1e-3"), ("maxMemory", "4GB", #""4GB""#),
        ("header", "absent", #""absent""#), ("freeze", "embeddings", #"["embeddings"]"#),
        ("freeze", "[a*, b]", #"["a*", "b"]"#), ("textFiles", #"["a", "b"]"#, #"["a", "b"]"#),
        ("textFiles", "[]", "[]"), ("missingLabels", "[-1]", #"["-1"]"#),
        ("missingLabels", #"["a,b", 1.0, null]"#, #"["a,b", "1.0", "null"]"#),
    ])
    func argumentsNeedNoQuotes(name: String, text: String, value: String) throws {
        let field = try #require(TrainingConfig.fields.first { $0.name == name })
        #expect(try field.argument(text) == JSONValue(parsing: value.utf8))
        var config = TrainingConfig()
        try config.set(name, field.argument(text))
    }

    /// `..` behind a symbolic link is the parent of where it leads.
    @Test func parentsOfLinksAreKept() throws {
        let root = try TemporaryDirectory()
        try FileManager.default.createSymbolicLink(
            atPath: root.path + "/link", withDestinationPath: "/usr/lib")
        #expect(TrainingConfig.path("../x", from: root.path + "/link") == root.path + "/link/../x")
        #expect(TrainingConfig.path("../x", from: root.path + "/other") == root.path + "/x")
    }

    @Test func readsFieldsAndKeepsDefaults() throws {
        let config = try Self.config(
            #"{"model": "../m", "epochs": 5, "learningRate": 1, "maxGradientNorm": null, "batching": "uniform"}"#
        )
        #expect(
            config.optimizer.epochs == 5 && config.optimizer.learningRate == 1
                && config.optimizer.maxGradientNorm == nil)
        #expect(
            config.batches.mode == .uniform && config.batches.size == 32
                && config.optimizer.schedule == .linear)
        #expect(config.resolve(config.model.path) == "runs/m")
    }

    @Test(arguments: [
        (#""4GB""#, 4_000_000_000), (#""512MiB""#, 512 << 20), (#""1.5 GB""#, 1_500_000_000), ("1000", 1000),
        (#""700B""#, 700),
    ])
    func amountsOfMemory(text: String, byteCount: Int) throws {
        #expect(
            try Self.config(#"{"model": "m", "maxMemory": \#(text)}"#).machine.maxMemory?.byteCount
                == byteCount)
    }

    @Test(arguments: [
        ("a/b", "x.txt", "a/b/x.txt"), ("a/b", "../../x", "x"), ("a", "../../x", "../x"),
        ("a", "/x/y", "/x/y"),
        ("", "../x", "../x"), ("/a/b", "../x", "/a/x"), ("a/./b", "./x", "a/b/x"), ("a", "..", "."),
    ])
    func pathsAreRelativeToTheFile(directory: String, path: String, resolved: String) {
        var config = TrainingConfig()
        config.directory = directory
        #expect(config.resolve(path) == resolved)
    }

    @Test(arguments: [
        (#"{"model": "m", "epoch": 3}"#, "train.json: 'epoch' is not a field; did you mean 'epochs'?"),
        (
            #"{"model": "m", "learning_rate": 1}"#,
            "train.json: 'learning_rate' is not a field; did you mean 'learningRate'?"
        ),
        (#"{"model": "m", "zzzzzz": 3}"#, "train.json: 'zzzzzz' is not a field; see docs/training.md"),
        (
            #"{"model": "m", "epochs": "3"}"#,
            #"train.json: 'epochs' is "3", expected an integer of at least 1"#
        ),
        (#"{"model": "m", "epochs": 2.5}"#, "train.json: 'epochs' is 2.5, expected an integer of at least 1"),
        (#"{"model": "m", "epochs": 0}"#, "train.json: 'epochs' is 0, expected an integer of at least 1"),
        (
            #"{"model": "m", "gradientAccumulation": 0}"#,
            "train.json: 'gradientAccumulation' is 0, expected an integer of at least 1"
        ),
        (
            #"{"model": "m", "bucketWidth": 8}"#,
            #"train.json: 'bucketWidth' has no effect with "batching": "packed"; set that to "uniform", or remove this"#
        ),
        (
            #"{"model": "m", "optimizer": "adam"}"#,
            #"train.json: 'optimizer' is "adam", expected one of "adamw", "lamb""#
        ),
        (
            #"{"model": "m", "layerwiseLearningRateDecay": 0}"#,
            "train.json: 'layerwiseLearningRateDecay' is 0, expected a positive number of at most 1"
        ),
        (
            #"{"model": "m", "ema": 1}"#,
            "train.json: 'ema' is 1, expected a positive number less than 1, or null"
        ),
        (#"{"model": "m", "saveBest": 1}"#, "train.json: 'saveBest' is 1, expected true or false"),
        (
            #"{"model": "m", "maxMemory": "4 apples"}"#,
            #"train.json: 'maxMemory' is "4 apples", expected an amount of memory such as "4GB", "512MiB" or a number of bytes or null"#
        ),
        (
            #"{"model": "m", "freeze": ["a", 1]}"#,
            "train.json: 'freeze' is an array, expected an array of strings"
        ),
        (
            #"{"model": "m", "schedule": "linaer"}"#,
            #"train.json: 'schedule' is "linaer", expected one of "linear", "cosine", "polynomial", "constant""#
        ),
        (
            #"{"model": "m", "beta2": 1}"#,
            "train.json: 'beta2' is 1, expected a number of at least 0 and less than 1"
        ),
        (
            #"{"model": "m", "hiddenDropout": -0.1}"#,
            "train.json: 'hiddenDropout' is -0.1, expected a number of at least 0 and less than 1, or null"
        ),
        (
            #"{"model": "m", "metric": "pearson"}"#,
            #"train.json: 'metric' is "pearson", which needs numbers; "#
                + #"expected "loss", "accuracy", "f1", "macro_f1" or "matthews""#
        ),
        (
            #"{"model": "m", "cpu": "sse2"}"#,
            #"train.json: 'cpu' is "sse2", expected "avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "amx" or null"#
        ),
        (
            #"{"model": "m", "task": "glue/sts-b", "data": "g", "metric": "f1"}"#,
            #"train.json: 'metric' is "f1", which needs labels; expected "loss", "pearson" or "spearman""#
        ),
        (
            #"{"model": "m", "task": "glue/mrcp", "data": "g"}"#,
            #"train.json: 'task' is "glue/mrcp", expected one of "classification", "multi_label_classification", "regression", "#
                + #""token_classification", "question_answering", "multiple_choice", "pretrain", "embedding", "reranking", "glue/cola", "glue/sst-2", "glue/mrpc", "glue/sts-b", "#
                + #""glue/qqp", "glue/mnli", "glue/qnli", "glue/rte", "glue/wnli""#
        ),
        (
            #"{"model": "m", "task": "glue/mrpc"}"#,
            #"train.json: 'data' is missing; the task "glue/mrpc" needs GLUE's folder or MRPC's own"#
        ),
        (
            #"{"model": "m", "data": "g"}"#,
            #"train.json: 'data' is for GLUE's tasks; set 'task' to one such as "glue/mrpc", or use trainFile"#
        ),
        (
            #"{"model": "m", "task": "glue/mrpc", "data": "g", "testFile": "x.tsv"}"#,
            #"train.json: 'testFile' has no effect in the task "glue/mrpc", whose files are in 'data'; remove it"#
        ),
        (#"{}"#, #"train.json: 'model' is "", expected the path of a model directory or of a model.json"#),
        ("[]", "train.json: holds an array, expected a JSON object"),
    ])
    func refuses(text: String, problem: String) {
        #expect(message { _ = try Self.config(text) } == problem)
    }

    @Test func refusesTextThatIsNoJSON() {
        let text = message { _ = try Self.config("{\"model\": ") } ?? ""
        #expect(text.hasPrefix("train.json: is not valid JSON"))
    }

    @Test func namesAMissingFile() {
        #expect(
            message { _ = try TrainingConfig(contentsOf: "no/train.json") }
                == "no/train.json: no such file; expected a training configuration")
    }

    @Test(arguments: ["glue/sts-b", "glue/stsb", "glue/STS-B"])
    func tasksOfGLUEHaveOneSpelling(name: String) throws {
        let config = try Self.config(#"{"model": "m", "task": "\#(name)", "data": "g", "metric": "pearson"}"#)
        #expect(config.task == .glue(.stsb) && config.task.rawValue == "glue/sts-b")
    }

    @Test func writesWhatItReads() throws {
        var config = try Self.config(
            #"{"model": "m", "freeze": ["a*"], "maxSteps": 7, "metric": "loss", "epsilon": 1e-6}"#)
        config.machine.matmul = .openblas
        let text = Data(config.json.text(.indented).utf8)
        let again = try TrainingConfig(json: text, file: config.file, directory: config.directory)
        #expect(again == config)
    }

    @Test func checksValuesSetInCode() {
        var config = TrainingConfig()
        config.model.path = "m"
        config.batches.size = 0
        #expect(
            message { try config.validate() }
                == "training configuration: 'batchSize' is 0, expected an integer of at least 1")
    }

    /// The file has a field for each property of each section, under a name of its own.
    @Test func everyPropertyIsAField() {
        let count = Mirror(reflecting: TrainingConfig()).children.reduce(0) { count, property in
            let isSection = "\(type(of: property.value))".hasSuffix("Settings")
            return count + (isSection ? Mirror(reflecting: property.value).children.count : 1)
        }
        let names = TrainingConfig.fields.map(\.name)
        // The directory and the name of the file are not in it.
        #expect(names.count == count - 2 && Set(names).count == count - 2)
    }

    /// What a run does not look at is refused where it says something, and may be listed with the value that it has anyway.
    @Test(arguments: [
        (#""damLambda": 1e-4"#, #""damLambda": 5e-5"#), (#""damPerLayer": true"#, #""damPerLayer": false"#),
        (#""maskedShare": 0.2"#, #""maskedShare": 0.15"#),
        (
            #""task": "token_classification", "truncation": "only_first""#,
            #""task": "token_classification", "truncation": "longest_first""#
        ),
        (
            #""task": "pretrain", "textFiles": ["t"], "header": "absent""#,
            #""task": "pretrain", "textFiles": ["t"], "header": "auto", "testFile": null"#
        ),
    ])
    func uselessFields(refused: String, accepted: String) throws {
        let text = message { _ = try Self.config(#"{"model": "m", \#(refused)}"#) }
        #expect(text?.contains("has no effect") == true)
        _ = try Self.config(#"{"model": "m", \#(accepted)}"#)
    }

    /// `docs/training.md` has the table that the code has; `BERTC_BLESS=1` writes it there.
    @Test func documentationIsInSync() throws {
        let file = Repository.root.appendingPathComponent("docs/training.md")
        let page = try String(contentsOf: file, encoding: .utf8)
        let start = try #require(page.range(of: "<!-- fields -->\n")).upperBound
        let end = try #require(page.range(of: "\n<!-- end of fields -->")).lowerBound
        if ProcessInfo.processInfo.environment["BERTC_BLESS"] == "1" {
            let blessed = page.replacingCharacters(in: start..<end, with: TrainingConfig.documentation)
            try Data(blessed.utf8).write(to: file)
        } else {
            #expect(
                page[start..<end] == TrainingConfig.documentation,
                "run the test with BERTC_BLESS=1 and look at the diff")
        }
    }

    @Test(arguments: [
        "rt", "lora", "small", "glue", "pretrain", "sparsebert", "embedding", "choices", "reranking",
    ])
    func examplesAreValid(name: String) throws {
        let path = Repository.root.appendingPathComponent("Examples/\(name)/train.json").path
        let config = try TrainingConfig(contentsOf: path)
        #expect(config.resolve(config.output.directory) == Repository.root.path + "/data/runs/\(name)")
    }
}
