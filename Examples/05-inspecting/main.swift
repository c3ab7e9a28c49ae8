// What the compiler makes of a graph: ops after each pass, what fuses and why, and kernels.  swift run 05-inspecting

import GraphCompiler

/// `3 add, 2 matmul, ...`, the most frequent first.
func counts(_ names: [String]) -> String {
    Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
        .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
}

// A feed-forward block with its training step.
let forward = try GraphBuilder.build("feed forward") { g in
    let x = g.input("x", .f32, ["tokens", 64])
    let gamma = g.parameter("norm.gamma", [64])
    let beta = g.parameter("norm.beta", [64])
    let normed = g.scope("norm") { x.layerNorm(gamma: gamma, beta: beta, epsilon: 1e-12) }
    let h = g.scope("in") { (normed.matmul(g.parameter("w1", [64, 256])) + g.parameter("b1", [256])).gelu() }
    let y = g.scope("out") { h.matmul(g.parameter("w2", [256, 64])) + g.parameter("b2", [64]) + x }
    g.output("loss", (y * y).mean())
}
let graph = try trainingStep(forward)
print("forward  \(forward.nodes.count) nodes: \(counts(forward.nodes.map(\.op.mnemonic)))")
print("training \(graph.nodes.count) nodes: \(counts(graph.nodes.map(\.op.mnemonic)))\n")

// The fusion pass tells of every candidate. Every pass leaves a record.
var options = CompilerOptions()
options.passes.context.explain = { decision in
    guard !decision.producer.label.hasPrefix("optimizer") else { return }
    print("\(decision.isFused ? "fused   " : "rejected") \(decision.pattern): \(decision.reason)")
}
let compiler = try Compiler(options)
let records = try compiler.runPasses(graph)
print("")
for record in records {
    print("after \(record.name): \(record.changed ? "\(record.graph.nodes.count) nodes" : "no change")")
}
let optimized = records.last?.graph ?? graph

// The kernels in the order in which they run, each with the node that it computes.
let program = try compiler.lower(optimized)
print("\n\(program.launches.count) launches for \(compiler.instructionSet):")
for launch in program.launches {
    print("  \(launch.kernel.name)  computes \(program.graph.place(launch.node))")
}
let different = Set(program.launches.map(\.kernel))
print("\(different.count) different kernels: \(counts(different.map(\.name)))")
