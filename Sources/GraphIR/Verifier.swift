extension Graph {
    /// Checks the invariants of a graph; passes run it after every change.
    ///
    /// - V1: operands name results of earlier nodes.
    /// - V2: result types are those of the op's shape rule, with legal extents (`TensorType.check`).
    /// - V3: names of inputs and parameters are unique and not empty.
    /// - V4: outputs and updates name existing values; output names are unique.
    /// - V5: an update's target is a parameter that is not frozen, of the new value's type, updated once.
    /// - V6: dropout streams of different shapes differ, in dropout and in attention (a mask belongs to one place of the
    ///   model).
    /// - V7: a region's body is a graph without parameters, updates and regions, its inputs and outputs numbered.
    public func verify() throws(IRError) {
        var names: Set<String> = []
        var streams: [Int: TensorType] = [:]
        for id in nodeIDs {
            let node = self[id]
            for operand in node.operands {
                guard operand.node.index >= 0, operand.node < id,
                    self[operand.node].types.indices.contains(operand.result)
                else { throw IRError("V1", "an operand is not the result of an earlier node", at: place(id)) }
            }
            try verifyTypes(id)
            if let name = node.op.suppliedName {
                guard !name.isEmpty else { throw IRError("V3", "the name is empty", at: place(id)) }
                guard names.insert(name).inserted else {
                    throw IRError("V3", "the name \"\(name)\" is used twice", at: place(id))
                }
            }
            if case .fusion(let region) = node.op { try verifyRegion(region, at: id) }
            if let stream = node.op.traits.dropoutStream {
                guard
                    streams.updateValue(node.types[0], forKey: stream).map({ $0.shape == node.types[0].shape }
                    ) ?? true
                else { throw IRError("V6", "dropout stream \(stream) is used for two shapes", at: place(id)) }
            }
        }
        try verifyRoots()
    }

    private func verifyTypes(_ id: NodeID) throws(IRError) {
        let node = self[id]
        do throws(IRError) {
            let types = try node.op.resultTypes(node.operands.map(type(of:)))
            guard types == node.types else {
                throw IRError("V2", "the types \(node.types) should be \(types)", at: place(id))
            }
        } catch {
            throw IRError("V2", error.message, at: place(id))
        }
    }

    private func verifyRoots() throws(IRError) {
        var outputNames: Set<String> = []
        for output in outputs {
            guard contains(output.value) else {
                throw IRError("V4", "output \"\(output.name)\" names no value")
            }
            guard outputNames.insert(output.name).inserted else {
                throw IRError("V4", "output \"\(output.name)\" stands twice")
            }
        }
        var updated: Set<Value> = []
        for update in updates {
            guard contains(update.parameter), contains(update.value) else {
                throw IRError("V4", "an update names no value")
            }
            guard case .source(.parameter(let name, let type, let role)) = self[update.parameter.node].op
            else {
                throw IRError("V5", "an update's target is not a parameter", at: place(update.parameter.node))
            }
            func mistake(_ what: String) -> IRError { IRError("V5", "parameter \"\(name)\" \(what)") }
            let new = self.type(of: update.value)
            guard role != .frozen else { throw mistake("is frozen") }
            guard type == new else { throw mistake("is \(type), and its new value \(new)") }
            guard updated.insert(update.parameter).inserted else { throw mistake("is updated twice") }
        }
    }

    /// A node as errors name it: `%12 = matmul "encoder.layer.0"`; a region goes by its own name.
    public func place(_ id: NodeID) -> String {
        let node = self[id]
        let title = if case .fusion(let region) = node.op { region.name } else { node.op.mnemonic }
        return "%\(id.index) = \(title)" + (node.label.isEmpty ? "" : " \"\(node.label)\"")
    }
}
