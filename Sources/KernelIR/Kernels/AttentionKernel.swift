import GraphIR

/// One phase of attention over packed sequences: online softmax forward, or its gradients, without an array of
/// scores. One task a sequence, head and part of the sequence.
///
/// A task of the forward step owns query rows, a task of the gradient key rows; each runs over blocks of the
/// sequence's other rows in order. Where a sequence has several parts, every part but the first writes its share of
/// dq into a plane of its own, and `sumQueryGradients` adds them up in the order of the parts. So results have the
/// same bits however tasks are spread over threads. Below f32 the first part has a plane as well, and dq is rounded
/// from the sum. With the gradient of a bias a task has several sequences (`BiasGradient`).
package struct AttentionKernel: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        case forward(out: Int, lse: Int)
        /// `delta` f32[tokens, heads] is Σ_d dout out; `partial` holds `planes` of f32[tokens, heads, headSize].
        case gradient(dout: Int, lse: Int, delta: Int, dq: Int, dk: Int, dv: Int, partial: Int)
        case sumQueryGradients(dq: Int, partial: Int)
        /// Adds the planes of dbias up, one task a head.
        case sumBiasGradients(BiasGradient)
        /// Adds the planes of the relative tables' gradients up, `shares` tasks a head.
        case sumRelativeGradients(RelativeGradient)
    }

    package var step: Step
    package var attributes: AttentionAttributes
    /// The type of q, k, v, out and their gradients; all that is between is f32.
    package var element: ElementType
    // Buffers. `rng` and `stream` are read only when the rate is positive, `maskTable` has the layout of `MaskTable`.
    package var query: Int
    package var key: Int
    package var value: Int
    package var offsets: Int
    package var lengths: Int
    package var rng: Int
    /// The buffer of the dropout stream's number; that of `attributes` is 0 in every kernel, so that equal layers share
    /// one.
    package var stream: Int
    /// The buffer of the mask's table, where there is a mask.
    package var maskTable: Int?
    /// The buffer of the angles by which queries and keys are turned as they are read, f32[tokens, headSize].
    package var rotary: Int?
    /// The keys and queries of distances, where there are any, and where their gradients go.
    package var relative: RelativeTables?
    package var relativeGradient: RelativeGradient?
    /// What is added to the scores.
    package var bias: AddedBias?
    /// Where sequences add to one result, a task of the gradient goes through one of so many groups of them in order;
    /// sequence s is of group s mod `groups`.
    package var groups: Int?
    /// Where the gradient of the bias goes, if it is asked for.
    package var biasGradient: BiasGradient?
    package var sequences: Extent
    package var tokens: Extent
    package var heads: Int
    package var headSize: Int
    /// Into how many parts a long sequence is cut at most.
    package var parts: Int
    package var tile: AttentionTile
    /// Elements from token to token in the buffers where those are not neighbours: columns of a wider matrix.
    package var rowStrides: [Int: Int]

    package init(
        step: Step, attributes: AttentionAttributes, element: ElementType, query: Int, key: Int, value: Int,
        offsets: Int, lengths: Int, rng: Int, stream: Int, maskTable: Int?, rotary: Int? = nil,
        relative: RelativeTables? = nil, bias: AddedBias?, sequences: Extent, tokens: Extent, heads: Int,
        headSize: Int,
        parts: Int, tile: AttentionTile, rowStrides: [Int: Int] = [:]
    ) {
        self.step = step
        self.attributes = attributes
        self.element = element
        self.query = query
        self.key = key
        self.value = value
        self.offsets = offsets
        self.lengths = lengths
        self.rng = rng
        self.stream = stream
        self.maskTable = maskTable
        self.rotary = rotary
        self.relative = relative
        self.bias = bias
        self.sequences = sequences
        self.tokens = tokens
        self.heads = heads
        self.headSize = headSize
        self.parts = parts
        self.tile = tile
        self.rowStrides = rowStrides
    }

    /// Tasks that share a head's rows of the relative tables' gradients.
    package static let shares = 4

    /// Elements from a token to the next one in a buffer.
    package func rowStride(_ buffer: Int) -> Int { rowStrides[buffer] ?? heads * headSize }
}

extension AttentionKernel {
    /// The head size rounded up to whole vectors.
    package var paddedSize: Int { (headSize + tile.lanes - 1) / tile.lanes * tile.lanes }

    /// Words of a row of an operand, and those that hold elements.
    package var rowWords: Int { paddedSize / tile.wordElements }
    package var depthWords: Int { (headSize + tile.wordElements - 1) / tile.wordElements }

    /// Planes of partial dq.
    package var planes: Int { element == .f32 ? parts - 1 : parts }

    /// Planes of dbias.
    package var biasPlanes: Int {
        guard let bias, let groups, biasGradient != nil else { return 0 }
        return groups * (bias.kind == .pairs ? 1 : parts)
    }
}

extension AttentionKernel: KernelTemplate {
    package var templateName: String { "attention" }
    package var suffix: String { "" }

    package func taskCount(_ symbols: [String: Int]) -> Int {
        let pieces = sequences.value(symbols) * parts
        switch step {
        case .sumQueryGradients: return pieces
        case .sumBiasGradients: return heads
        case .sumRelativeGradients: return heads * Self.shares
        case .gradient: return (groups.map { $0 * parts } ?? pieces) * heads
        case .forward: return pieces * heads
        }
    }

    package func flopCount(_ symbols: [String: Int]) -> Int {
        switch step {
        case .sumQueryGradients, .sumBiasGradients, .sumRelativeGradients: instructionCount(symbols)
        case .forward: (4 + 2 * tables) * headSize * scoreCount(symbols)
        case .gradient: (10 + 6 * tables) * headSize * scoreCount(symbols)
        }
    }

    /// Relative tables, each of which makes one product forward and three in the gradient.
    private var tables: Int { relative?.buffers.count ?? 0 }

    /// Scores of all heads, as if the tokens were in equal shares of `sequences`; tiles of which the mask keeps nothing
    /// cost nothing.
    private func scoreCount(_ symbols: [String: Int]) -> Int {
        let tokens = tokens.value(symbols)
        let length = tokens / Swift.max(1, sequences.value(symbols))
        let scores = tokens * length * heads
        guard let mask = attributes.mask else { return scores }
        let schedule = MaskSchedule(mask: mask, heads: heads, tile: tile)
        return Int(Double(scores) * MaskTable(schedule, length: length).counts.work)
    }

    /// Of a score: its exponential with the row's maximum and sum, or with its gradient; dropout's bit. Of an element of
    /// q, k, v and their gradients: bringing it to the products and back. Relative terms are moved by their distances,
    /// lane by lane.
    package func instructionCount(_ symbols: [String: Int]) -> Int {
        let elements = tokens.value(symbols) * heads * headSize
        let dropout = attributes.rate > 0 ? 11 : 0
        return switch step {
        case .sumQueryGradients: planes * elements
        case .sumBiasGradients: (biasPlanes - 1) * (bias?.elements.value(symbols) ?? 0)
        case .sumRelativeGradients: tables * relativePlanes * relativeElements
        case .forward: (14 + 10 * tables + dropout) * scoreCount(symbols) + 30 * elements
        case .gradient: (26 + 30 * tables + dropout) * scoreCount(symbols) + 30 * elements
        }
    }

    /// Elements of a relative table's gradient.
    private var relativeElements: Int { heads * headSize * (relative?.rows ?? 0) }

    package func scratchByteCount(_ symbols: [String: Int]) -> Int { scratchByteCount }

    package var contractionElement: ElementType? { element }

    package func contractionFlopCount(_ symbols: [String: Int]) -> Int { flopCount(symbols) }

    package func countTraffic(_ counter: inout TrafficCounter) {
        let rows = tokens.value(counter.symbols) * heads
        let elements = rows * headSize
        let partials = planes * elements
        let biases = bias?.elements.value(counter.symbols) ?? 0
        let biasPartials = max(0, biasPlanes - 1) * biases
        let table = relativeElements
        let tablePartials = relativePlanes * table
        switch step {
        case .forward(let out, let lse):
            for buffer in [query, key, value] { counter.read(buffer, elements) }
            if let rotary { counter.read(rotary, elements / heads) }
            for buffer in relative?.buffers ?? [] { counter.read(buffer, table) }
            if let bias { counter.read(bias.buffer, biases) }
            counter.write(out, elements)
            counter.write(lse, rows)
        case .gradient(let dout, let lse, let delta, let dq, let dk, let dv, let partial):
            for buffer in [query, key, value, dout] { counter.read(buffer, elements) }
            for buffer in [lse, delta] { counter.read(buffer, rows) }
            if let rotary { counter.read(rotary, elements / heads) }
            for buffer in relative?.buffers ?? [] { counter.read(buffer, table) }
            if let bias { counter.read(bias.buffer, biases) }
            for buffer in [dk, dv] { counter.write(buffer, elements) }
            if element == .f32 { counter.write(dq, elements) }
            counter.write(partial, partials)
            if let biasGradient {
                counter.write(biasGradient.dbias, biases)
                counter.write(biasGradient.partial, biasPartials)
            }
            for gradient in relativeGradient?.tables ?? [] { counter.write(gradient.partial, tablePartials) }
        case .sumQueryGradients(let dq, let partial):
            counter.read(partial, partials)
            if element == .f32 { counter.read(dq, elements) }
            counter.write(dq, elements)
        case .sumBiasGradients(let gradient):
            counter.read(gradient.partial, biasPartials)
            counter.read(gradient.dbias, biases)
            counter.write(gradient.dbias, biases)
        case .sumRelativeGradients(let gradient):
            for gradient in gradient.tables {
                counter.read(gradient.partial, tablePartials)
                counter.write(gradient.result, table)
            }
        }
    }

    package func verify(_ verifier: inout KernelVerifier) throws(IRError) {
        try verifier.extents([sequences, tokens, .fixed(heads), .fixed(headSize)])
        try verifyTile(verifier)
        switch step {
        case .forward(let out, let lse):
            try verifyOperands(&verifier)
            try verifier.write(out, element, strides: strides(out))
            try verifier.write(lse, .f32)
        case .gradient(let dout, let lse, let delta, let dq, let dk, let dv, let partial):
            try verifyOperands(&verifier)
            try verifier.read(dout, element, strides: strides(dout))
            for buffer in [lse, delta] { try verifier.read(buffer, .f32) }
            for buffer in [dq, dk, dv] {
                try verifier.write(buffer, element, strides: strides(buffer))
            }
            try verifier.write(partial, .f32)
            if let biasGradient {
                try verifier.require(.attention, bias != nil, "the gradient of a bias that there is not")
                try verifier.write(biasGradient.dbias, .f32)
                try verifier.write(biasGradient.partial, .f32)
            }
            try verifier.require(
                .attention, (groups == nil) == (biasGradient == nil && relativeGradient == nil),
                "groups of sequences without a result that they add to, or such a result without groups")
            if let relativeGradient {
                try verifier.require(
                    .attention, relative != nil && tile.keys % tile.queries == 0,
                    "the gradient of relative tables that there are not, or keys in tile \(tile) that queries do not divide"
                )
                for gradient in relativeGradient.tables { try verifier.write(gradient.partial, .f32) }
            }
        case .sumQueryGradients(let dq, let partial):
            try verifier.read(partial, .f32)
            try verifier.write(dq, element, strides: strides(dq))
        case .sumBiasGradients(let gradient):
            try verifier.read(gradient.partial, .f32)
            try verifier.write(gradient.dbias, .f32)
        case .sumRelativeGradients(let gradient):
            for gradient in gradient.tables {
                try verifier.read(gradient.partial, .f32)
                try verifier.write(gradient.result, element, strides: strides(gradient.result))
            }
        }
    }
}

extension AttentionKernel {
    private func verifyTile(_ verifier: KernelVerifier) throws(IRError) {
        try verifier.require(
            .panels, tile.lanes == verifier.lanes,
            "tile \(tile) is for \(tile.lanes) lanes, the target has \(verifier.lanes)")
        let multiples = [
            (tile.queries, tile.forwardRows), (tile.forwardRows, tile.rows), (tile.forwardRows, tile.lanes),
            (tile.keys, tile.columns), (tile.keys, 64), (tile.partRows, tile.queries),
            (tile.partRows, tile.keys),
        ]
        try verifier.require(
            .attention, multiples.allSatisfy { $0 > 0 && $1 > 0 && $0 % $1 == 0 },
            "the sizes of tile \(tile) do not divide into one another")
        try verifier.require(
            .attention, parts > 0 && (!tile.isPaired || element == .bf16),
            "\(parts) parts of \(tile.isPaired ? "pairs of " : "")\(element.rawValue)")
    }

    private func strides(_ buffer: Int) -> [Extent] { [.fixed(rowStride(buffer))] }

    /// What the forward step and the gradient read alike.
    private func verifyOperands(_ verifier: inout KernelVerifier) throws(IRError) {
        for buffer in [query, key, value] {
            try verifier.read(buffer, element, strides: strides(buffer))
        }
        for buffer in [offsets, lengths] { try verifier.read(buffer, .i32) }
        if let rotary { try verifier.read(rotary, .f32) }
        if let relative {
            for buffer in relative.buffers { try verifier.read(buffer, element, strides: strides(buffer)) }
        }
        try verifier.require(
            .attention,
            attributes.relative.map { [$0.hasKeys, $0.hasQueries] }
                == relative.map { [$0.keys != nil, $0.queries != nil] },
            "relative tables of the attributes have no buffer, or have one and are not there")
        if let bias {
            try verifier.extents([bias.columns, bias.elements])
            try verifier.read(bias.buffer, .f32)
        }
        if attributes.rate > 0 {
            try verifier.read(rng, .i64)
            try verifier.readNumber(stream)
        }
        try verifier.require(
            .attention, attributes.isRotary == (rotary != nil) && (rotary == nil || headSize % 2 == 0),
            "angles of the attributes have no buffer, or have one and are not there")
        try verifier.require(
            .attention, (attributes.mask == nil) == (maskTable == nil) && (attributes.bias == bias?.kind),
            "mask or bias of the attributes have no buffer, or have one and are not there")
        if let mask = attributes.mask, let maskTable {
            try verifier.readMask(maskTable, MaskSchedule(mask: mask, heads: heads, tile: tile))
        }
    }
}

extension AttentionKernel {
    package var description: String {
        let shape = "\(element)[\(tokens) tokens, \(sequences) sequences, \(heads) heads of \(headSize)]"
        let dropout =
            attributes.rate > 0
            ? ", dropout \(attributes.rate) stream b\(stream) rng b\(rng)" : ""
        let mask = maskTable.map { ", mask b\($0)" } ?? ""
        let bias = bias.map { ", \($0.kind) bias b\($0.buffer)[\($0.elements)]" } ?? ""
        let rotary = rotary.map { ", turned by b\($0)" } ?? ""
        let relative =
            relative.map { tables in
                ", \(tables.rows) relative positions" + (tables.keys.map { " keys b\($0)" } ?? "")
                    + (tables.queries.map { " queries b\($0)" } ?? "")
            } ?? ""
        let dbias =
            biasGradient.map { ", dbias b\($0.dbias) in \(groups ?? 0) groups, partial b\($0.partial)" } ?? ""
        let apart = rowStrides.sorted { $0.key < $1.key }.map { ", tokens of b\($0) \($1) apart" }.joined()
        let common =
            "\(shape) scale \(attributes.scale)\(dropout)\(mask)\(rotary)\(relative)\(bias)\(dbias), \(parts) parts, tile \(tile)\(apart)"
        switch step {
        case .forward(let out, let lse):
            return "  attention b\(out), lse b\(lse) = b\(query), b\(key), b\(value) \(common)\n"
        case .gradient(let dout, let lse, let delta, let dq, let dk, let dv, let partial):
            return
                "  attention_gradient b\(dq), b\(dk), b\(dv), partial b\(partial) = dout b\(dout), b\(query), b\(key), "
                + "b\(value), lse b\(lse), delta b\(delta) \(common)\n"
        case .sumQueryGradients(let dq, let partial):
            return "  attention_sum b\(dq) += partial b\(partial) \(shape), \(parts) parts\n"
        case .sumBiasGradients(let gradient):
            return
                "  attention_bias_sum b\(gradient.dbias) += partial b\(gradient.partial), \(biasPlanes) planes\n"
        case .sumRelativeGradients(let gradient):
            return gradient.tables.map { table in
                "  attention_relative_sum b\(table.result) = partial b\(table.partial) \(shape), \(relativePlanes) planes\n"
            }.joined()
        }
    }
}
