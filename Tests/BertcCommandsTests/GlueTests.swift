import Foundation
import TestSupport
import Testing

/// `bertc glue` from files to the table.
@Suite struct GlueTests {
    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyGlue.write(to: scratch)
    }

    private func glue(
        _ options: String..., meanwhile: ((Process, String) throws -> Void)? = nil
    ) throws -> Tool.Result {
        try Tool.run(
            [
                "glue", "--data", scratch.path("glue"), "--model", scratch.path("model.json"), "--output",
                scratch.path("runs"), "--set", "maxLength=12", "--batch-size", "2",
            ] + options, meanwhile: meanwhile)
    }

    private func lines(_ name: String) throws -> [String] {
        try scratch.read(name).split(separator: "\n").map(String.init)
    }

    @Test func runsTwoTasksAndWritesPredictions() throws {
        let result = try glue("--tasks", "sts-b,rte", "--epochs", "2", "--learning-rate", "1e-3")
        #expect(result.status == 0, "\(result.error)")
        let starts = [
            "STS-B, task 1 of 2", "training: 6 steps in 2 epochs", "validation after step 3: spearman ",
            "validation after step 6: spearman ", "best validation spearman ", "RTE, task 2 of 2",
            "validation after step 3: accuracy ", "model ", "task  ",
        ]
        var rest = result.outputLines[...]
        for start in starts {
            let index = try #require(rest.firstIndex { $0.hasPrefix(start) }, "\(start) in \(result.output)")
            rest = rest[(index + 1)...]
        }
        let details = rest.map { $0.split(separator: " ").map(String.init) }
        #expect(details.map { $0.prefix(3) } == [["STS-B", "6", "spearman"], ["RTE", "6", "accuracy"]])
        #expect(result.error.contains("runs/submission: RTE.tsv, STS-B.tsv"))

        let labels = try lines("runs/submission/RTE.tsv").map { $0.components(separatedBy: "\t") }
        #expect(labels[0] == ["index", "prediction"])
        #expect(labels.dropFirst().map { $0[0] } == (10..<16).map(String.init))
        #expect(labels.dropFirst().allSatisfy { ["entailment", "not_entailment"].contains($0[1]) })
        for line in try lines("runs/submission/STS-B.tsv").dropFirst() {
            let score = try #require(line.split(separator: "\t").last.flatMap { Double($0) })
            #expect((0...5).contains(score))
        }
        // The figures are those of the saved model.
        let evaluation = try Tool.run([
            "evaluate", scratch.path("runs/RTE"), scratch.path("glue/RTE/dev.tsv"), "--quiet",
        ])
        let accuracy = try #require(evaluation.output.firstMatch(of: /accuracy +([0-9.]+)/)).1
        #expect(details[1][3] == accuracy)
        #expect(!FileManager.default.fileExists(atPath: scratch.path("runs/RTE/checkpoints")))
    }

    @Test func finishedTasksAreNotTrainedAgain() throws {
        let first = try glue("--tasks", "rte", "--epochs", "1")
        #expect(first.status == 0, "\(first.error)")
        let model = try scratch.bytes("runs/RTE/model.safetensors")
        let again = try glue("--epochs", "1", "--tasks", "rte")
        #expect(again.status == 0)
        #expect(again.error.contains("RTE is already finished"))
        #expect(again.outputLines == Array(first.outputLines.suffix(again.outputLines.count)))
        // Predictions that were lost are made again, without training.
        let predictions = try scratch.read("runs/submission/RTE.tsv")
        try FileManager.default.removeItem(at: scratch.url("runs/submission/RTE.tsv"))
        let third = try glue("--epochs", "1", "--tasks", "rte")
        #expect(!third.output.contains("\nstep "))
        #expect(try scratch.read("runs/submission/RTE.tsv") == predictions)
        #expect(try scratch.bytes("runs/RTE/model.safetensors") == model)

        let other = try glue("--tasks", "rte", "--epochs", "2")
        #expect(other.status == 65)
        #expect(
            other.error.hasSuffix(
                "runs/RTE/glue.json: was made with 'epochs' 1, but it is 2 now; set it back, or choose another "
                    + "--output\n"), "\(other.error)")
        try scratch.write("glue/RTE/dev.tsv", scratch.read("glue/RTE/dev.tsv") + "9\ta\ta\tentailment\n")
        #expect(try glue("--tasks", "rte", "--epochs", "1").error.contains("was made with other data"))
    }

    @Test func goesOnAfterCtrlC() throws {
        var interrupted = false
        let result = try glue("--tasks", "rte", "--set", "maxSteps=400", "--set", "logEvery=1") {
            process, output in
            if !interrupted, output.contains("step 3/") {
                interrupted = true
                process.interrupt()
            }
        }
        #expect(result.status == 130)
        let match = try #require(
            result.error.firstMatch(of: /interrupted in RTE after step (\d+); run the same command/))
        let more = try glue("--tasks", "rte", "--set", "maxSteps=400", "--set", "logEvery=1")
        #expect(more.status == 0, "\(more.error)")
        #expect(more.output.contains("checkpoints/step-\(match.1) after step \(match.1)\n"))
        #expect(!more.output.contains("\nstep \(match.1)/400"))
    }

    @Test func mnliHasTwoColumnsAndTheDiagnosticSet() throws {
        let result = try glue("--tasks", "mnli", "--epochs", "1", "--json")
        #expect(result.status == 0, "\(result.error)")
        let last = try #require(result.outputLines.last)
        let table = try #require(try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any])
        #expect(table["columns_in_average"] as? Int == 2)
        let columns = try #require(table["columns"] as? [String: Any])
        #expect(columns["MNLI-m"] is Double && columns["MNLI-mm"] is Double && columns["RTE"] is NSNull)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path("runs/submission"))
        #expect(names.sorted() == ["AX.tsv", "MNLI-m.tsv", "MNLI-mm.tsv"])
    }

    @Test func quietPrintsTheTableOnly() throws {
        let result = try glue("--tasks", "rte", "--epochs", "1", "--quiet")
        #expect(result.error.isEmpty)
        #expect(result.outputLines.count == 4)
    }

    @Test func testFilesWithLabelsAreMeasured() throws {
        try scratch.write("glue/RTE/test.tsv", scratch.read("glue/RTE/dev.tsv"))
        let result = try glue("--tasks", "rte", "--epochs", "1", "--quiet")
        let rows = result.outputLines.suffix(2).map { $0.split(separator: " ").map(String.init) }
        #expect(rows[1].prefix(2) == ["RTE", "test"])
        #expect(rows[1][2...5] == rows[0][1...4])
    }

    @Test func trainTakesATaskOfGLUE() throws {
        try scratch.write(
            "train.json",
            """
            {"model": "model.json", "task": "glue/mnli", "data": "glue", "epochs": 1, "outputDirectory": "output"}
            """)
        let mnli = try Tool.run(["train", scratch.path("train.json")])
        #expect(mnli.status == 0, "\(mnli.error)")
        #expect(mnli.output.contains("3 labels (entailment, neutral, contradiction)"))
        // The command line has the last word, and takes the task's own folder as well.
        let scores = try Tool.run([
            "train", scratch.path("train.json"), "--task", "glue/sts-b", "--data", scratch.path("glue/STS-B"),
        ])
        #expect(scores.status == 0, "\(scores.error)")
        #expect(
            scores.output.contains(#/validation after step 1: spearman -?[0-9.]+, pearson -?[0-9.]+, loss/#))
    }
}
