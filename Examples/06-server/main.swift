// Calls that share batches, then the same model over HTTP.  swift run 06-server MODEL [PORT]

import Foundation
import Pipelines
import Server

let arguments = CommandLine.arguments.dropFirst()
guard let path = arguments.first else {
    print("Give a model's directory, and a port for a server of your own.")
    exit(64)
}

// Counts batches; it also answers /metrics.
let metrics = ServerMetrics()
let engine = try InferenceEngine(
    options: InferenceEngine.Options(maxBatchTokens: 2048, onBatch: metrics.note))
let model = try await engine.load(path)
print("\(model.memoryPlan.total) bytes planned")

// Any number of tasks may call; what waits at the same time is one batch.
async let first = model.embed(["A fine film.", "A good film."], normalize: true)
async let second = model.embed(["Two hours I will never get back."], normalize: true)
let vectors = try await first + second
print("\(vectors.count) vectors of \(vectors[0].count) elements")

// Until Ctrl-C.
if let port = arguments.dropFirst().first.flatMap({ Int($0) }) {
    var options = InferenceServer.Options()
    options.port = port
    let server = InferenceServer(
        [ServedModel(name: "mine", model: model)], engine: engine, metrics: metrics, options: options)
    try await server.run { print("ready on port \($0)") }
}
