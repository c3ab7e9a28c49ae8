// An activation of your own, as one kernel.  swift run 03-custom-op

import Foundation
import GraphCompiler

// mish(x) = x tanh(log(1 + exp(x))). The definition says what types it takes, what it computes (the interpreter's
// word), its gradient, and how to write it with other ops.
let mish = CustomOpDefinition(
    "mish",
    shape: { _, types in
        guard types.count == 1, types[0].element.isFloat else {
            throw IRError("type", "needs one float tensor")
        }
        return types
    },
    evaluate: { _, x in [x[0].values.map { $0 * tanh(log(1 + exp($0))) }] },
    gradient: { _, rule in
        let x = rule.operands[0]
        let t = (1 + x.exp()).log().tanh()
        return [rule.cotangent * (t + x * (1 - t * t) * x.sigmoid())]
    },
    decomposition: { _, x in [x[0] * (1 + x[0].exp()).log().tanh()] })

let graph = try GraphBuilder.build("custom activation") { g in
    let x = g.input("x", .f32, ["rows", 64])
    let y = g.custom(mish, [x.matmul(g.parameter("w", [64, 64])) + g.parameter("b", [64])])[0]
    g.output("y", y)
    g.output("loss", (y * y).mean())
}

// With a kernel: what becomes of one element. With u = (1 + eˣ)², tanh(log(1 + eˣ)) = (u - 1) / (u + 1); above 20
// it is 1 in f32, and eˣ would overflow.
let kernel = CustomKernel(mish) { _, x, program in
    let one = program.constant(1)
    let sum = program.adding(one, program.unary(.exp, program.binary(.min, x[0], program.constant(20))))
    let u = program.multiplying(sum, sum)
    let t = program.dividing(program.subtracting(u, one), program.adding(u, one))
    return program.multiplying(x[0], t)
}
let fast = try GraphCompiler.compile(graph, CompilerOptions(customKernels: [kernel]))

// Without one, the decomposition takes the op's place at the start of the passes.
let decomposed = try GraphCompiler.compile(graph, parameters: fast.store)

for (name, model) in [("kernel", fast), ("decomposition", decomposed)] {
    let kernels = model.executor.program.launches.map(\.kernel.name)
    print("by \(name): \(kernels.count) kernels, \(kernels.joined(separator: ", "))")
}

// Both compute the same.
try fast.set("w", to: TensorData((0..<4096).map { sin(Float($0)) }, shape: [64, 64]))
let x = try TensorData((0..<640).map { cos(Float($0)) }, shape: [10, 64])
let (a, b) = (try fast(["x": x])["y"]!.floats, try decomposed(["x": x])["y"]!.floats)
let difference = zip(a, b).map { abs($0 - $1) / max(1, abs($1)) }.max()!
print("the results agree to 1e-5: \(difference < 1e-5)")

// The gradient makes it trainable; the kernel serves the forward part of the step.
let training = try GraphCompiler.compileTraining(
    graph, options: CompilerOptions(customKernels: [kernel]), parameters: fast.store)
let losses = try (0..<20).map { _ in try training.step(["x": x], rate: 0.01).loss }
print("20 steps of training: loss \(losses[0]) -> \(losses[19])")

// A graph with custom ops can be written down and read again, given the definitions.
let again = try Graph(parsing: graph.description, customOps: [mish])
print("the text form gives the graph back: \(again == graph)")
