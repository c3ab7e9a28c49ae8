import GraphIR

extension FusionGroups {
    /// Lets products compute what only they need of their left operand: row statistics that no earlier kernel could
    /// leave, a chain of element-wise ops on an input.
    mutating func absorbPrologues(_ context: PassContext) {
        for number in groups.indices where canBePrologue(number) {
            guard let reader = onlyProduct(readingFrom: number) else { continue }
            let bytes = groups[number].reads.keys.map(graph.type(of:))
                .filter { $0.shape == groups[number].shape }
                .reduce(0) { $0 + context.costModel.byteCount($1) }
            let obstacle =
                Self.sizeObstacle(
                    groups[number].size + groups[reader].size,
                    groups[number].reductions + groups[reader].reductions)
                ?? (canMerge(number, reader) ? nil : "one waits for the other by way of a third kernel")
            context.explain?(
                FusionDecision(
                    pattern: "\(name(number))+\(name(reader))",
                    producer: site(groups[number].members.min() ?? 0),
                    consumer: site(groups[reader].anchors.first ?? 0), isFused: obstacle == nil,
                    reason: obstacle ?? "only the product's left operand needs it", bytesSaved: bytes))
            if obstacle == nil { merge(number, into: reader) }
        }
        indexClones()
    }

    /// Whether a group runs over the rows of a matrix and leaves no sum over rows.
    private func canBePrologue(_ number: Int) -> Bool {
        let group = groups[number]
        guard group.isOpen, group.anchors.isEmpty, !group.members.isEmpty, group.shape.count >= 2,
            group.columnAxis ?? group.shape.count - 1 == group.shape.count - 1
        else { return false }
        return group.members.allSatisfy { index in
            shape(index) == group.shape && isRowWise(index) && !isParameterStep[index]
        }
    }

    private func isRowWise(_ index: Int) -> Bool {
        guard iterations[index].isRowWise else { return false }
        switch kinds[index] {
        case .map, .row: return true
        case .free, .crossRow, .contraction, .opaque: return false
        }
    }

    /// The product kernel whose left operand is all that needs the group's results; `nil` when others do, or when
    /// they leave the graph.
    private func onlyProduct(readingFrom number: Int) -> Int? {
        let results = outputs(number)
        let readers = Set(results.flatMap(outsideReaders))
        guard readers.count == 1, let reader = readers.first, !groups[reader].anchors.isEmpty,
            results.allSatisfy({ !roots.contains($0) })
        else { return nil }
        let left = leftCone(reader)
        let isOnlyLeft = results.allSatisfy { value in
            self.readers[value.node.index].filter { contains(reader, $0) }.allSatisfy { index in
                if !groups[reader].anchors.contains(index) { return left.contains(index) }
                guard case .contraction(.matmul(let transposed, _)) = node(index).op else { return false }
                return !transposed && node(index).operands[0] == value && node(index).operands[1] != value
            }
        }
        let shapes = groups[reader].anchors.map { graph.type(of: node($0).operands[0]).shape }
        return isOnlyLeft && shapes.allSatisfy { $0 == groups[number].shape } ? reader : nil
    }

    /// Nodes of a product kernel that compute left operands and nothing else.
    private func leftCone(_ number: Int) -> Set<Int> {
        let group = groups[number]
        let nodes = group.members.union(group.clones).subtracting(group.anchors)
        var cone: Set<Int> = []
        for index in nodes.sorted(by: >) {
            let inside = readers[index].filter { contains(number, $0) }
            let feedsLeft = inside.allSatisfy { reader in
                guard group.anchors.contains(reader) else { return cone.contains(reader) }
                return node(reader).operands[1].node.index != index
            }
            let isPrivate = outsideReaders(Value(NodeID(index))).isEmpty
            if feedsLeft, !inside.isEmpty, isPrivate { cone.insert(index) }
        }
        return cone
    }
}
