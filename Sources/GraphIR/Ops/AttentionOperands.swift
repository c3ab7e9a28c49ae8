/// The operands of an attention op by name: values, types, tensors or positions, whatever the list of them holds. This
/// is the one place that knows their order.
package struct AttentionOperands<Element> {
    /// What only the gradient reads: the forward op's results, and the gradient of the first of them.
    package struct Results {
        package var dout, out, lse: Element

        package init(dout: Element, out: Element, lse: Element) {
            (self.dout, self.out, self.lse) = (dout, out, lse)
        }
    }

    package var q, k, v: Element
    /// A key and a query for each distance, where the attributes name relative terms.
    package var relativeKeys, relativeQueries: Element?
    package var results: Results?
    package var offsets, lengths: Element
    /// The cosines and sines of tokens' angles, where queries and keys are turned.
    package var rotary: Element?
    /// What is added to the scores, where the attributes name a bias.
    package var bias: Element?
    /// Dropout's key, where the rate is not 0.
    package var rng: Element?

    package init(
        q: Element, k: Element, v: Element, relativeKeys: Element? = nil, relativeQueries: Element? = nil,
        offsets: Element, lengths: Element, rotary: Element? = nil, bias: Element? = nil, rng: Element? = nil
    ) {
        (self.q, self.k, self.v, self.offsets, self.lengths) = (q, k, v, offsets, lengths)
        (self.relativeKeys, self.relativeQueries) = (relativeKeys, relativeQueries)
        (self.rotary, self.bias, self.rng) = (rotary, bias, rng)
    }

    /// - Precondition: there are `operandCount` of them.
    package init(_ op: Op.Attention, _ operands: [Element]) {
        var rest = operands[...]
        func next() -> Element { rest.removeFirst() }
        let dout: Element? = if case .gradient = op { next() } else { nil }
        (q, k, v) = (next(), next(), next())
        let relative = op.attributes.relative
        relativeKeys = relative?.hasKeys == true ? next() : nil
        relativeQueries = relative?.hasQueries == true ? next() : nil
        results = dout.map { Results(dout: $0, out: next(), lse: next()) }
        (offsets, lengths) = (next(), next())
        rotary = op.attributes.isRotary ? next() : nil
        bias = op.attributes.bias.map { _ in next() }
        rng = op.attributes.rate > 0 ? next() : nil
    }

    /// The tables of relative positions, keys before queries.
    package var relative: [Element] { [relativeKeys, relativeQueries].compactMap(\.self) }

    /// In the op's order: `[dout,] q, k, v, [relativeKeys,] [relativeQueries,] [out, lse,] offsets, lengths
    /// [, rotary][, bias][, rng]`.
    package var list: [Element] {
        let (before, between) = (results.map { [$0.dout] } ?? [], results.map { [$0.out, $0.lse] } ?? [])
        return before + [q, k, v] + relative + between + [offsets, lengths]
            + [rotary, bias, rng].compactMap(\.self)
    }
}

extension Op.Attention {
    /// How many operands the op has.
    package var operandCount: Int {
        let own = if case .gradient = self { 8 } else { 5 }
        return own + (attributes.relative?.tableCount ?? 0) + (attributes.isRotary ? 1 : 0)
            + (attributes.bias == nil ? 0 : 1)
            + (attributes.rate > 0 ? 1 : 0)
    }

    /// Where each operand stands.
    package var positions: AttentionOperands<Int> { AttentionOperands(self, Array(0..<operandCount)) }
}
