// A BERT from a configuration, trained from nothing on a toy task.  swift run 04-bert

import Encoders
import Foundation
import GraphCompiler

// The keys of a Hugging Face config.json; `EncoderConfig(contentsOf:)` reads files. What is left out is as in BERT-base.
let config = try EncoderConfig(
    json: Data(
        """
        {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 64, "max_position_embeddings": 16, "norm_position": "pre",
         "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0}
        """.utf8))
let bert = try EncoderGraph(config: config, head: .classification(labels: 2), isTraining: true).build()
let training = try GraphCompiler.compileTraining(
    bert.graph, TrainingOptions(OptimizerOptions(maxGradientNorm: 1)))
let specs = bert.parameters
print("\(specs.count) parameters with \(specs.reduce(0) { $0 + $1.count }) numbers")

/// Repeatable random numbers.
struct Generator: RandomNumberGenerator {
    var state: UInt64 = 1
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
var generator = Generator()

// Fresh weights; a model directory would be read with `EncoderCheckpoint`.
for spec in specs {
    let values: [Float] = (0..<spec.count).map { _ in
        switch spec.role {
        case .bias, .normBias: 0
        case .normScale: 1
        default: .random(in: -0.2...0.2, using: &generator)
        }
    }
    try training.store.set(spec.name, TensorData(values, shape: spec.shape))
}

// A batch is all sequences one behind another: `offsets` says where each starts, `lengths` how long it is.
// The task: does the sequence hold token 7?
func batch(_ generator: inout Generator) -> [String: TensorData] {
    var (ids, positions, labels): ([Int32], [Int32], [Int32]) = ([], [], [])
    var (offsets, lengths): ([Int32], [Int32]) = ([0], [])
    for _ in 0..<32 {
        let length = Int32.random(in: 4...16, using: &generator)
        var tokens: [Int32] = (0..<length).map { _ in .random(in: 8..<50, using: &generator) }
        let label = Int32.random(in: 0...1, using: &generator)
        if label == 1 { tokens[Int.random(in: 1..<tokens.count, using: &generator)] = 7 }
        tokens[0] = 1  // what the pooler looks at, as [CLS]
        ids += tokens
        positions += 0..<length
        labels.append(label)
        lengths.append(length)
        offsets.append(offsets.last! + length)
    }
    return [
        "input_ids": TensorData(ids), "position_ids": TensorData(positions),
        "token_type_ids": TensorData([Int32](repeating: 0, count: ids.count)),
        "offsets": TensorData(offsets), "lengths": TensorData(lengths), "labels": TensorData(labels),
    ]
}

for step in 0...300 {
    // `length` is the extent of an attention row: at least the longest sequence.
    let inputs = batch(&generator)
    let result = try training.step(inputs, symbols: ["length": 16], rate: 2e-3)
    guard step % 50 == 0 else { continue }
    let logits = try result.outputs[0]["logits"]!.floats
    let right = try inputs["labels"]!.integers.enumerated().count { row, label in
        (logits[2 * row + 1] > logits[2 * row]) == (label == 1)
    }
    print("step \(step): loss \(result.loss), \(right) of 32 right")
}
