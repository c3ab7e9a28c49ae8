extension Graph {
    /// Nodes whose results are nothing but new values of the parameters that they read, written element by element, and
    /// which can therefore write over the old ones when all other nodes have run.
    ///
    /// Any rule of element-wise ops will do, whoever wrote it: AdamW, a user's momentum, an average of weights. These
    /// nodes run in order; one whose target a later one of them reads is not among them.
    package func inPlaceUpdates() -> Set<NodeID> {
        let uses = useCounts()
        var targets: [Value: Value] = [:]
        for update in updates where !isAccumulator(update.parameter) {
            targets[update.value] = update.parameter
        }
        let candidates = Set(targets.keys.map(\.node)).filter { id in
            let results = self[id].types.indices.map { Value(id, result: $0) }
            let own = results.compactMap { targets[$0] }
            return own.count == results.count && results.allSatisfy { uses[$0] == 1 }
                && own.allSatisfy(self[id].operands.contains) && replacesElements(of: Set(own), id)
        }
        var found: Set<NodeID> = []
        var readLater: Set<Value> = []
        for id in candidates.sorted().reversed() {
            let own = self[id].types.indices.compactMap { targets[Value(id, result: $0)] }
            guard readLater.isDisjoint(with: own) else { continue }
            found.insert(id)
            readLater.formUnion(self[id].operands.map(viewed))
        }
        return found
    }

    private func isAccumulator(_ parameter: Value) -> Bool {
        if case .source(.parameter(_, _, .accumulator)) = self[parameter.node].op { true } else { false }
    }

    /// The value whose memory a value is.
    private func viewed(_ value: Value) -> Value {
        var value = value
        while case .shape(.reshape) = self[value.node].op { value = self[value.node].operands[0] }
        return value
    }

    /// Whether all that a node makes of the targets is of their shape and made element by element.
    private func replacesElements(of targets: Set<Value>, _ id: NodeID) -> Bool {
        let operands = self[id].operands
        guard operands.allSatisfy({ targets.contains($0) || !targets.contains(viewed($0)) }) else {
            return false
        }
        guard case .fusion(let region) = self[id].op else { return self[id].op.traits.isElementWise }
        let body = region.body
        let ports = zip(body.inputs, operands).filter { targets.contains($1) }.map { Value($0.0) }
        var derived = Set(ports)
        for inner in body.nodeIDs {
            let node = body[inner]
            let read = node.operands.filter(derived.contains)
            if read.isEmpty {
                guard node.op.isPlace else { return false }
            } else {
                let shapes = (read.map(body.type(of:)) + node.types).map(\.shape)
                guard node.op.traits.isElementWise, shapes.allSatisfy({ $0 == shapes[0] }) else {
                    return false
                }
                derived.formUnion(node.types.indices.map { Value(inner, result: $0) })
            }
        }
        return true
    }

    /// The nodes on the way from each parameter to its new value, where that goes element by element and nothing else
    /// reads what is between: those that may write over the old value.
    ///
    /// They wait until all that reads the parameter has run, so fusion keeps them out of other kernels.
    package func parameterSteps() -> Set<NodeID> {
        let uses = useCounts()
        var steps: Set<NodeID> = []
        for update in updates where !isAccumulator(update.parameter) {
            let shape = type(of: update.parameter).shape
            var chain: Set<NodeID> = []
            var pending = [update.value]
            while let value = pending.popLast() {
                let node = self[value.node]
                guard value == update.value || uses[value] == 1, node.op.traits.isElementWise,
                    node.types[0].shape == shape, chain.insert(value.node).inserted
                else { continue }
                pending += node.operands
            }
            var reached: Set<NodeID> = []
            for id in chain.sorted() {
                let reads = self[id].operands.contains { $0 == update.parameter || reached.contains($0.node) }
                if reads { reached.insert(id) }
            }
            steps.formUnion(reached)
        }
        return steps
    }

    /// New values of accumulators that can be written over the old ones where their nodes stand: the node reads the
    /// old value element by element for this result only, and no later node reads it.
    package func accumulations() -> Set<Value> {
        let uses = useCounts()
        return Set(
            updates.filter { update in
                guard case .source(.parameter(_, _, .accumulator)) = self[update.parameter.node].op else {
                    return false
                }
                return uses[update.value] == 1 && overwrites(update)
            }.map(\.value))
    }

    private func overwrites(_ update: Update) -> Bool {
        let writer = update.value.node
        return nodeIDs.allSatisfy { id in
            let node = self[id]
            guard let position = node.operands.firstIndex(of: update.parameter) else { return true }
            guard id == writer else {
                // A view may be read later.
                if case .shape(.reshape) = node.op { return false }
                return id < writer
            }
            if case .fusion(let region) = node.op {
                return region.body.computesInPlace(
                    region.body.outputs[update.value.result].value, from: Value(region.body.inputs[position]))
            }
            return node.op.traits.isElementWise
        }
    }

    /// Whether all that comes of `input` is a chain of element-wise ops that ends in `result`, which only leaves the graph.
    private func computesInPlace(_ result: Value, from input: Value) -> Bool {
        let uses = useCounts()
        var value = input
        while value != result {
            guard uses[value] == 1, let reader = nodeIDs.first(where: { self[$0].operands.contains(value) }),
                self[reader].op.traits.isElementWise, self[reader].types == [type(of: input)]
            else { return false }
            value = Value(reader)
        }
        return uses[result] == 1
    }
}

extension Op {
    /// Whether kernels over rows compute the op for each element without a loop over the others.
    fileprivate var isPlace: Bool {
        switch self {
        case .source, .elementwise, .stochasticRound, .optimizer, .shape, .indexing(.gather): true
        case .dropout, .reduction, .contraction, .normalisation, .quantization, .attention, .loss, .indexing,
            .fusion,
            .custom:
            false
        }
    }
}
