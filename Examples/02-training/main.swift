// Gradients, and training a small network with them.  swift run 02-training

import Foundation
import GraphCompiler

// An MLP that is to learn sin(x), with the mean squared error as its loss.
let graph = try GraphBuilder.build("sine") { g in
    let x = g.input("x", .f32, ["rows", 1])
    let y = g.input("y", .f32, ["rows", 1])
    let h = (x.matmul(g.parameter("w1", [1, 32])) + g.parameter("b1", [32])).tanh()
    let prediction = h.matmul(g.parameter("w2", [32, 1])) + g.parameter("b2", [1])
    let error = prediction - y
    g.output("prediction", prediction)
    g.output("loss", (error * error).mean())
}

// Gradients are nodes of the same graph; here the one of the loss with respect to b2 becomes an output.
var withGradient = graph
let loss = graph.outputs.first { $0.name == "loss" }!.value
let b2 = graph.parameters.first { graph[$0].op.attributes.first?.value == .string("b2") }!
let gradient = try appendGradients(to: &withGradient, of: loss, withRespectTo: [Value(b2)])[0]!
withGradient.addOutput("gradient", gradient)

// A training step is gradients plus AdamW's updates, in one graph. Its parameters live in a store that both models
// share.
let options = TrainingOptions(OptimizerOptions(maxGradientNorm: 1, averageDecay: 0.9), accumulates: true)
let training = try GraphCompiler.compileTraining(graph, options)
let model = try GraphCompiler.compile(withGradient, parameters: training.store)

// Fresh weights: evenly spread numbers do for a network this small. Biases stay zero.
let spread = (0..<32).map { Float(($0 * 13) % 32) / 16 - 1 }
try training.store.set("w1", try TensorData(spread, shape: [1, 32]))
try training.store.set("w2", try TensorData(spread.reversed().map { $0 / 4 }, shape: [32, 1]))

let points = (0..<64).map { Float($0) / 63 * 2 * .pi - .pi }
func rows(_ points: some Sequence<Float>) throws -> [String: TensorData] {
    let x = Array(points)
    let y = x.map { sin($0) }
    return try ["x": TensorData(x, shape: [x.count, 1]), "y": TensorData(y, shape: [y.count, 1])]
}
let batch = try rows(points)

// The gradient against a difference quotient: (L(b2 + h) - L(b2 - h)) / 2h.
let losses = try [0.49, 0.51].map { (value: Float) -> Float in
    try model.set("b2", to: TensorData([value]))
    return try model(batch)["loss"]!.floats[0]
}
let slope = (losses[1] - losses[0]) / 0.02
try model.set("b2", to: TensorData([0.5] as [Float]))
print("dL/db2 by autodiff \(try model(batch)["gradient"]!.floats[0]), by differences \(slope)\n")

// A step learns from two micro-batches: a quarter of the points, and the rest.
let microBatches = [
    StepInputs(try rows(points[..<16]), lossWeights: [0.25]),
    StepInputs(try rows(points[16...]), lossWeights: [0.75]),
]
for step in 0...600 {
    let result = try training.step(microBatches, rate: 0.01)
    if step % 100 == 0 { print("step \(step): loss \(result.loss), norm \(result.gradientNorm)") }
}

let probe: [Float] = [-2, -1, 0, 1, 2]
let two = try TensorData(probe, shape: [5, 1])
// The averages of the weights are what is used in the end.
let averaged = try training.evaluation(graph)
let answers = try averaged(["x": two, "y": two])["prediction"]!.floats
print("")
for (x, y) in zip(probe, answers) { print("sin(\(x)) = \(sin(x)), learned \(y)") }
