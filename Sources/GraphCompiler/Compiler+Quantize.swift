import GraphIR
import Runtime
import Support
import Transforms

// The precision int8: weights as parameters of their own.

extension Compiler {
    /// A graph with products in i8, and what makes its weights where `parameters` has, or will have, them as f32.
    func compileQuantized(
        _ graph: Graph, _ parameters: ParameterStore, _ recompute: Recompute
    ) throws -> Executor {
        let candidates = QuantizedWeight.groups(in: graph).flatMap(\.weights).filter {
            parameters.isSet($0.smoothingName)
        }
        let smoothed = Set(candidates.map { TextKey($0.name) })
        let records = try runPasses(graph, recompute, smoothed: smoothed)
        if let place = records.firstIndex(where: { $0.name == Pass.quantizeName }), !smoothed.isEmpty {
            try checkSmoothing(in: place > 0 ? records[place - 1].graph : graph, parameters)
        }
        let optimized = records.last?.graph ?? graph
        let executor = try executor(lower(optimized), parameters: parameters)
        executor.preparation = try preparation(
            of: QuantizedWeight.all(in: optimized, of: graph), smoothed: smoothed, in: parameters)
        return executor
    }

    /// Weights that read one activation are smoothed by the same factors.
    private func checkSmoothing(in graph: Graph, _ parameters: ParameterStore) throws {
        let kept = options.unquantized.map(Glob.init)
        for group in QuantizedWeight.groups(in: graph) {
            let weights = group.weights.filter { weight in !kept.contains { $0.matches(weight.name) } }
            guard let first = weights.first.flatMap({ parameters.get($0.smoothingName) })?.bytes else {
                continue
            }
            for weight in weights where parameters.get(weight.smoothingName)?.bytes != first {
                throw ExecutionError(
                    "differs from that of \(weights[0].name), which reads the same activation; quantise the model again",
                    at: "parameter \"\(weight.smoothingName)\"")
            }
        }
    }

    /// What makes the i8 weights of a graph from those that `parameters` holds, or will be given, as f32.
    private func preparation(
        of weights: [QuantizedWeight], smoothed: Set<TextKey>, in parameters: ParameterStore
    ) throws -> Preparation? {
        let made = weights.filter { parameters.isMade($0.valuesName) || !parameters.isSet($0.valuesName) }
        guard !made.isEmpty else { return nil }
        let graph = try QuantizedWeight.preparation(of: made) { smoothed.contains(TextKey($0)) }
        let executor = try executor(lower(graph, keepsPanels: false), parameters: parameters)
        let factors = made.filter { smoothed.contains(TextKey($0.name)) }.map(\.smoothingName)
        return Preparation(
            executor, making: made.flatMap { [$0.valuesName, $0.scaleName] },
            from: made.map(\.name) + factors, in: parameters)
    }
}
