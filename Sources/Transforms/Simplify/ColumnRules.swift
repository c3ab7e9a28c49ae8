import GraphIR

extension RewriteRule {
    /// Identities of slices and concatenations, which leave gradients of slices as one concatenation.
    static let columns: [RewriteRule] = [
        // concatenate(a, 0) + concatenate(0, b) = concatenate(a, b), piece by piece, where of each two pieces one is 0
        // and the pieces' borders meet
        RewriteRule("add-padded") { (site, graph) throws(IRError) in
            guard case .elementwise(.binary(.add)) = site.op, let left = Pieces(site.operands[0], graph),
                let right = Pieces(site.operands[1], graph), left.axis == right.axis,
                graph.type(of: site.operands[0]) == graph.type(of: site.operands[1]),
                let sum = left.adding(right)
            else { return nil }
            var parts: [Value] = []
            for piece in sum {
                if let value = piece.value {
                    parts.append(value)
                    continue
                }
                var shape = site.type.shape
                shape[left.axis] = .fixed(piece.size)
                let type = TensorType(site.type.element, shape)
                parts.append(try graph.emit(.constant(.splat(0), type: type), [], label: site.label))
            }
            return try graph.emit(.concatenate(axis: left.axis), parts, label: site.label)
        },
        // slice(concatenate(a, b), the place of b) = b
        RewriteRule("slice-concatenate") { (site, graph) throws(IRError) in
            guard case .shape(.slice(let axis, let start, let size)) = site.op, let size = size.fixedExtent,
                let pieces = Pieces(site.operands[0], graph), pieces.axis == axis
            else { return nil }
            var place = 0
            for (piece, operand) in zip(pieces.pieces, graph.producer(site.operands[0]).operands) {
                if place == start, piece.size == size { return operand }
                place += piece.size
            }
            return nil
        },
        // Σ over rows of concatenate(a, b) along columns = concatenate(Σ a, Σ b), where element-wise ops compute the
        // parts: the sums can then run in their kernels
        RewriteRule("reduce-concatenate") { (site, graph) throws(IRError) in
            guard case .reduction(let op) = site.op, let pieces = Pieces(site.operands[0], graph),
                op.axes.allSatisfy({ $0 < pieces.axis }),
                graph.producer(site.operands[0]).operands.allSatisfy({ computesElements($0, graph) })
            else { return nil }
            var parts: [Value] = []
            for operand in graph.producer(site.operands[0]).operands {
                parts.append(try graph.emit(site.op, [operand], label: site.label))
            }
            let axis = op.keepDimensions ? pieces.axis : pieces.axis - op.axes.count
            return try graph.emit(.concatenate(axis: axis), parts, label: site.label)
        },
        // cast(concatenate(a, b), narrower) = concatenate(cast(a, narrower), cast(b, narrower)), for the nodes that make
        // them to round them
        RewriteRule("narrow-concatenate") { (site, graph) throws(IRError) in
            guard case .elementwise(.cast(let element)) = site.op,
                case .shape(.concatenate) = graph.producer(site.operands[0]).op,
                element.byteCount < graph.type(of: site.operands[0]).element.byteCount
            else { return nil }
            let concatenation = graph.producer(site.operands[0])
            var parts: [Value] = []
            for operand in concatenation.operands {
                parts.append(try graph.emit(.cast(element), [operand], label: site.label))
            }
            return try graph.emit(concatenation.op, parts, label: concatenation.label)
        },
        // concatenate(cast(a, wider), cast(b, wider)) = cast(concatenate(a, b), wider), for the nodes that read it to
        // widen it
        RewriteRule("widen-concatenate") { (site, graph) throws(IRError) in
            guard case .shape(.concatenate) = site.op, let first = widened(site.operands[0], graph) else {
                return nil
            }
            var parts: [Value] = []
            for operand in site.operands {
                guard let part = widened(operand, graph),
                    graph.type(of: part).element == graph.type(of: first).element
                else { return nil }
                parts.append(part)
            }
            let narrow = try graph.emit(site.op, parts, label: site.label)
            return try graph.emit(.cast(site.type.element), [narrow], label: site.label)
        },
        // slice(cast(x, wider)) = cast(slice(x), wider), for the node that reads it to widen it
        RewriteRule("widen-slice") { (site, graph) throws(IRError) in
            guard case .shape(.slice) = site.op, let x = widened(site.operands[0], graph) else { return nil }
            let narrow = try graph.emit(site.op, [x], label: site.label)
            let label = graph.producer(site.operands[0]).label
            return try graph.emit(.cast(site.type.element), [narrow], label: label)
        },
    ]
}

/// The narrower value that a value is a wider cast of.
private func widened(_ value: Value, _ graph: GraphRewriter) -> Value? {
    guard case .elementwise(.cast(let element)) = graph.producer(value).op else { return nil }
    let x = graph.producer(value).operands[0]
    return element.byteCount > graph.type(of: x).element.byteCount ? x : nil
}

/// Whether a value is computed element by element, and not only rounded or widened.
private func computesElements(_ value: Value, _ graph: GraphRewriter) -> Bool {
    let node = graph.producer(value)
    if case .elementwise(.cast) = node.op { return false }
    return node.iteration(node.operands.map(graph.type(of:))).kind == .map
}

/// The operands of a concatenation, with the zeros that pad them.
private struct Pieces {
    struct Piece {
        let size: Int
        /// `nil` where every element is 0.
        let value: Value?
    }

    let axis: Int
    let pieces: [Piece]

    init?(_ value: Value, _ graph: GraphRewriter) {
        let node = graph.producer(value)
        guard case .shape(.concatenate(let axis)) = node.op else { return nil }
        self.axis = axis
        pieces = node.operands.map { operand in
            let number = graph.splat(operand)
            return Piece(
                size: graph.type(of: operand).shape[axis].offset,
                value: number == 0 && number?.sign == .plus ? nil : operand)
        }
    }

    /// The pieces of the sum; `nil` where two that are not 0 meet, or zeros end within one that is not.
    func adding(_ other: Pieces) -> [Piece]? {
        var sum: [Piece] = []
        var (left, right) = (pieces[...], other.pieces[...])
        while let a = left.popFirst(), let b = right.popFirst() {
            switch (a.value, b.value) {
            case (_?, _?): return nil
            case (nil, nil):
                sum.append(Piece(size: min(a.size, b.size), value: nil))
                if a.size > b.size {
                    left.insert(Piece(size: a.size - b.size, value: nil), at: left.startIndex)
                }
                if b.size > a.size {
                    right.insert(Piece(size: b.size - a.size, value: nil), at: right.startIndex)
                }
            case (let value?, nil):
                guard b.size >= a.size || Self.take(a.size - b.size, from: &right) else { return nil }
                sum.append(Piece(size: a.size, value: value))
                if b.size > a.size {
                    right.insert(Piece(size: b.size - a.size, value: nil), at: right.startIndex)
                }
            case (nil, let value?):
                guard a.size >= b.size || Self.take(b.size - a.size, from: &left) else { return nil }
                sum.append(Piece(size: b.size, value: value))
                if a.size > b.size {
                    left.insert(Piece(size: a.size - b.size, value: nil), at: left.startIndex)
                }
            }
        }
        return sum
    }

    /// Takes zeros of `size` in all from the front; says whether there were as many.
    private static func take(_ size: Int, from pieces: inout ArraySlice<Piece>) -> Bool {
        var size = size
        while size > 0, let piece = pieces.popFirst() {
            guard piece.value == nil else { return false }
            if piece.size > size {
                pieces.insert(Piece(size: piece.size - size, value: nil), at: pieces.startIndex)
            }
            size -= min(size, piece.size)
        }
        return size == 0
    }
}
