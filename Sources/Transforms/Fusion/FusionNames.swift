import GraphIR

extension Node {
    /// The node's part of a region's name: the field's word where there is one.
    var fusionName: String { op.traits.word ?? op.mnemonic }
}

extension FusionGroups {
    /// What a group fuses, in the order in which it happens: `layernorm+matmul+bias+gelu`.
    ///
    /// Equal neighbours stand once, sums over rows as `colsum`; an addition is `bias` when one side has only columns
    /// and `residual` when one side comes from elsewhere in full. Rounding and widening have no part in a name, so that
    /// it is the same in every precision.
    func name(_ number: Int) -> String {
        var parts: [String] = []
        let group = groups[number]
        let before = prologue(number)
        for index in before.sorted() where !changesPrecision(index) { parts.append(part(index, number)) }
        if !group.anchors.isEmpty { parts.append(anchorName(number)) }
        let sums = sumsOfProducts(number)
        for index in group.members.union(group.clones).subtracting(before).subtracting(group.anchors).sorted()
        where !sums.contains(index) && !changesPrecision(index) {
            parts.append(part(index, number))
        }
        return parts.isEmpty ? "cast" : Self.joined(parts)
    }

    private func changesPrecision(_ index: Int) -> Bool {
        guard case .elementwise(.cast(let element)) = node(index).op else { return false }
        return element.isFloat && operandTypes(index)[0].element.isFloat
    }

    /// Equal neighbours once; a sequence that is nothing but repetitions as `(mul+total)*9`.
    private static func joined(_ parts: [String]) -> String {
        var short: [String] = []
        for part in parts where short.last != part { short.append(part) }
        for period in 2..<max(2, short.count) where short.count % period == 0 && period <= short.count / 2 {
            guard short.indices.allSatisfy({ short[$0] == short[$0 % period] }) else { continue }
            return "(\(short.prefix(period).joined(separator: "+")))*\(short.count / period)"
        }
        return short.joined(separator: "+")
    }

    /// Nodes that only products of the group need.
    private func prologue(_ number: Int) -> Set<Int> {
        let group = groups[number]
        let nodes = group.members.union(group.clones)
        var needed = Set(group.anchors.flatMap { node($0).operands.map(\.node.index) }).intersection(nodes)
        for index in nodes.sorted(by: >) where needed.contains(index) {
            needed.formUnion(Set(node(index).operands.map(\.node.index)).intersection(nodes))
        }
        return needed
    }

    private func anchorName(_ number: Int) -> String {
        let anchors = groups[number].anchors
        let lefts = Set(anchors.map { node($0).operands[0] })
        if anchors.count == 3, lefts.count == 1, feedAttention(anchors) { return "qkv" }
        return anchors.count == 1 ? "matmul" : "matmul*\(anchors.count)"
    }

    /// Whether the products (with what is added to them) become the queries, keys and values of one attention.
    private func feedAttention(_ anchors: [Int]) -> Bool {
        let consumers = Set(anchors.map(attention))
        return consumers.count == 1 && consumers != [nil]
    }

    /// The attention that reads a product, through element-wise ops and reshapes.
    private func attention(_ product: Int) -> Int? {
        var index = product
        while let next = readers[index].first {
            switch node(next).op {
            case .elementwise(.binary), .elementwise(.cast), .shape(.reshape), .quantization(.dequantize):
                index = next
            case .attention(.forward): return next
            case .source, .elementwise, .dropout, .stochasticRound, .reduction, .shape, .contraction,
                .normalisation, .quantization,
                .attention, .loss, .indexing, .optimizer, .fusion, .custom:
                return nil
            }
        }
        return nil
    }

    /// Additions of nothing but products and such additions.
    private func sumsOfProducts(_ number: Int) -> Set<Int> {
        let group = groups[number]
        guard !group.anchors.isEmpty else { return [] }
        var sums: Set<Int> = []
        for index in group.members.union(group.clones).sorted() {
            guard case .elementwise(.binary(.add)) = node(index).op else { continue }
            let isSum = node(index).operands.allSatisfy { operand in
                group.anchors.contains(operand.node.index)
                    || sums.contains(operand.node.index) && group.members.contains(operand.node.index)
            }
            if isSum { sums.insert(index) }
        }
        return sums
    }

    func part(_ index: Int, _ number: Int) -> String {
        let node = node(index)
        if case .elementwise(.binary(.add)) = node.op {
            let outside = node.operands.filter { !contains(number, $0.node.index) }
            guard let other = outside.first, outside.count == 1 else { return "add" }
            let type = graph.type(of: other)
            if type.rank < node.types[0].rank, type.rank > 0 { return "bias" }
            return type.shape == node.types[0].shape && type.rank > 0 ? "residual" : "add"
        }
        if case .crossRow(let axis) = kinds[index] { return axis == 0 ? "total" : "colsum" }
        return node.fusionName
    }
}
