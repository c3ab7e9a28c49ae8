import Encoders
import Foundation
import GraphCompiler
import TestSupport
import Testing
import Text

@testable import Training

/// Weights of labels and examples, and what is kept for validation.
@Suite struct ExampleWeightTests {
    /// `torch.nn.functional.cross_entropy(logits, labels, weight=[1, 3, 0.5])` of the tiny classifier's batch, in double precision.
    @Test func lossIsPyTorchs() throws {
        let directory = Repository.fixtures.appendingPathComponent("tiny")
        let file = try SafetensorsFile(
            Repository.fixtures.appendingPathComponent("tiny_classifier.safetensors"))
        let checkpoint = try EncoderCheckpoint(directory: directory)
        var graph = EncoderGraph(
            config: checkpoint.config, head: .classification(labels: 3), isTraining: false, hasLabels: true)
        graph.isWeighted = true
        let built = try graph.build()
        let compiled = try compile(built.graph)
        for spec in built.parameters {
            try compiled.store.set(spec.name, TensorData(checkpoint.floats(of: spec.name), shape: spec.shape))
        }
        let lengths = try file.integers(named: "lengths")
        let labels = try file.integers(named: "labels")
        func tensor(_ values: [Int]) -> TensorData { TensorData(values.map(Int32.init)) }
        let outputs = try compiled.executor.run(
            [
                "input_ids": tensor(file.integers(named: "ids")),
                "token_type_ids": tensor(file.integers(named: "types")),
                "position_ids": tensor(lengths.flatMap { Array(0..<$0) }), "lengths": tensor(lengths),
                "offsets": tensor(lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }),
                "labels": tensor(labels), "example_weights": TensorData(labels.map { [1, 3, 0.5][$0] }),
            ], symbols: ["length": lengths.max() ?? 0])
        let loss = try #require(outputs["loss"]?.floats.first)
        #expect(abs(Double(loss) - pyTorchsLoss) < 1e-5 * pyTorchsLoss)
    }

    private let pyTorchsLoss = 1.0065156093526764

    /// scikit-learn's `compute_class_weight("balanced")`, and numbers by label.
    @Test func weightsOfLabels() throws {
        let ids: [Int32] = [0, 0, 0, 1]
        #expect(try ClassWeights.balanced.values(["a", "b"], of: ids, file: "") == [Float(4.0 / 6), 2])
        let numbers = ClassWeights.numbers([ClassWeight("b", 3), ClassWeight("a", 0.5)])
        #expect(try numbers.values(["a", "b"], of: ids, file: "") == [0.5, 3])
        for (labels, problem) in [
            (["a", "b", "c"], "no number for the label \"c\""), (["a"], "none of the labels"),
        ] {
            #expect(message { _ = try numbers.values(labels, of: ids, file: "") }?.contains(problem) == true)
        }
    }

    /// Micro-batches count by what their examples weigh: they give the loss and the gradients of the whole batch.
    @Test func piecesGiveTheLossOfTheWhole() throws {
        var config = try EncoderConfig(contentsOf: Repository.fixtures.appendingPathComponent("tiny"))
        (config.hiddenDropout, config.attentionDropout, config.classifierDropout) = (0, 0, 0)
        let graphs = try ModelGraphs(config: config, head: .classification(labels: 3), isWeighted: true)
        let model = try TrainableModel(
            graphs, TrainingOptions(OptimizerOptions(), accumulates: true), compiler: Compiler())
        let initializer = ParameterInitializer(seed: 1, config: config)
        for spec in model.specs {
            try model.parameters.set(spec.name, TensorData(initializer.values(for: spec), shape: spec.shape))
        }
        let weights: [Float] = [1, 4, 0.25, 2, 0.5, 3]
        let encodings = (0..<6).map { index in
            Encoding(ids: [1, Int32(10 + index), Int32(30 - index), 2], typeIDs: [0, 0, 0, 0])
        }
        let batcher = try Batcher(
            encodings, options: BatchingOptions(mode: .packed, batchSize: 6, maxLength: 64))
        func step(_ pieces: [[Int]]) throws -> StepResult {
            try model.training.step(
                pieces.map { indices in
                    var inputs = StepInputs(
                        batcher.layOut(indices), targets: TensorData(indices.map { Int32($0 % 3) }))
                    inputs.weigh(by: indices.map { weights[$0] }, ofStep: weights.reduce(0, +))
                    return inputs
                }, rate: 0)
        }
        let (whole, pieces) = (try step([[0, 1, 2, 3, 4, 5]]), try step([[0], [1, 2], [3, 4, 5]]))
        #expect(abs(whole.loss - pieces.loss) < 1e-6 * whole.loss)
        #expect(abs(whole.gradientNorm - pieces.gradientNorm) < 1e-5 * whole.gradientNorm)
    }

    /// A column of weights is read, and what is no weight is refused with its line.
    @Test func columns() throws {
        let scratch = try TemporaryDirectory()
        try scratch.write("a.tsv", "label\ttext\tw\nx\tgood film\t2\ny\tbad film\t0.5\n")
        var options = TextDataset.Options(labels: .classes)
        options.weightColumn = ColumnSelector("w")
        let dataset = try TextDataset.load(path: scratch.path + "/a.tsv", options: options)
        #expect(dataset.examples.map(\.weight) == [2, 0.5])
        try scratch.write("b.tsv", "label\ttext\tw\nx\tgood film\t2\ny\tbad film\t0\n")
        let text = message { _ = try TextDataset.load(path: scratch.path + "/b.tsv", options: options) }
        #expect(text?.contains("b.tsv:3") == true && text?.contains("expected a positive number") == true)
    }

    /// Each label has its share in both parts, the same for the same seed.
    @Test(arguments: [0.1, 0.25, 0.5])
    func splitsAreStratified(share: Double) {
        let labels = (0..<200).map { $0 % 20 == 0 ? "rare" : $0 % 4 == 0 ? "some" : "usual" }
        let split = HeldOutSplit(labels: labels, share: share, seed: 3)
        #expect(split.heldOut.count == Int((200 * share).rounded()))
        #expect((split.train + split.heldOut).sorted() == Array(0..<200))
        for label in Set(labels) {
            let (all, held) = (
                labels.count { $0 == label }, split.heldOut.count { labels[$0] == label }
            )
            #expect(abs(Double(held) - share * Double(all)) < 1)
        }
        #expect(split == HeldOutSplit(labels: labels, share: share, seed: 3))
        #expect(split != HeldOutSplit(labels: labels, share: share, seed: 4))
        #expect(HeldOutSplit(labels: ["a", "b"], share: 0.9, seed: 0).heldOut.isEmpty)
    }

    /// A run is evaluated on what it keeps.
    @Test func validationShareIsKept() throws {
        let output = try ResumeTests.output()
        var config = ResumeTests.config(output)
        (config.optimizer.maxSteps, config.data.validationFile, config.examples.validationShare) = (
            2, nil, 0.2
        )
        config.evaluation.every = 2
        var summary: TrainingSummary?
        _ = try trainModel(config) { if case .started(let run) = $0 { summary = run } }
        #expect(summary?.validationExamples == 12 && summary?.trainExamples == 48)
    }

    @Test(arguments: [
        (#""classWeights": "even""#, "\"balanced\" or an object"),
        (#""classWeights": {"a": 0}"#, "\"balanced\" or an object"),
        (#""classWeights": "balanced", "labelSmoothing": 0.1"#, "does not go with labelSmoothing"),
        (#""classWeights": "balanced", "task": "regression""#, "has no effect"),
        (#""weightColumn": "w", "task": "token_classification""#, "use classWeights"),
        (#""validationShare": 0.1, "validationFile": "v.tsv""#, "does not go with a validationFile"),
    ])
    func refuses(_ fields: String, _ problem: String) {
        let text = message {
            try TrainingConfig(json: Data(#"{"model": "m", \#(fields)}"#.utf8)).validate()
        }
        #expect(text?.contains(problem) == true, "\(text ?? "")")
    }
}
