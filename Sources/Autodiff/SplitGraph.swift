import GraphIR

/// A forward graph cut in two at an output, such as the vectors of a batch, through which alone its loss depends on
/// parameters. So the loss of a large batch, and its gradient, can be had piece by piece (Gao et al., arXiv:2101.06983).
package struct SplitGraph {
    /// What makes the output, which is all that it gives.
    package let forward: Graph
    /// `forward` with one more input, `gradientInput` of the output's type, and the loss Σ output · gradient: its gradients are
    /// those of the whole graph where the input is the gradient of the whole loss.
    package let surrogate: Graph
    /// The loss of the output, which is an input of the same name, and its gradient with respect to it, `gradientInput`.
    package let loss: Graph

    /// The name of the output's gradient.
    package static let gradientInput = "output_gradient"

    /// - Parameters:
    ///   - name: the output to cut at.
    ///   - loss: the output that is the loss.
    /// - Throws: when there are no such outputs, or the loss depends on a trainable parameter in another way.
    package init(_ graph: Graph, at name: String, loss lossName: String) throws(IRError) {
        let (cut, loss) = (try graph.value(named: name), try graph.value(named: lossName))
        forward = try graph.part(of: [(name, cut)], replacing: nil)

        let builder = GraphBuilder(extending: forward)
        let output = builder.tensor(try forward.value(named: name))
        let gradient = builder.input(Self.gradientInput, .f32, output.shape)
        builder.output(lossName, (output.cast(.f32) * gradient).sum())
        surrogate = try builder.finish()

        var lower = try graph.part(of: [(lossName, loss)], replacing: (cut, name))
        for node in lower.nodes {
            if case .source(.parameter(let parameter, _, .trainable)) = node.op {
                throw IRError(
                    "gradient",
                    "\"\(lossName)\" depends on the parameter \"\(parameter)\" beside \"\(name)\", so it can't be cut there",
                    at: graph.name)
            }
        }
        let input = lower.nodes.firstIndex { node in
            if case .source(.input(name, _)) = node.op { true } else { false }
        }
        guard let input else {
            throw IRError("gradient", "\"\(lossName)\" does not depend on \"\(name)\"", at: graph.name)
        }
        let gradients = try appendGradients(
            to: &lower, of: try lower.value(named: lossName), withRespectTo: [Value(NodeID(input))])
        guard let result = gradients[0] else {
            throw IRError("gradient", "\"\(lossName)\" does not depend on \"\(name)\"", at: graph.name)
        }
        lower.addOutput(Self.gradientInput, result)
        self.loss = lower
    }
}

extension Graph {
    /// The output called `name`.
    func value(named name: String) throws(IRError) -> Value {
        if let output = outputs.first(where: { $0.name == name }) { return output.value }
        let names = outputs.map { "\"\($0.name)\"" }.joined(separator: ", ")
        throw IRError("gradient", "there is no output \"\(name)\"; the outputs are \(names)", at: self.name)
    }

    /// What makes some of the graph's values.
    ///
    /// - Parameter input: a value that becomes an input of that name, so that what makes it is left out.
    fileprivate func part(
        of results: [(name: String, value: Value)], replacing input: (value: Value, name: String)?
    ) throws(IRError) -> Graph {
        var isNeeded = [Bool](repeating: false, count: nodes.count)
        for result in results where result.value != input?.value { isNeeded[result.value.node.index] = true }
        for index in nodes.indices.reversed() where isNeeded[index] {
            for operand in nodes[index].operands where operand != input?.value {
                isNeeded[operand.node.index] = true
            }
        }
        var graph = Graph(name: name)
        var values: [Value: Value] = [:]
        if let input {
            let op = Op.input(name: input.name, type: type(of: input.value))
            values[input.value] = Value(try graph.append(op, [], label: nodes[input.value.node.index].label))
        }
        for (index, node) in nodes.enumerated() where isNeeded[index] {
            let operands = node.operands.map { values[$0] ?? $0 }
            let id = try graph.append(node.op, operands, label: node.label)
            for result in node.types.indices where values[Value(NodeID(index), result: result)] == nil {
                values[Value(NodeID(index), result: result)] = Value(id, result: result)
            }
        }
        for result in results { graph.addOutput(result.name, values[result.value] ?? result.value) }
        return graph
    }
}
