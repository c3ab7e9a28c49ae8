import Foundation
import GraphCompiler
import Support
import Testing

@testable import Encoders

/// A model that `Fixtures/make_families.py` made, with a batch and what Transformers computes from it.
struct FamilyFixture {
    let checkpoint: EncoderCheckpoint
    let head: EncoderHead
    private let file: SafetensorsFile
    private let inputs: [String: TensorData]
    private let longest: Int
    /// The row of each real token; others are padding.
    private let rows: [Int]

    /// - Parameter isPadded: whether all sequences take as many rows as the longest, or as many as they have tokens.
    init(_ directory: URL, isPadded: Bool = false) throws {
        checkpoint = try EncoderCheckpoint(directory: directory)
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

    /// The head's parameters and the encoder's.
    var parameters: [ParameterSpec] {
        get throws { try EncoderGraph(config: config, head: head, isTraining: false).build().parameters }
    }

    private static func head(of config: EncoderConfig) -> EncoderHead? {
        switch config.architecture {
        case .sequenceClassification:
            config.problemType == .regression ? .regression : .classification(labels: config.labelCount)
        case .tokenClassification: .tokenClassification(labels: config.labelCount)
        case .maskedLanguageModel: .maskedLM
        case .discriminator: .discriminator
        case .pretraining: .pretraining
        case .encoder: .encoder
        case nil: nil
        }
    }

    // MARK: Differences

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
        let map = config.family.checkpoint(of: config)
        for entry in file.entries where entry.name.hasPrefix("grad.") {
            // A tensor of a file may hold several parameters, one after another, or a part of one.
            let gradient = try map.canonical(String(entry.name.dropFirst(5))).flatMap { place in
                // A tied weight has one of its two names.
                let name = outputs["grad.\(place.name)"] == nil ? CheckpointMap.tied[place.name] : place.name
                let whole = try #require(outputs["grad.\(name ?? place.name)"], "\(place.name)").floats
                let count = whole.count / place.slice.count
                return whole[(place.slice.index * count)..<((place.slice.index + 1) * count)]
            }
            differences[entry.name] = difference(gradient, try file.floats(named: entry.name))
        }
        return differences
    }

    /// The losses of steps of AdamW with the numbers of the script.
    func lossDifferences() throws -> [String: Float] {
        let built = try trained.build()
        let treatments = built.parameters.map { ($0.name, ParameterTreatment(decays: $0.decays)) }
        let options = OptimizerOptions(
            adamW: AdamWAttributes(beta1: 0.9, beta2: 0.999, epsilon: 1e-4, weightDecay: 0.01),
            treatments: Dictionary(uniqueKeysWithValues: treatments))
        let executor = try executor(trainingStep(built.graph, options: options), built)
        let inputs = inputs.merging(try labels()) { $1 }
        let losses = try (0..<20).map { step in
            let given = try options.inputs(step: step, learningRate: 1e-3).mapValues {
                try TensorData([$0], shape: [])
            }
            let outputs = try executor.run(inputs.merging(given) { $1 }, symbols: ["length": longest])
            return try #require(outputs["loss"]?.floats.first)
        }
        return ["losses": difference(losses, try file.floats(named: "losses"))]
    }

    /// The largest difference, of numbers beyond 1 relative to the largest of them.
    private func difference(_ a: [Float], _ b: [Float]) -> Float {
        #expect(a.count == b.count)
        let scale = max(1, b.map(abs).max() ?? 0)
        return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / scale
    }

    // MARK: Runs

    private var trained: EncoderGraph { EncoderGraph(config: config, head: head, isTraining: true) }

    private func executor(_ graph: Graph, _ built: EncoderGraph.Built) throws -> Executor {
        let store = ParameterStore()
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
        return try executor(graph, built).run(inputs, symbols: ["length": longest])
    }

    // MARK: Labels and logits

    /// The tokens with a label, among the real ones.
    private func labelled() throws -> [Int] {
        let all = try file.integers(named: "labels")
        return all.indices.filter { all[$0] >= 0 }
    }

    private func labels() throws -> [String: TensorData] {
        if head == .regression { return ["labels": TensorData(try file.floats(named: "labels"))] }
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
        case .encoder, .classification, .regression: return ["labels": ids]
        }
    }

    private func logits(_ outputs: [String: TensorData]) throws -> [Float] {
        let logits = try #require(outputs["logits"])
        switch head {
        case .tokenClassification, .discriminator: return try real(logits)
        case .maskedLM, .pretraining, .encoder, .classification, .regression: return try logits.floats
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
