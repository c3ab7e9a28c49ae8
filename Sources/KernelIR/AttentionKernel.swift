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
    /// What is added to the scores.
    package var bias: AddedBias?
    /// Where the gradient of the bias goes, if it is asked for.
    package var biasGradient: BiasGradient?
    package var sequences: Extent
    package var tokens: Extent
    package var heads: Int
    package var headSize: Int
    /// Into how many parts a long sequence is cut at most.
    package var parts: Int
    package var tile: AttentionTile

    package init(
        step: Step, attributes: AttentionAttributes, element: ElementType, query: Int, key: Int, value: Int,
        offsets: Int, lengths: Int, rng: Int, stream: Int, maskTable: Int?, bias: AddedBias?,
        biasGradient: BiasGradient? = nil, sequences: Extent, tokens: Extent, heads: Int, headSize: Int,
        parts: Int, tile: AttentionTile
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
        self.bias = bias
        self.biasGradient = biasGradient
        self.sequences = sequences
        self.tokens = tokens
        self.heads = heads
        self.headSize = headSize
        self.parts = parts
        self.tile = tile
    }
}

/// The buffer of a bias, f32.
package struct AddedBias: Hashable, Sendable {
    package let kind: AttentionBias
    package let buffer: Int
    /// Elements of the last axis, and all of them.
    package let columns: Extent
    package let elements: Extent

    package init(kind: AttentionBias, buffer: Int, columns: Extent, elements: Extent) {
        self.kind = kind
        self.buffer = buffer
        self.columns = columns
        self.elements = elements
    }

    /// The longest sequence that it serves.
    package func longest(_ symbols: [String: Int]) -> Int { kind.longest(columns.value(symbols)) }
}

/// The gradient of a bias, which all sequences add to: a task of the gradient goes through one of `groups` groups of
/// sequences in order, sequence s being of group s mod `groups`. Groups have planes of their own, and of a bias of
/// distances the parts of keys too; those of pairs own different columns, for which parts are cut from the longest
/// sequence that the bias serves. The first plane is `dbias`, the others are in `partial`.
package struct BiasGradient: Hashable, Sendable {
    package let dbias: Int
    package let partial: Int
    package let groups: Int

    package init(dbias: Int, partial: Int, groups: Int) {
        self.dbias = dbias
        self.partial = partial
        self.groups = groups
    }
}

/// Register and cache blocking of attention.
package struct AttentionTile: Hashable, Sendable {
    /// Rows of the register tile.
    package let rows: Int
    package let lanes: Int
    /// Query rows of one tile of scores; a multiple of `forwardRows`.
    package let queries: Int
    /// Rows of a tile that the forward step takes from scores to results at a time, so that their scores stay in the
    /// level-1 cache; a multiple of `rows` and `lanes`.
    package let forwardRows: Int
    /// Keys of one tile of scores; a multiple of `columns`, and of the 64 that dropout's generator takes together.
    package let keys: Int
    /// A part has at least this many rows (a multiple of `queries` and `keys`), and the forward step keeps the queries
    /// and results of as many rows in scratch memory.
    package let partRows: Int
    /// Operands of tile products are pairs of bf16 along the depth, one pair a word, in place of f32.
    package let isPaired: Bool

    package init(
        rows: Int, lanes: Int, queries: Int, forwardRows: Int, keys: Int, partRows: Int, isPaired: Bool
    ) {
        self.rows = rows
        self.lanes = lanes
        self.queries = queries
        self.forwardRows = forwardRows
        self.keys = keys
        self.partRows = partRows
        self.isPaired = isPaired
    }

    /// Elements of an operand in 32 bits.
    package var wordElements: Int { isPaired ? 2 : 1 }
    /// Columns of the register tile and of a packed panel: two vectors.
    package var columns: Int { 2 * lanes }

    /// The same as the packing of panels wants it, which goes through any depth.
    package var panel: ContractionTile {
        ContractionTile(rows: rows, vectors: 2, lanes: lanes, depth: keys, blockRows: queries)
    }
}

/// The arrays in a worker's scratch memory, in 32-bit words: f32, or pairs of bf16 where operands are paired.
package enum AttentionArray: Hashable, Sendable, CaseIterable {
    /// Queries, dout, keys and values [rows][rowWords]: pairs are neighbours in a row.
    case query, dout, key, value
    /// The same [rows / 2][paddedSize], where a pair is the elements of two rows. Without pairs the rows above serve
    /// for both.
    case queryPairs, doutPairs, keyPairs, valuePairs
    /// Keys and values transposed: panels [panel][depthWords][columns].
    case keyPanels, valuePanels
    /// A tile f32[queries][keys] of scores, which become probabilities, and of their gradients. With pairs, those
    /// take their places: in the forward step [queries][keys / 2] words, in the gradient [queries / 2][keys]; rows of
    /// words start where their (first) row of f32 did.
    case scores, scoreGradients
    /// With pairs, the gradients of scores as [queries][keys / 2].
    case scoreGradientRows
    /// Results and sums f32[rows][paddedSize].
    case out, dq, dk, dv
    /// A number a row: running maximum, the tile's own maximum, what earlier results are multiplied by.
    case maximum, tileMaximum, correction
    /// Running sums [rows][lanes], to be added up.
    case sum
    /// Dropout: terms of the generator that belong to four columns (four i64), and a bit an element.
    case columnTerms, keepBits

    var withoutPairs: AttentionArray {
        switch self {
        case .queryPairs: .query
        case .doutPairs: .dout
        case .keyPairs: .key
        case .valuePairs: .value
        default: self
        }
    }
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
        guard let bias, let biasGradient else { return 0 }
        return biasGradient.groups * (bias.kind == .pairs ? 1 : parts)
    }

    /// Words of an array.
    private func count(_ array: AttentionArray) -> Int {
        let isForward: Bool
        switch step {
        case .forward: isForward = true
        case .gradient: isForward = false
        case .sumQueryGradients, .sumBiasGradients: return 0
        }
        let queryRows = isForward ? tile.partRows : tile.queries
        let pairs = tile.isPaired ? paddedSize / 2 : 0
        let dropout = attributes.rate > 0 ? 1 : 0
        let inForward = isForward ? 1 : 0
        let inGradient = 1 - inForward
        return switch array {
        case .query: queryRows * rowWords
        case .key: tile.keys * rowWords
        case .value: isForward && tile.isPaired ? 0 : tile.keys * rowWords
        case .keyPanels: tile.keys * depthWords
        case .scores: (isForward ? tile.forwardRows : tile.queries) * tile.keys
        case .columnTerms: dropout * 2 * tile.keys
        case .keepBits: dropout * (isForward ? tile.forwardRows : tile.queries) * tile.keys / 32
        case .out: inForward * queryRows * paddedSize
        case .valuePairs: inForward * tile.keys * pairs
        case .maximum: inForward * queryRows
        case .sum: inForward * queryRows * tile.lanes
        case .tileMaximum, .correction: inForward * tile.forwardRows
        case .dout: inGradient * queryRows * rowWords
        case .queryPairs, .doutPairs: inGradient * queryRows * pairs
        case .keyPairs: inGradient * tile.keys * pairs
        case .valuePanels: inGradient * tile.keys * depthWords
        case .scoreGradients: inGradient * tile.queries * tile.keys
        case .scoreGradientRows: tile.isPaired ? inGradient * tile.queries * tile.keys / 2 : 0
        case .dq: inGradient * queryRows * paddedSize
        case .dk, .dv: inGradient * tile.keys * paddedSize
        }
    }

    /// Where an array starts in scratch memory: a multiple of 64 bytes.
    package func offset(of array: AttentionArray) -> Int {
        let array = tile.isPaired ? array : array.withoutPairs
        return AttentionArray.allCases.prefix { $0 != array }.reduce(0) { $0 + (count($1) + 15) / 16 * 16 }
    }

    var scratchByteCount: Int {
        4 * AttentionArray.allCases.reduce(0) { $0 + (count($1) + 15) / 16 * 16 }
    }

    func taskCount(_ symbols: [String: Int]) -> Int {
        let pieces = sequences.value(symbols) * parts
        switch step {
        case .sumQueryGradients: return pieces
        case .sumBiasGradients: return heads
        case .gradient: return (biasGradient.map { $0.groups * parts } ?? pieces) * heads
        case .forward: return pieces * heads
        }
    }

    /// As if the tokens were in equal shares of `sequences`; tiles of which the mask keeps nothing cost nothing.
    func flopCount(_ symbols: [String: Int]) -> Int {
        let tokens = tokens.value(symbols)
        if case .sumQueryGradients = step { return planes * tokens * heads * headSize }
        if case .sumBiasGradients = step { return (biasPlanes - 1) * (bias?.elements.value(symbols) ?? 0) }
        let length = tokens / Swift.max(1, sequences.value(symbols))
        var pairs = tokens * length * heads * headSize
        if let mask = attributes.mask {
            let schedule = MaskSchedule(mask: mask, heads: heads, tile: tile)
            pairs = Int(Double(pairs) * MaskTable(schedule, length: length).counts.work)
        }
        return if case .forward = step { 4 * pairs } else { 10 * pairs }
    }
}

extension AttentionKernel: CustomStringConvertible {
    package var description: String {
        let shape = "\(element)[\(tokens) tokens, \(sequences) sequences, \(heads) heads of \(headSize)]"
        let dropout =
            attributes.rate > 0
            ? ", dropout \(attributes.rate) stream b\(stream) rng b\(rng)" : ""
        let mask = maskTable.map { ", mask b\($0)" } ?? ""
        let bias = bias.map { ", \($0.kind) bias b\($0.buffer)[\($0.elements)]" } ?? ""
        let dbias =
            biasGradient.map { ", dbias b\($0.dbias) in \($0.groups) groups, partial b\($0.partial)" } ?? ""
        let common =
            "\(shape) scale \(attributes.scale)\(dropout)\(mask)\(bias)\(dbias), \(parts) parts, tile \(tile)"
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
        }
    }
}

extension AttentionTile: CustomStringConvertible {
    package var description: String {
        "\(queries)x\(keys) in \(rows)x\(columns)" + (isPaired ? " bf16 pairs" : "")
    }
}
