import Encoders
import Foundation
import TestSupport
import Testing

@Suite struct TrainTests {
    let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        try TinyTraining.write(to: scratch)
    }

    private func train(_ options: String...) throws -> Tool.Result {
        try Tool.run(["train", scratch.path("train.json")] + options)
    }

    @Test func linesTellTheRunWhereThereIsNoTerminal() throws {
        let result = try train()
        #expect(result.status == 0)
        #expect(!(result.output + result.error).utf8.contains { $0 < 0x20 && $0 != 0x0A })
        let starts = [
            "model ", "data: 8 training, 2 validation, 2 test examples", "training: 4 steps in 2 epochs",
            "step 1/4  epoch 1/2  loss ", "step 2/4  epoch 1/2  loss ", "epoch 1: loss ",
            "validation after step 2: accuracy ", "step 3/4  epoch 2/2  loss ", "epoch 2: loss ",
            "validation after step 4: accuracy ", "best validation accuracy ", "test accuracy ",
            "4 steps in ",
            "model saved in ",
        ]
        var rest = result.outputLines[...]
        for start in starts {
            let index = try #require(rest.firstIndex { $0.hasPrefix(start) }, "\(start)")
            rest = rest[(index + 1)...]
        }
        // 8 texts of 37 tokens with their special ones, nothing padded.
        #expect(result.output.contains("real and 0 padded tokens (0.0 % padding)"))
    }

    @Test func savedModelEvaluatesToTheReportedAccuracy() throws {
        let events = try objects(try train("--json"))
        #expect(events.first?["event"] as? String == "started")
        let last = try #require(events.last)
        #expect(last["event"] as? String == "finished")
        let test = try #require(last["test"] as? [String: Any])
        let result = try Tool.run(["evaluate", scratch.path("output"), scratch.path("test.txt"), "--json"])
        let metrics = try #require(try objects(result).first)
        #expect(metrics["accuracy"] as? Double == test["accuracy"] as? Double)
        #expect(metrics["labels"] as? [String] == ["bad", "good"])
        let loss = try #require(metrics["loss"] as? Double)
        #expect(abs(loss - (test["loss"] as? Double ?? .nan)) < 1e-6)
        #expect(events.count { $0["event"] as? String == "step" } == 4)
        #expect(events.count { $0["event"] as? String == "epoch" } == 2)
    }

    /// Families train, save, evaluate and go on like BERT; those without token types have no input for them.
    @Test(arguments: ["distilbert", "electra", "roberta", "albert", "modernbert"])
    func familiesTrain(_ modelType: String) throws {
        var config = TinyModel.config()
        config.modelType = modelType
        try scratch.write("model.json", [UInt8](config.json()))
        let result = try train("--json")
        #expect(result.status == 0, "\(result.error)")
        let last = try #require(try objects(result).last)
        let test = try #require(last["test"] as? [String: Any])
        let evaluated = try Tool.run([
            "evaluate", scratch.path("output"), scratch.path("test.txt"), "--json",
        ])
        let metrics = try #require(try objects(evaluated).first)
        let loss = try #require(metrics["loss"] as? Double)
        #expect(abs(loss - (test["loss"] as? Double ?? .nan)) < 1e-6)
    }

    /// A process of its own: tests that run beside this one do not count.
    @Test func memoryStaysFlat() throws {
        var pages: [Int] = []
        let result = try Tool.run(
            ["train", scratch.path("train.json"), "--set", "maxSteps=2000", "--set", "saveEvery=0"]
                + ["--set", "evaluateEvery=100000"]
        ) { process, output in
            let statm = "/proc/\(process.processIdentifier)/statm"
            guard output.contains("step 200/2000"),
                let text = try? String(contentsOfFile: statm, encoding: .utf8),
                let resident = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }), resident > 0
            else { return }
            pages.append(resident)
        }
        #expect(result.status == 0, "\(result.error)")
        let first = try #require(pages.first)
        // Without the last samples, when the model is being saved. 1,800 steps that leaked a batch each take more.
        let last = try #require(pages.dropLast(2).last)
        #expect(pages.count > 5 && (last - first) * 4096 < 2 << 20, "\(pages)")
    }

    @Test func quietPrintsResultsOnly() throws {
        let result = try train("--quiet")
        #expect(result.error.isEmpty)
        #expect(result.outputLines.count == 4)
        #expect(result.outputLines.last?.hasPrefix("model saved in ") ?? false)
    }

    @Test func profileNamesTheKernelsOfTheStep() throws {
        let result = try train("--profile", "--quiet")
        let rows = result.outputLines.filter { $0.hasPrefix("adamw ") || $0.hasPrefix("matmul ") }
        #expect(rows.count == 2)
        #expect(result.outputLines.contains { $0.hasPrefix("total ") })
    }

    /// What is planned before the first step is what the process comes to hold. The model is large beside what the
    /// process does besides: checkpoints, results, the system's own counting.
    @Test func planAgreesWithMeasuredMemory() throws {
        var config = TinyModel.config()
        config.hiddenSize = 256
        config.feedForwardSize = 2048
        config.layers = 8
        config.normPosition = .pre
        try scratch.write("large.json", [UInt8](config.json()))
        let result = try train("--set", "model=\(scratch.path("large.json"))", "--json")
        #expect(result.status == 0, "\(result.error)")
        let events = try objects(result)
        let planned = try #require(events.first?["planned_memory_bytes"] as? Int)
        let parts = try #require(events.first?["planned_memory"] as? [String: Int])
        #expect(parts.values.reduce(0, +) == planned)
        let peak = try #require(events.last?["memory_bytes"] as? Int)
        #expect(
            abs(Double(peak - planned)) < 0.05 * Double(planned), "\(planned) planned, \(peak) held: \(parts)"
        )
    }

    /// Where a batch does not fit, the fewest pieces that do are run, and the losses are the same to rounding.
    @Test func maxMemoryCutsBatches() throws {
        var config = TinyModel.config()
        (config.hiddenSize, config.feedForwardSize, config.layers, config.maxPositions) = (64, 128, 6, 32)
        (config.hiddenDropout, config.attentionDropout) = (0, 0)
        config.normPosition = .pre
        try scratch.write("large.json", [UInt8](config.json()))
        for name in ["train.txt", "train_labels.txt"] {
            let lines = try scratch.read(name)
            try scratch.write(name, String(repeating: lines, count: 8))
        }
        let sets = ["batching=fixed", "batchSize=64", "maxSteps=2"].flatMap { ["--set", $0] }
        func events(_ more: [String]) throws -> [[String: Any]] {
            let model = ["--set", "model=\(scratch.path("large.json"))", "--json"]
            let result = try Tool.run(["train", scratch.path("train.json")] + model + sets + more)
            #expect(result.status == 0, "\(result.error)")
            return try objects(result)
        }
        func losses(_ events: [[String: Any]]) -> [Double] {
            events.filter { $0["event"] as? String == "step" }.compactMap { $0["loss"] as? Double }
        }
        let whole = try events([])
        let parts = try #require(whole.first?["planned_memory"] as? [String: Int])
        let arena = try #require(parts["activations_and_gradients"])
        let limit = parts.values.reduce(0, +) - arena / 2
        let cut = try events(["--set", "maxMemory=\(limit)"])
        #expect(whole.first?["micro_batch_size"] is NSNull)
        let size = try #require(cut.first?["micro_batch_size"] as? Int)
        #expect(size > 1 && size < 64)
        #expect(try #require(cut.first?["planned_memory_bytes"] as? Int) <= limit)
        #expect(losses(cut).count == 2)
        for (a, b) in zip(losses(cut), losses(whole)) { #expect(abs(a - b) <= 1e-4 * b) }
    }

    @Test func maxMemoryRefusesWhatOneSequenceNeeds() throws {
        let planned = try #require(
            try objects(train("--json")).first?["planned_memory_bytes"] as? Int)
        let fits = try train("--set", "maxMemory=\(planned + planned / 10)", "--quiet")
        #expect(fits.status == 0, "\(fits.error)")
        let refused = try train("--set", "maxMemory=1MB", "--quiet")
        #expect(refused.status == 65)
        #expect(refused.output.isEmpty)
        #expect(refused.error.contains("'maxMemory' is 1.0 MB, but the run needs "))
        #expect(refused.error.contains("weights ") && refused.error.contains("process "))
        #expect(refused.error.contains("micro-batches of one sequence need "))
    }

    /// Events of a track follow one another, and the kernels of worker 0 lie within a run.
    @Test func traceIsChromesJSON() throws {
        let result = try train("--trace", scratch.path("trace.json"), "--quiet")
        #expect(result.status == 0, "\(result.error)")
        let json = try JSONSerialization.jsonObject(with: Data(scratch.bytes("trace.json")))
        let events = try #require((json as? [String: Any])?["traceEvents"] as? [[String: Any]])
        func spans(_ category: String, _ worker: Int) throws -> [(begin: Double, end: Double)] {
            try events.filter { $0["cat"] as? String == category && $0["tid"] as? Int == worker }.map {
                #expect($0["ph"] as? String == "X")
                let begin = try #require(($0["ts"] as? NSNumber)?.doubleValue)
                return (begin, begin + (try #require(($0["dur"] as? NSNumber)?.doubleValue)))
            }
        }
        let runs = try spans("run", 0)
        #expect(runs.count == 4)
        let workers = Set(events.compactMap { $0["ph"] as? String == "M" ? $0["tid"] as? Int : nil })
        // Microseconds with decimals, added up.
        let rounding = 1e-3
        for worker in workers {
            let kernels = try spans("kernel", worker)
            for (one, next) in zip(kernels, kernels.dropFirst()) { #expect(next.begin >= one.end - rounding) }
            #expect(
                kernels.allSatisfy { kernel in
                    runs.contains { $0.begin <= kernel.begin + rounding && kernel.end <= $0.end + rounding }
                })
            if worker == 0 { #expect(kernels.count > 100) }
        }
    }

    @Test func stagesAreDumped() throws {
        #expect(try train("--dump-ir", scratch.path("stages"), "--quiet").status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path("stages")).sorted()
        #expect(names.first == "01-graph.ir")
        #expect(names.contains { $0.hasSuffix("-llvm.ll") })
        #expect(try scratch.read("stages/02-training.ir").contains(" = adamw "))
        // The evaluation follows the training step.
        #expect(try scratch.read("stages/index.md").components(separatedBy: "| graph |").count == 3)
    }

    @Test func lossThatIsNotFiniteStopsWithStepAndNode() throws {
        let result = try train("--set", "learningRate=1e30", "--set", "epochs=20", "--quiet")
        #expect(result.status == 70)
        #expect(result.output.isEmpty)
        let lines = result.error.split(separator: "\n")
        #expect(lines.count == 1)
        #expect(result.error.contains(/bertc: error: step \d+ \(epoch \d+\): %\d+ = \w+/))
        #expect(result.error.contains("is the first node to produce"))
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func interruptionLeavesACheckpointToGoOnFrom(signal: Int32) throws {
        var interrupted = false
        let result = try Tool.run(
            ["train", scratch.path("train.json"), "--set", "epochs=3000", "--set", "saveEvery=1000000"]
        ) { process, output in
            if !interrupted, output.contains("step 3/") {
                interrupted = true
                kill(process.processIdentifier, signal)
            }
        }
        #expect(result.status == 128 + signal)
        let note = try #require(result.error.split(separator: "\n").last)
        let match = try #require(
            note.firstMatch(of: /interrupted after step (\d+); continue with --set resume=latest/))
        let step = try #require(Int(match.1))
        let more = try train(
            "--set", "resume=latest", "--set", "epochs=3000", "--set", "maxSteps=\(step + 2)")
        #expect(more.status == 0, "\(more.error)")
        #expect(more.output.contains("after step \(step)\n"))
        #expect(more.output.contains("step \(step + 1)/\(step + 2)"))
        #expect(!more.output.contains("step \(step)/\(step + 2)"))
    }

    /// Into one directory one process trains at a time; the second one leaves what the first one writes.
    @Test func aSecondRunIntoTheDirectoryIsRefused() throws {
        var second: Tool.Result?
        let first = try Tool.run(
            ["train", scratch.path("train.json"), "--set", "epochs=30000", "--set", "saveEvery=0"]
        ) { process, output in
            guard second == nil, output.contains("step 3/") else { return }
            second = try train()
            kill(process.processIdentifier, SIGTERM)
            #expect(second?.error.contains("output: process \(process.processIdentifier) on ") == true)
        }
        #expect(first.status == 143 && second?.status == 73)
        #expect(try train("--quiet").status == 0)
    }

    private func objects(_ result: Tool.Result) throws -> [[String: Any]] {
        try result.outputLines.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }
}
