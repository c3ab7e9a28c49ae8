import Support

/// Compiles a graph into something to call.
///
/// ```swift
/// let model = try GraphCompiler.compile(graph)
/// try model.set("w", to: TensorData(weights, shape: [384, 1536]))
/// let y = try model(["x": TensorData(values, shape: [2, 384])])["y"]!
/// ```
///
/// - Parameters:
///   - graph: what to compile.
///   - options: how to compile; each call sets up a compiler and worker threads of its own. To share them among
///     graphs use `CompiledGraph.init`.
///   - parameters: the store in which the graph's parameters live, which graphs may share.
/// - Throws: `IRError` with the pass, node and rule; `ExecutionError` when `parameters` holds something else under a name;
///   what `Compiler.init` throws.
public func compile(
    _ graph: Graph, _ options: CompilerOptions = CompilerOptions(),
    parameters: ParameterStore = ParameterStore()
) throws -> CompiledGraph {
    try CompiledGraph(graph, compiler: Compiler(options), parameters: parameters)
}

/// A name in a graph's signature and the type that goes with it.
public struct TensorSpec: Hashable, Sendable, CustomStringConvertible {
    /// The name of an input, output or parameter.
    public let name: String
    /// Element type and shape, in which symbols stand for extents that each call gives.
    public let type: TensorType

    /// `x: f32[tokens, 384]`
    public var description: String { "\(name): \(type)" }
}

/// A graph that can be called: an `Executor` that knows the signature. One call at a time.
public final class CompiledGraph {
    /// The signature of the graph as it was built; what nothing reads need not be given.
    public let inputs: [TensorSpec]
    /// What each call gives, in the order in which outputs were named.
    public let outputs: [TensorSpec]
    /// The parameters, in the order of the graph.
    public let parameters: [TensorSpec]
    /// The symbols of all shapes, e.g. `tokens`, sorted.
    public let symbols: [String]
    /// Where the parameters live; zero until they are set.
    public let store: ParameterStore
    /// The kernels, their profile and the memory held.
    public let executor: Executor

    /// Compiles a graph with a compiler that several graphs share.
    ///
    /// - Parameters:
    ///   - graph: what to compile.
    ///   - compiler: passes, threads and options.
    ///   - parameters: the store in which the graph's parameters live, which graphs may share.
    /// - Throws: `IRError` with the pass, node and rule; `ExecutionError` when `parameters` holds something else under a name.
    public init(
        _ graph: Graph, compiler: Compiler, parameters: ParameterStore = ParameterStore()
    ) throws {
        executor = try compiler.compile(graph, parameters: parameters)
        (inputs, self.parameters) = graph.signature
        outputs = graph.outputs.map { TensorSpec(name: $0.name, type: graph.type(of: $0.value)) }
        symbols = graph.symbols
        store = parameters
    }

    /// Runs the graph once, updates included.
    ///
    /// - Parameters:
    ///   - tensors: every input by name; their shapes fix the symbols.
    ///   - symbols: values of symbols that no input's shape fixes.
    ///   - guarded: see `Executor.run`.
    /// - Returns: every output by name.
    /// - Throws: `ExecutionError` naming what is missing, unknown or of another type or shape.
    public func callAsFunction(
        _ tensors: [String: TensorData], symbols: [String: Int] = [:], guarding guarded: [String] = []
    ) throws -> [String: TensorData] {
        try expect(tensors.keys, among: inputs.map(\.name), "input")
        try expect(symbols.keys, among: self.symbols, "symbol")
        return try executor.run(tensors, symbols: symbols, guarding: guarded)
    }

    /// Sets a parameter.
    ///
    /// - Throws: `ExecutionError` when the graph has no such parameter, or one of another type.
    public func set(_ name: String, to data: TensorData) throws {
        let type = try parameter(name).type
        let given = TensorType(data.element, data.shape.map(Dimension.fixed))
        guard given == type else {
            throw ExecutionError("needs \(type), got \(given)", at: "parameter \"\(name)\"")
        }
        try store.set(name, data)
    }

    /// A copy of a parameter.
    ///
    /// - Throws: `ExecutionError` when the graph has no such parameter.
    public func get(_ name: String) throws -> TensorData {
        _ = try parameter(name)
        guard let data = store.get(name) else {
            throw ExecutionError("nothing reads it and it was never set", at: "parameter \"\(name)\"")
        }
        return data
    }

    private func parameter(_ name: String) throws -> TensorSpec {
        try expect([name], among: parameters.map(\.name), "parameter")
        return parameters.first { $0.name == name }!
    }
}

/// - Throws: `ExecutionError` for the first of the given names that the graph does not have.
func expect(_ given: some Sequence<String>, among names: [String], _ kind: String) throws {
    guard let unknown = Set(given).subtracting(names).min() else { return }
    let nearest = suggestion(for: unknown, in: names)
    let some = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
    let all = names.isEmpty ? "; it has none" : "; it has \(some)"
    throw ExecutionError(
        "the graph has no such \(kind)\(nearest.isEmpty ? all : nearest)", at: "\(kind) \"\(unknown)\"")
}

extension Graph {
    /// Inputs and parameters in node order.
    var signature: (inputs: [TensorSpec], parameters: [TensorSpec]) {
        var signature: (inputs: [TensorSpec], parameters: [TensorSpec]) = ([], [])
        for op in nodes.map(\.op) {
            guard case .source(let source) = op else { continue }
            switch source {
            case .input(let name, let type): signature.inputs.append(TensorSpec(name: name, type: type))
            case .parameter(let name, let type, _):
                signature.parameters.append(TensorSpec(name: name, type: type))
            case .constant, .iota, .dimensionSize: break
            }
        }
        return signature
    }
}
