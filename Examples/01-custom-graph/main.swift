// A graph of your own: build it, compile it, call it.  swift run 01-custom-graph

import GraphCompiler

// A graph is written once, for any number of rows: "rows" is a symbol that each call gives a value.
let graph = try GraphBuilder.build("two layers") { g in
    let x = g.input("x", .f32, ["rows", 3])
    let h = g.scope("hidden") { (x.matmul(g.parameter("w1", [3, 4])) + g.parameter("b1", [4])).gelu() }
    let logits = g.scope("output") { h.matmul(g.parameter("w2", [4, 2])) }
    g.output("probabilities", logits.softmax())
}
print(graph)

// Compiling makes kernels for this machine. The result knows what it takes and gives.
let model = try GraphCompiler.compile(graph)
for input in model.inputs { print("input     ", input) }
for parameter in model.parameters { print("parameter ", parameter) }
for output in model.outputs { print("output    ", output) }

// Parameters are zero until they are set; they live across calls.
try model.set("w1", to: TensorData([1, 0, -1, 2, 0, 1, 1, -1, 2, 1, 0, 0] as [Float], shape: [3, 4]))
try model.set("w2", to: TensorData([1, -1, 0, 1, 1, 0, -1, 1] as [Float], shape: [4, 2]))

// One compiled graph serves calls with two rows and with one.
for rows: [[Float]] in [[[1, 2, 3], [0, -1, 1]], [[0.5, 0.5, 0.5]]] {
    let x = try TensorData(rows.flatMap { $0 }, shape: [rows.count, 3])
    let probabilities = try model(["x": x])["probabilities"]!
    print("\nrows", rows, "give", probabilities.shape, try probabilities.floats)
}

// Mistakes get one line that names them.
do {
    _ = try model(["X": TensorData([1, 2, 3] as [Float], shape: [1, 3])])
} catch {
    print("\n\(error)")
}
