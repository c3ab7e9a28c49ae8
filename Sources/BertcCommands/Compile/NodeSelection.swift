import ArgumentParser
import GraphCompiler
import Support

/// Which nodes `--layer` and `--node` narrow a listing to.
struct NodeSelection: ParsableArguments {
    @Option(help: "With --emit or --print-after: only nodes of this layer, counted from 0.")
    var layer: Int?

    @Option(
        parsing: .unconditional,
        help: """
            With --emit or --print-after: only nodes with this name, e.g. %12, matmul, attention or \
            encoder.layer.0.ffn: a value, an op, an input, parameter or output, a region, or a part of a label.
            """)
    var node: String?

    func validate() throws {
        if let layer, layer < 0 { throw ValidationError("--layer is \(layer); layers are counted from 0") }
    }

    var isEmpty: Bool { layer == nil && node == nil }

    /// The selected nodes of `graph`; all without a selection.
    ///
    /// - Throws: `CommandError` when there are none, with the nearest name.
    func nodes(of graph: Graph) throws -> Set<NodeID> {
        var selected = Set(graph.nodeIDs)
        if let layer {
            selected = selected.filter { graph.paths($0).contains { $0.holds(["layer", "\(layer)"]) } }
            guard !selected.isEmpty else { throw noLayer(layer, in: graph) }
        }
        if let node {
            selected = selected.filter { graph.isCalled(node, $0) }
            guard !selected.isEmpty else { throw noNode(node, in: graph) }
        }
        return selected
    }

    /// The decisions about the selected nodes, or about kernels with the name in their pattern.
    ///
    /// - Throws: `CommandError` when there are none.
    func decisions(of all: [FusionDecision]) throws -> [FusionDecision] {
        let selected = all.filter { decision in
            let sites = [decision.producer, decision.consumer].map { (op: $0.op, path: LabelPath($0.label)) }
            let isInLayer =
                layer.map { layer in sites.contains { $0.path.holds(["layer", "\(layer)"]) } } ?? true
            let isCalled =
                node.map { node in
                    decision.patternParts.joined().contains(node)
                        || sites.contains { $0.op == node || $0.path.holds(LabelPath(node).parts) }
                } ?? true
            return isInLayer && isCalled
        }
        guard isEmpty || !selected.isEmpty else {
            throw CommandError(.usage, "no candidate for fusion has a node that --layer and --node select")
        }
        return selected
    }

    private func noLayer(_ layer: Int, in graph: Graph) -> CommandError {
        let layers = Set(graph.nodeIDs.flatMap { graph.paths($0).compactMap(\.layer) }).sorted()
        let known =
            layers.last.map { "the layers are \(layers[0]) to \($0)" }
            ?? "no label of the graph names a layer"
        return CommandError(.usage, "--layer \(layer): no node belongs to it; \(known)")
    }

    private func noNode(_ name: String, in graph: Graph) -> CommandError {
        let place = layer.map { " in layer \($0)" } ?? ""
        let names = Set(graph.nodeIDs.flatMap { graph.names($0) })
        let nearest = nearestName(to: name, among: Array(names)).map { "; did you mean '\($0)'?" } ?? ""
        return CommandError(.usage, "--node \(name): there is no such node\(place)\(nearest)")
    }
}

/// The parts of a label or name between its dots.
private struct LabelPath {
    let parts: [Substring]

    init(_ text: String) { parts = text.split(separator: ".") }

    /// Whether `wanted` stands in it, part by part.
    func holds(_ wanted: [Substring]) -> Bool {
        guard !wanted.isEmpty, wanted.count <= parts.count else { return false }
        return (0...(parts.count - wanted.count)).contains { parts[$0...].starts(with: wanted) }
    }

    /// The number after `layer`.
    var layer: Int? { zip(parts, parts.dropFirst()).lazy.compactMap { $0 == "layer" ? Int($1) : nil }.first }
}

extension Graph {
    /// Labels, and the name of an input or parameter; those of a region's body are the region's own.
    fileprivate func paths(_ id: NodeID) -> [LabelPath] {
        var texts = [self[id].label]
        if let name = self[id].op.suppliedName { texts.append(name) }
        if case .fusion(let region) = self[id].op { texts += region.body.nodes.map(\.label) }
        return Set(texts).subtracting([""]).map { LabelPath($0) }
    }

    /// The op, the names of outputs, and for a region its name and the ops within it.
    private func titles(_ id: NodeID) -> [String] {
        let outputs = outputs.filter { $0.value.node == id }.map(\.name)
        guard case .fusion(let region) = self[id].op else { return outputs + [self[id].op.mnemonic] }
        return outputs + [region.name] + region.body.nodes.map(\.op.mnemonic)
    }

    fileprivate func isCalled(_ name: String, _ id: NodeID) -> Bool {
        let values = self[id].types.indices.map { self.name(Value(id, result: $0)) }
        return values.contains(name) || titles(id).contains(name)
            || paths(id).contains { $0.holds(LabelPath(name).parts) }
    }

    /// What a node may be called, for suggestions.
    fileprivate func names(_ id: NodeID) -> [String] {
        titles(id) + paths(id).flatMap { [$0.parts.joined(separator: ".")] + $0.parts.map(String.init) }
    }
}
