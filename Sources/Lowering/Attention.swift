import GraphIR
import KernelIR
import Target

extension Machine {
    /// Two vectors wide. Elements of bf16 are widened where the target has no products of pairs: nothing is gained by
    /// keeping them.
    func attentionTile(_ element: ElementType) -> AttentionTile {
        AttentionTile(
            rows: registerRows, lanes: target.lanes, queries: 64, forwardRows: 16, keys: 128,
            partRows: 256, isPaired: element == .bf16 && target.units.bf16.multipliesPairs)
    }

    /// Parts of a long sequence: as few as give it 32 tasks, since each costs the gradient a plane of memory.
    static func attentionParts(heads: Int) -> Int { Swift.max(2, (32 + heads - 1) / Swift.max(1, heads)) }

    /// Groups of sequences for the gradient of a bias, 2 to 8: as few as give all heads 32 tasks, since each costs a
    /// plane as large as the bias.
    static func biasGroups(heads: Int) -> Int { Swift.min(8, attentionParts(heads: heads)) }
}

extension GraphLowering {
    mutating func flashAttention(_ id: NodeID, _ attributes: AttentionAttributes) throws(IRError) {
        let last = graph[id].operands.count
        let kernel = try attention(
            id, .forward(out: last, lse: last + 1), attributes, first: 0, segments: 3, extra: last + 2)
        emit(
            id, [.attention(kernel)],
            buffers: standardBuffers(id) + [.number(attributes.stream)] + maskBuffers(kernel))
    }

    mutating func flashAttentionGradient(_ id: NodeID, _ attributes: AttentionAttributes) throws(IRError) {
        let node = graph[id]
        let last = node.operands.count
        let delta = last + node.types.count
        let partial = delta + 1
        var kernel = try attention(
            id,
            .gradient(dout: 0, lse: 5, delta: delta, dq: last, dk: last + 1, dv: last + 2, partial: partial),
            attributes, first: 1, segments: 6, extra: partial + 1 + (attributes.hasBiasGradient ? 1 : 0))
        let rows = kernel.tokens * .fixed(kernel.heads)
        let plane = rows * .fixed(kernel.headSize)
        var working = [workspace(rows), workspace(.fixed(kernel.planes) * plane)]
        var sums = [AttentionKernel.Step.sumQueryGradients(dq: last, partial: partial)]
        if attributes.hasBiasGradient, let bias = kernel.bias {
            let gradient = BiasGradient(
                dbias: last + 3, partial: partial + 1, groups: Machine.biasGroups(heads: kernel.heads))
            kernel.biasGradient = gradient
            working.append(workspace(.fixed(kernel.biasPlanes - 1) * bias.elements))
            sums.append(.sumBiasGradients(gradient))
        }
        let phases = sums.map { step in
            var sum = kernel
            sum.step = step
            return Phase.attention(sum)
        }
        emit(
            id,
            [
                dotProducts(0, 4, kernel.element, into: delta, rows: rows, columns: .fixed(kernel.headSize)),
                .attention(kernel),
            ] + phases,
            buffers: standardBuffers(id) + working + [.number(attributes.stream)] + maskBuffers(kernel))
    }

    private func maskBuffers(_ kernel: AttentionKernel) -> [Program.Buffer] {
        kernel.attributes.mask.map {
            [.mask(MaskSchedule(mask: $0, heads: kernel.heads, tile: kernel.tile))]
        } ?? []
    }

    /// The kernel over q, k, v from buffer `first` on, and offsets, lengths, bias and rng from buffer `segments` on; the
    /// stream's number and the table of the mask, if there is one, from buffer `extra` on.
    private func attention(
        _ id: NodeID, _ step: AttentionKernel.Step, _ attributes: AttentionAttributes, first: Int,
        segments: Int, extra: Int
    ) throws(IRError) -> AttentionKernel {
        var attributes = attributes
        attributes.stream = 0
        let node = graph[id]
        let q = type(node.operands[first])
        guard let heads = q.shape[1].fixedExtent, let headSize = q.shape[2].fixedExtent else {
            throw unsupported(id, "heads and head size must be fixed")
        }
        let bias = attributes.bias.map { kind in
            let shape = type(node.operands[segments + 2]).shape
            return AddedBias(
                kind: kind, buffer: segments + 2, columns: Extent(shape.suffix(1)), elements: Extent(shape))
        }
        return AttentionKernel(
            step: step, attributes: attributes, element: q.element, query: first, key: first + 1,
            value: first + 2,
            offsets: segments,
            lengths: segments + 1, rng: segments + (bias == nil ? 2 : 3), stream: extra,
            maskTable: attributes.mask.map { _ in extra + 1 }, bias: bias,
            sequences: Extent(type(node.operands[segments + 1]).shape), tokens: Extent([q.shape[0]]),
            heads: heads, headSize: headSize, parts: Machine.attentionParts(heads: heads),
            tile: machine.attentionTile(q.element))
    }

    /// `target[row] = Σ_column a[row, column] b[row, column]`
    private func dotProducts(
        _ a: Int, _ b: Int, _ element: ElementType, into target: Int, rows: Extent, columns: Extent
    ) -> Phase {
        var program = ElementProgram()
        let product = program.multiplying(
            program.load(.elements(a, element, columns: columns)),
            program.load(.elements(b, element, columns: columns)))
        let sum = program.sum(product)
        return .rows(
            RowKernel(
                rows: rows, columns: columns, program: program.ops,
                stores: [.element(.rows(target, .f32), sum)],
                tasks: tasks(rows * columns)))
    }
}
