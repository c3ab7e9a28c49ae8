import GraphIR
import KernelIR
import Target

extension Machine {
    /// Two vectors wide. Elements of bf16 are widened where the target has no products of pairs: nothing is gained by
    /// keeping them.
    func attentionTile(_ element: ElementType) -> AttentionTile {
        AttentionTile(
            rows: target.registers / 4, lanes: target.lanes, queries: 64, forwardRows: 16, keys: 128,
            partRows: 256, isPaired: element == .bf16 && target.units.bf16.multipliesPairs)
    }

    /// Parts of a long sequence: as few as give it 32 tasks, since each costs the gradient a plane of memory.
    static func attentionParts(heads: Int) -> Int { Swift.max(2, (32 + heads - 1) / Swift.max(1, heads)) }

    /// Groups of sequences for the gradients of a bias and of relative tables, 2 to 8: as few as give all heads 32
    /// tasks, since each costs a plane as large as those.
    static func sequenceGroups(heads: Int) -> Int { Swift.min(8, attentionParts(heads: heads)) }
}

extension GraphLowering {
    mutating func attention(_ id: NodeID, _ op: Op.Attention) throws(IRError) {
        // Operands and results are the first buffers.
        let result = op.operandCount
        let at = op.positions
        guard let results = at.results else {
            let kernel = try kernel(id, op, .forward(out: result, lse: result + 1), extra: result + 2)
            return emit(
                id, [.attention(kernel)],
                buffers: standardBuffers(id) + [.number(op.attributes.stream)] + maskBuffers(kernel))
        }
        let attributes = op.attributes
        let delta = result + graph[id].types.count
        let partial = delta + 1
        var kernel = try kernel(
            id, op,
            .gradient(
                dout: results.dout, lse: results.lse, delta: delta, dq: result, dk: result + 1,
                dv: result + 2, partial: partial),
            extra: partial + 1 + (attributes.hasBiasGradient ? 1 : 0) + at.relative.count)
        let rows = kernel.tokens * .fixed(kernel.heads)
        let plane = rows * .fixed(kernel.headSize)
        var working = [workspace(rows), workspace(.fixed(kernel.planes) * plane)]
        var sums = [AttentionKernel.Step.sumQueryGradients(dq: result, partial: partial)]
        let tables = result + graph[id].types.count - at.relative.count
        let groups = Machine.sequenceGroups(heads: kernel.heads)
        if attributes.hasBiasGradient || kernel.relative != nil { kernel.groups = groups }
        if attributes.hasBiasGradient, let bias = kernel.bias {
            let gradient = BiasGradient(dbias: result + 3, partial: partial + 1)
            kernel.biasGradient = gradient
            working.append(workspace(.fixed(kernel.biasPlanes - 1) * bias.elements))
            sums.append(.sumBiasGradients(gradient))
        }
        if kernel.relative != nil {
            let all = Extent.fixed(groups * kernel.parts * kernel.relativePlane)
            func table(_ operand: Int?, _ index: Int) -> RelativeGradient.Table? {
                guard operand != nil else { return nil }
                working.append(workspace(all))
                return RelativeGradient.Table(result: tables + index, partial: delta + working.count - 1)
            }
            let keys = table(at.relativeKeys, 0)
            let queries = table(at.relativeQueries, keys == nil ? 0 : 1)
            let gradient = RelativeGradient(keys: keys, queries: queries)
            kernel.relativeGradient = gradient
            sums.append(.sumRelativeGradients(gradient))
        }
        let phases = sums.map { step in
            var sum = kernel
            sum.step = step
            return Phase.attention(sum)
        }
        emit(
            id,
            [
                dotProducts(
                    results.dout, results.out, kernel.element, into: delta, rows: rows,
                    columns: .fixed(kernel.headSize)),
                .attention(kernel),
            ] + phases,
            buffers: standardBuffers(id) + working + [.number(attributes.stream)] + maskBuffers(kernel))
    }

    private func maskBuffers(_ kernel: AttentionKernel) -> [Program.Buffer] {
        kernel.attributes.mask.map {
            [.mask(MaskSchedule(mask: $0, heads: kernel.heads, tile: kernel.tile))]
        } ?? []
    }

    /// - Parameter extra: where the stream's number is, and behind it the table of the mask, if there is one.
    private func kernel(
        _ id: NodeID, _ op: Op.Attention, _ step: AttentionKernel.Step, extra: Int
    ) throws(IRError) -> AttentionKernel {
        var attributes = op.attributes
        attributes.stream = 0
        let at = op.positions
        let types = AttentionOperands(op, graph[id].operands.map(type))
        guard let heads = types.q.shape[1].fixedExtent, let headSize = types.q.shape[2].fixedExtent else {
            throw unsupported(id, "heads and head size must be fixed")
        }
        let relative = types.relative.first?.shape[0].fixedExtent.map { rows in
            RelativeTables(keys: at.relativeKeys, queries: at.relativeQueries, rows: rows)
        }
        var bias: AddedBias?
        if let kind = attributes.bias, let buffer = at.bias, let shape = types.bias?.shape {
            bias = AddedBias(
                kind: kind, buffer: buffer, columns: Extent(shape.suffix(1)), elements: Extent(shape))
        }
        return AttentionKernel(
            step: step, attributes: attributes, element: types.q.element, query: at.q, key: at.k, value: at.v,
            offsets: at.offsets, lengths: at.lengths, rng: at.rng ?? at.list.count, stream: extra,
            maskTable: attributes.mask.map { _ in extra + 1 }, rotary: at.rotary,
            relative: relative, bias: bias,
            sequences: Extent(types.lengths.shape), tokens: Extent([types.q.shape[0]]), heads: heads,
            headSize: headSize, parts: Machine.attentionParts(heads: heads),
            tile: machine.attentionTile(types.q.element), rowStrides: rowStrides(id))
    }

    /// Elements from token to token of operands and results that lie in rows at a distance, by buffer.
    private func rowStrides(_ id: NodeID) -> [Int: Int] {
        let node = graph[id]
        let values = node.operands + node.types.indices.map { Value(id, result: $0) }
        var strides: [Int: Int] = [:]
        for (buffer, value) in values.enumerated() {
            if let view = plan.views[value], !view.isContiguous { strides[buffer] = view.stride.fixedValue }
        }
        return strides
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
