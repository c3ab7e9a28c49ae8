import Foundation
import GraphCompiler
import Support
import Testing

@testable import Encoders

/// A model that `Fixtures/make_families.py` made, with a batch and what Transformers computes from it.
struct FamilyFixture {
    let checkpoint: EncoderCheckpoint
    let head: EncoderHead
    private let adapter: LoRAConfig?
    private let file: SafetensorsFile
    private let inputs: [String: TensorData]
    private let longest: Int
    /// The row of each real token; others are padding.
    private let rows: [Int]

    /// - Parameter isPadded: whether all sequences take as many rows as the longest, or as many as they have tokens.
    init(_ directory: URL, isPadded: Bool = false) throws {
        try self.init(EncoderCheckpoint(directory: directory), expected: directory, isPadded: isPadded)
    }

    /// A model with an adapter that `Fixtures/make_adapters.py` made, which is part of the weights or beside them.
    init(_ base: URL, adapter directory: URL, isMerged: Bool) throws {
        let adapter = try AdapterCheckpoint(
            directory: directory, base: EncoderConfig(contentsOf: base), isMerged: isMerged)
        try self.init(
            EncoderCheckpoint(directory: base, adapter: adapter), expected: directory,
            adapter: isMerged ? nil : adapter.lora)
    }

    private init(
        _ checkpoint: EncoderCheckpoint, expected directory: URL, isPadded: Bool = false,
        adapter: LoRAConfig? = nil
    ) throws {
        self.checkpoint = checkpoint
        self.adapter = adapter
        head = try #require(Self.head(of: checkpoint.config))
        let file = try SafetensorsFile(directory.appendingPathComponent("expected.safetensors"))
        let lengths = try file.integers(named: "lengths")
        let longest = lengths.max() ?? 0
        let sizes = lengths.map { isPadded ? longest : $0 }
        let offsets = sizes.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        let rows = zip(offsets, lengths).flatMap { Array($0..<$0 + $1) }
        func tensor(_ values: [Int]) -> TensorData { TensorData(values.map(Int32.init)) }
        func spread(_ name: String) throws -> TensorData {
            var values = [Int](repeating: 0, count: offsets[lengths.count])
            for (row, value) in zip(rows, try file.integers(named: name)) { values[row] = value }
            return tensor(values)
        }
        inputs = [
            "input_ids": try spread("ids"), "token_type_ids": try spread("types"),
            "position_ids": tensor(sizes.flatMap { Array(0..<$0) }), "offsets": tensor(offsets),
            "lengths": tensor(lengths),
        ]
        (self.file, self.longest, self.rows) = (file, longest, rows)
    }

    var config: EncoderConfig { checkpoint.config }

    /// No example has more choices than there are sequences.
    private var symbols: [String: Int] {
        ["length": longest, "choices": (inputs["lengths"]?.shape ?? []).reduce(1, *)]
    }

    /// The head's parameters and the encoder's.
    var parameters: [ParameterSpec] {
        get throws { try EncoderGraph(config: config, head: head, isTraining: false).build().parameters }
    }

    private static func head(of config: EncoderConfig) -> EncoderHead? {
        switch config.architecture {
        case .sequenceClassification:
            switch config.problemType {
            case .regression: .regression
            case .multiLabel: .multiLabelClassification(labels: config.labelCount)
            case .singleLabel, nil: .classification(labels: config.labelCount)
            }
        case .questionAnswering: .questionAnswering
        case .multipleChoice: .multipleChoice
        case .nextSentencePrediction: .nextSentencePrediction
        case .tokenClassification: .tokenClassification(labels: config.labelCount)
        case .maskedLanguageModel: .maskedLM
        case .discriminator: .discriminator
        case .pretraining: .pretraining
        case .encoder: .encoder
        case nil: nil
        }
    }

    // MARK: Differences

    /// Logits and loss with an adapter, and the adapter's gradients, which stand in a directory like it.
    func adapterDifferences(gradients directory: URL) throws -> [String: Float] {
        let outputs = try run(trained, inputs.merging(labels()) { $1 })
        var differences = [
            "logits": difference(try logits(outputs), try expectedLogits()),
            "loss": difference(try #require(outputs["loss"]).floats, try file.floats(named: "loss")),
        ]
        let gradients = try EncoderCheckpoint(
            directory: checkpoint.directory,
            adapter: AdapterCheckpoint(directory: directory, base: config, isMerged: false))
        for spec in try trained.build().parameters where spec.isAdapter {
            differences["grad.\(spec.name)"] = difference(
                try #require(outputs["grad.\(spec.name)"]).floats, try gradients.floats(of: spec.name))
        }
        return differences
    }

    /// The last states.
    func stateDifferences() throws -> [String: Float] {
        let states = try run(EncoderGraph(config: config, head: .encoder, isTraining: false), inputs)
        return ["hidden": difference(try real(#require(states["hidden"])), try file.floats(named: "hidden"))]
    }

    /// The head's outputs and all gradients.
    func headDifferences() throws -> [String: Float] {
        let outputs = try run(trained, inputs.merging(labels()) { $1 })
        var differences = [
            "logits": difference(try logits(outputs), try expectedLogits()),
            "loss": difference(try #require(outputs["loss"]).floats, try file.floats(named: "loss")),
        ]
        if let pairs = outputs["next_sentence_logits"] {
            differences["pairs"] = difference(
                try pairs.floats, try file.floats(named: "next_sentence_logits"))
        }
        try compare("grad.") { name, expected in
            differences["grad.\(name)"] = difference(
                try stored(name, expected.shape) { try outputs["grad.\($0)"]?.floats },
                try file.floats(named: expected.name))
        }
        return differences
    }

    /// Calls `body` with each tensor of the file whose name begins so, and what the model calls it.
    private func compare(_ prefix: String, _ body: (String, SafetensorsEntry) throws -> Void) throws {
        for entry in file.entries where entry.name.hasPrefix(prefix) {
            try body(String(entry.name.dropFirst(prefix.count)), entry)
        }
    }

    /// The values of parameters as the tensor of a file has them: several of them, a part of one, or in another order.
    private func stored(
        _ name: String, _ shape: [Int], _ values: (String) throws -> [Float]?
    ) throws -> [Float] {
        let row = shape.dropFirst().reduce(1, *)
        var all = [Float](repeating: .nan, count: shape.reduce(1, *))
        for place in config.family.checkpoint(of: config).canonical(name) {
            // A tied weight has one of its two names.
            let tied = CheckpointMap.tied[place.name] ?? place.name
            let whole = try #require(try values(place.name) ?? values(tied), "\(place.name)")
            let start = place.slice.index * whole.count / place.slice.count
            for (index, target) in place.source.rowIndices(of: shape).enumerated() {
                for column in 0..<row { all[target * row + column] = whole[start + index * row + column] }
            }
        }
        return all
    }

    /// The losses of steps of AdamW with the numbers of the script, and the weights after them where the file has them.
    func trainingDifferences() throws -> [String: Float] {
        let built = try trained.build()
        let treatments = built.parameters.map { ($0.name, ParameterTreatment(decays: $0.decays)) }
        let options = OptimizerOptions(
            adamW: AdamWAttributes(beta1: 0.9, beta2: 0.999, epsilon: 1e-4, weightDecay: 0.01),
            treatments: Dictionary(uniqueKeysWithValues: treatments))
        let store = ParameterStore()
        let executor = try executor(trainingStep(built.graph, options: options), built, store)
        let inputs = inputs.merging(try labels()) { $1 }
        let losses = try (0..<20).map { step in
            let given = try options.inputs(step: step, learningRate: 1e-3).mapValues {
                try TensorData([$0], shape: [])
            }
            let outputs = try executor.run(inputs.merging(given) { $1 }, symbols: symbols)
            return try #require(outputs["loss"]?.floats.first)
        }
        var differences = ["losses": difference(losses, try file.floats(named: "losses"))]
        let names = Set(built.parameters.map(\.name))
        // What is added to all choices alike has no gradient but rounding errors.
        let isChoice = head == .multipleChoice || head == .questionAnswering
        try compare("trained.") { name, expected in
            if isChoice, ["classifier.bias", "qa_outputs.bias"].contains(name) { return }
            let weights = try stored(name, expected.shape) {
                names.contains($0) ? try store.get($0)?.floats : nil
            }
            let expected = try file.floats(named: expected.name)
            differences["trained.\(name)"] = largest(weights, expected) / (expected.map(abs).max() ?? 1)
        }
        return differences
    }

    /// The largest difference, of numbers beyond 1 relative to the largest of them.
    private func difference(_ a: [Float], _ b: [Float]) -> Float {
        #expect(a.count == b.count)
        return largest(a, b) / max(1, b.map(abs).max() ?? 0)
    }

    /// The largest difference; infinite where one is no number.
    private func largest(_ a: [Float], _ b: [Float]) -> Float {
        zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).isFinite ? abs($1.0 - $1.1) : .infinity) }
    }

    // MARK: Runs

    var trained: EncoderGraph {
        EncoderGraph(config: config, head: head, isTraining: true, adapter: adapter)
    }

    private func executor(
        _ graph: Graph, _ built: EncoderGraph.Built, _ store: ParameterStore = ParameterStore()
    ) throws -> Executor {
        let executor = try Compiler(CompilerOptions(threads: 1, cache: .off)).compile(
            graph, parameters: store)
        for spec in built.parameters {
            try store.set(spec.name, TensorData(checkpoint.floats(of: spec.name), shape: spec.shape))
        }
        return executor
    }

    /// The outputs of a graph, with the gradient of every parameter as `grad.NAME` where there is a loss.
    private func run(_ model: EncoderGraph, _ inputs: [String: TensorData]) throws -> [String: TensorData] {
        let built = try model.build()
        var graph = built.graph
        if let loss = graph.outputs.first(where: { $0.name == "loss" })?.value {
            let parameters = graph.parameters
            let gradients = try appendGradients(
                to: &graph, of: loss, withRespectTo: parameters.map { Value($0) })
            for (id, gradient) in zip(parameters, gradients) {
                guard case .source(.parameter(let name, _, _)) = graph[id].op, let gradient else { continue }
                graph.addOutput("grad.\(name)", gradient)
            }
        }
        return try executor(graph, built).run(inputs, symbols: symbols)
    }

    // MARK: Labels and logits

    /// The tokens with a label, among the real ones.
    private func labelled() throws -> [Int] {
        let all = try file.integers(named: "labels")
        return all.indices.filter { all[$0] >= 0 }
    }

    private func labels() throws -> [String: TensorData] {
        func integers(_ name: String) throws -> TensorData {
            TensorData(try file.integers(named: name).map(Int32.init))
        }
        switch head {
        case .regression: return ["labels": TensorData(try file.floats(named: "labels"))]
        case .multiLabelClassification(let count):
            let targets = try file.floats(named: "labels")
            return ["labels": try TensorData(targets, shape: [targets.count / count, count])]
        case .questionAnswering:
            return [
                "start_positions": try integers("start_positions"),
                "end_positions": try integers("end_positions"),
            ]
        case .multipleChoice:
            return ["labels": try integers("labels"), "example_offsets": try integers("example_offsets")]
        case .nextSentencePrediction: return ["labels": try integers("labels")]
        case .encoder, .classification, .tokenClassification, .maskedLM, .pretraining, .discriminator: break
        }
        let (all, labelled) = (try file.integers(named: "labels"), try labelled())
        let ids = TensorData(labelled.map { Int32(all[$0]) })
        let places = TensorData(labelled.map { Int32(rows[$0]) })
        switch head {
        case .maskedLM: return ["labels": ids, "masked_positions": places]
        case .pretraining:
            let order = try file.integers(named: "next_sentence_labels").map(Int32.init)
            return [
                "labels": ids, "masked_positions": places, "next_sentence_labels": TensorData(order),
            ]
        case .tokenClassification: return ["labels": ids, "labelled_positions": places]
        case .discriminator:
            return ["labels": TensorData(labelled.map { Float(all[$0]) }), "labelled_positions": places]
        case .encoder, .classification, .regression, .multiLabelClassification, .questionAnswering,
            .multipleChoice, .nextSentencePrediction:
            return ["labels": ids]
        }
    }

    private func logits(_ outputs: [String: TensorData]) throws -> [Float] {
        let logits = try #require(outputs["logits"])
        switch head {
        case .tokenClassification, .discriminator, .questionAnswering: return try real(logits)
        case .maskedLM, .pretraining, .encoder, .classification, .regression, .multiLabelClassification,
            .multipleChoice, .nextSentencePrediction:
            return try logits.floats
        }
    }

    /// The file has a row for each token; masked LM one for each masked token.
    private func expectedLogits() throws -> [Float] {
        let logits = try file.floats(named: "logits")
        guard head == .maskedLM || head == .pretraining else { return logits }
        let width = config.vocabularySize
        return try labelled().flatMap { logits[($0 * width)..<(($0 + 1) * width)] }
    }

    /// The rows of real tokens.
    private func real(_ tensor: TensorData) throws -> [Float] {
        let values = try tensor.floats
        let width = tensor.shape.dropFirst().reduce(1, *)
        return rows.flatMap { values[($0 * width)..<(($0 + 1) * width)] }
    }
}
