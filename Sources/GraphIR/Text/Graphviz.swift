extension Graph {
    /// The graph in the DOT language of Graphviz: one box per node, one arrow per value, one cluster per region.
    ///
    /// With `isIncluded`, only the nodes it accepts, and as dashed boxes what they read.
    package func graphviz(where isIncluded: (NodeID) -> Bool = { _ in true }) -> String {
        var writer = GraphvizWriter()
        let included = Set(nodeIDs.filter(isIncluded))
        for id in nodeIDs where included.contains(id) {
            writer.add(id, of: self)
            for operand in Set(self[id].operands.map(\.node)) where !included.contains(operand) {
                writer.addNeighbour(operand, of: self)
            }
        }
        for id in nodeIDs where included.contains(id) { writer.addArrows(to: id, of: self) }
        for output in outputs where included.contains(output.value.node) { writer.add(output, of: self) }
        return "digraph \(quoted(name)) {\n  node [shape=box, fontname=monospace]\n\(writer.text)}\n"
    }
}

/// Writes nodes and arrows. A node of a region's body is called by its region's number and its own.
private struct GraphvizWriter {
    private(set) var text = ""
    private var neighbours: Set<NodeID> = []

    mutating func add(_ id: NodeID, of graph: Graph) {
        guard case .fusion(let region) = graph[id].op else { return box("n\(id.index)", graph, id, "  ") }
        text += "  subgraph cluster_\(id.index) {\n"
        text += "    label=\(quoted(caption(region.name, graph[id]))) style=filled color=lightgrey\n"
        for inner in region.body.nodeIDs {
            box(name(inner, in: id), region.body, inner, "    ", isPort: region.body.isInput(inner))
        }
        text += "  }\n"
        for inner in region.body.nodeIDs {
            for operand in region.body[inner].operands {
                let type = region.body.type(of: operand)
                arrow(name(operand.node, in: id), name(inner, in: id), type)
            }
        }
    }

    /// What an included node reads but is not included itself.
    mutating func addNeighbour(_ id: NodeID, of graph: Graph) {
        guard neighbours.insert(id).inserted else { return }
        text += "  n\(id.index) [label=\(quoted(caption(graph[id].op.title, graph[id]))) style=dashed]\n"
    }

    mutating func addArrows(to id: NodeID, of graph: Graph) {
        for (index, operand) in graph[id].operands.enumerated() {
            var target = "n\(id.index)"
            if case .fusion(let region) = graph[id].op {
                target = name(region.body.inputs[index], in: id)
            }
            arrow(source(operand, of: graph), target, graph.type(of: operand))
        }
    }

    mutating func add(_ output: Graph.Output, of graph: Graph) {
        let name = quoted("output " + output.name)
        text += "  \(name) [shape=ellipse]\n"
        text += "  \(source(output.value, of: graph)) -> \(name)\n"
    }

    private mutating func box(
        _ name: String, _ graph: Graph, _ id: NodeID, _ indent: String, isPort: Bool = false
    ) {
        let style = isPort ? " shape=point" : ""
        text += "\(indent)\(name) [label=\(quoted(caption(graph[id].op.title, graph[id])))\(style)]\n"
    }

    private mutating func arrow(_ source: String, _ target: String, _ type: TensorType) {
        text += "  \(source) -> \(target) [label=\(quoted("\(type)"))]\n"
    }

    private func caption(_ title: String, _ node: Node) -> String {
        node.label.isEmpty ? title : "\(title)\n\(node.label)"
    }

    private func name(_ inner: NodeID, in region: NodeID) -> String {
        "n\(region.index)_\(inner.index)"
    }

    /// Where a value comes from: for a region, the node of its body that computes it.
    private func source(_ value: Value, of graph: Graph) -> String {
        guard case .fusion(let region) = graph[value.node].op, !neighbours.contains(value.node) else {
            return "n\(value.node.index)"
        }
        return name(region.body.outputs[value.result].value.node, in: value.node)
    }
}

extension Op {
    /// The mnemonic, with the name of a source; the name of a region.
    fileprivate var title: String {
        if case .fusion(let region) = self { return region.name }
        return suppliedName.map { "\(mnemonic) \($0)" } ?? mnemonic
    }
}

extension Graph {
    fileprivate func isInput(_ id: NodeID) -> Bool {
        if case .source(.input) = self[id].op { true } else { false }
    }
}
