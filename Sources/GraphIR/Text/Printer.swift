extension Graph: CustomStringConvertible {
    /// The text form; `Graph(parsing:)` reads it back to an equal graph. The grammar is in docs/ir.md.
    public var description: String {
        "graph \(quoted(name)) {\n\(statements(indent: "  "))}\n"
    }

    /// The lines of some nodes, with the bodies of regions, and of the outputs and updates that name them.
    package func text(where isIncluded: (NodeID) -> Bool) -> String {
        statements(indent: "", where: isIncluded)
    }

    private func statements(indent: String, where isIncluded: (NodeID) -> Bool = { _ in true }) -> String {
        var text = ""
        for id in nodeIDs where isIncluded(id) {
            text += "\(indent)\(line(id))"
            if case .fusion(let region) = self[id].op {
                text += " {\n\(region.body.statements(indent: indent + "  "))\(indent)}"
            }
            text += "\n"
        }
        for output in outputs where isIncluded(output.value.node) {
            text += "\(indent)output \(quoted(output.name)) \(name(output.value))\n"
        }
        for update in updates where isIncluded(update.value.node) {
            text += "\(indent)update \(name(update.parameter)) = \(name(update.value))\n"
        }
        return text
    }

    /// One node as a line of the text form, without the body of a region.
    package func line(_ id: NodeID) -> String {
        let node = self[id]
        var text = node.types.indices.map { name(Value(id, result: $0)) }.joined(separator: ", ")
        text += " = \(node.op.mnemonic)"
        if !node.operands.isEmpty { text += " " + node.operands.map(name).joined(separator: ", ") }
        let attributes = node.op.attributes
        if !attributes.isEmpty {
            text += " {" + attributes.map { "\($0.name) = \($0.value)" }.joined(separator: ", ") + "}"
        }
        text += " : " + node.types.map(\.description).joined(separator: ", ")
        return node.label.isEmpty ? text : text + " @ \(quoted(node.label))"
    }

    /// `%12`, or `%12.1` for a second result.
    package func name(_ value: Value) -> String {
        value.result == 0 ? "%\(value.node.index)" : "%\(value.node.index).\(value.result)"
    }
}

func quoted(_ text: String) -> String {
    var result = "\""
    for character in text.unicodeScalars {
        switch character {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case "\r": result += "\\r"
        default: result.unicodeScalars.append(character)
        }
    }
    return result + "\""
}
