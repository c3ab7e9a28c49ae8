import GraphIR

extension Graph {
    /// The graph with other parameters' names in the place of its own.
    package func renamingParameters(_ newName: (String) -> String) throws(IRError) -> Graph {
        try changingParameters { (newName($0), $1) }
    }

    /// The graph with trainable parameters frozen.
    ///
    /// - Parameter isFrozen: whether the parameter of a name is not trained.
    package func freezingParameters(_ isFrozen: (String) -> Bool) throws(IRError) -> Graph {
        try changingParameters { ($0, $1 == .trainable && isFrozen($0) ? .frozen : $1) }
    }

    /// The graph with some parameters kept in another element type. They are cast where they are read, tables row by row.
    ///
    /// - Parameter isStored: whether the parameter of a name and type is kept so.
    package func storingParameters(
        as element: ElementType, _ isStored: (String, TensorType) -> Bool
    ) throws(IRError) -> Graph {
        var graph = Graph(name: name)
        var values: [Value: Value] = [:]
        var (stored, casts): ([Value: Value], [Value: Value]) = ([:], [:])
        for id in nodeIDs {
            let node = self[id]
            if case .source(.parameter(let name, let type, let role)) = node.op, isStored(name, type) {
                let own = TensorType(element, type.shape)
                stored[Value(id)] = Value(
                    try graph.append(.parameter(name: name, type: own, role: role), [], label: node.label))
                continue
            }
            if case .indexing(.gather) = node.op, let table = stored[node.operands[0]] {
                let ids = node.operands[1]
                let rows = try graph.append(.gather, [table, values[ids] ?? ids], label: node.label)
                values[Value(id)] = Value(
                    try graph.append(.cast(node.types[0].element), [Value(rows)], label: node.label))
                continue
            }
            var operands: [Value] = []
            for operand in node.operands {
                if let parameter = stored[operand], casts[operand] == nil {
                    casts[operand] = Value(
                        try graph.append(.cast(type(of: operand).element), [parameter], label: node.label))
                }
                operands.append(casts[operand] ?? values[operand] ?? operand)
            }
            let new = try graph.append(node.op, operands, label: node.label)
            for result in node.types.indices {
                values[Value(id, result: result)] = Value(new, result: result)
            }
        }
        for output in outputs { graph.addOutput(output.name, values[output.value] ?? output.value) }
        for update in updates {
            graph.addUpdate(
                of: values[update.parameter] ?? update.parameter, to: values[update.value] ?? update.value)
        }
        return graph
    }

    /// Types stay what they are, so that nodes keep their numbers.
    private func changingParameters(
        _ change: (String, ParameterRole) -> (name: String, role: ParameterRole)
    ) throws(IRError) -> Graph {
        var graph = Graph(name: name)
        for node in nodes {
            var op = node.op
            if case .source(.parameter(let name, let type, let role)) = op {
                let new = change(name, role)
                op = .parameter(name: new.name, type: type, role: new.role)
            }
            try graph.append(op, node.operands, label: node.label)
        }
        for output in outputs { graph.addOutput(output.name, output.value) }
        for update in updates { graph.addUpdate(of: update.parameter, to: update.value) }
        return graph
    }
}
