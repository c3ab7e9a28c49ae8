import Encoders
import Foundation
import GraphCompiler
import Testing

/// The head of `BertForTokenClassification` on the tiny model: a linear layer on each hidden state, and the mean
/// cross-entropy of the labelled tokens alone.
@Suite struct TokenClassificationTests {
    private static let lengths = [5, 1, 9]

    private static var inputs: [String: TensorData] {
        let ids = (0..<15).map { Int32(($0 * 37) % 190 + 5) }
        return [
            "input_ids": TensorData(ids), "token_type_ids": TensorData([Int32](repeating: 0, count: 15)),
            "position_ids": TensorData(lengths.flatMap { (0..<Int32($0)) }),
            "offsets": TensorData([0, 5, 6, 15] as [Int32]), "lengths": TensorData(lengths.map(Int32.init)),
        ]
    }

    private func run(
        _ graph: Graph, _ tensors: [String: TensorData], _ checkpoint: EncoderCheckpoint
    ) throws -> [String: TensorData] {
        let store = ParameterStore()
        let executor = try Compiler(CompilerOptions(threads: 2, cache: .off)).compile(
            graph, parameters: store)
        for case .source(.parameter(let name, let type, _)) in graph.nodes.map(\.op) {
            try store.set(name, TensorData(checkpoint.floats(of: name), shape: type.extents([:]) ?? []))
        }
        return try executor.run(tensors, symbols: ["length": 9])
    }

    @Test func logitsAndLoss() throws {
        let checkpoint = try EncoderCheckpoint(directory: Fixtures.folder.appendingPathComponent("tiny"))
        let config = checkpoint.config
        let encoder = try EncoderGraph(config: config, head: .encoder, isTraining: false).build().graph
        let hidden = try #require(try run(encoder, Self.inputs, checkpoint)["hidden"]).floats
        let (weight, bias) = (
            try checkpoint.floats(of: "classifier.weight"), try checkpoint.floats(of: "classifier.bias")
        )
        let (width, count) = (config.hiddenSize, bias.count)
        var expected: [[Double]] = []
        for token in 0..<15 {
            var row = bias.map { Double($0) }
            for label in 0..<count {
                for index in 0..<width {
                    row[label] +=
                        Double(hidden[token * width + index]) * Double(weight[label * width + index])
                }
            }
            expected.append(row)
        }

        let head = EncoderHead.tokenClassification(labels: count)
        var graph = try EncoderGraph(config: config, head: head, isTraining: false, hasLabels: true).build()
            .graph
        #expect(!graph.parameterNames.contains { $0.hasPrefix("pooler.") })
        let loss = try #require(graph.outputs.first { $0.name == "loss" }).value
        let parameters = graph.parameters
        let gradients = try appendGradients(to: &graph, of: loss, withRespectTo: parameters.map { Value($0) })
        for (name, gradient) in zip(graph.parameterNames, gradients) where name == "classifier.bias" {
            graph.addOutput("gradient", try #require(gradient))
        }
        // Not in order, and one token of a sequence or all of them.
        let (positions, labels): ([Int32], [Int32]) = ([1, 3, 5, 14, 7], [0, 2, 1, 1, 0])
        var tensors = Self.inputs
        tensors["labelled_positions"] = TensorData(positions)
        tensors["labels"] = TensorData(labels)
        let outputs = try run(graph, tensors, checkpoint)
        let logits = try #require(outputs["logits"]).floats
        #expect(logits.count == 15 * count)
        for (actual, expected) in zip(logits, expected.joined()) {
            #expect(abs(Double(actual) - expected) < 2e-5)
        }
        var (sum, gradient) = (0.0, [Double](repeating: 0, count: count))
        for (position, label) in zip(positions, labels) {
            let row = expected[Int(position)]
            let total = row.reduce(0) { $0 + exp($1) }
            sum += log(total) - row[Int(label)]
            for index in 0..<count {
                gradient[index] += (exp(row[index]) / total - (index == Int(label) ? 1 : 0)) / 5
            }
        }
        #expect(try abs(Double(outputs["loss"]!.floats[0]) - sum / 5) < 1e-5)
        for (actual, expected) in zip(try outputs["gradient"]!.floats, gradient) {
            #expect(abs(Double(actual) - expected) < 1e-5)
        }
    }

    /// As Hugging Face, the class has two labels unless the configuration says otherwise.
    @Test func configurations() throws {
        let config = try EncoderConfig(json: Data(#"{"architectures": ["BertForTokenClassification"]}"#.utf8))
        #expect(config.architecture == .tokenClassification && config.labels == ["LABEL_0", "LABEL_1"])
    }
}

extension Graph {
    fileprivate var parameterNames: [String] {
        parameters.compactMap { id in
            if case .source(.parameter(let name, _, _)) = self[id].op { name } else { nil }
        }
    }
}
