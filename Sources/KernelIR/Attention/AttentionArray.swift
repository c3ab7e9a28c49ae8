import GraphIR

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
    /// Dropout: terms of the generator that belong to four columns (four i64), and one bit per element.
    case columnTerms, keepBits
    /// Relative positions: rows of a table [queries][rowWords] like `query`; panels of the window's keys as of `key`, and
    /// the same keys and queries as pairs of rows, as `keyPairs`, of the window and of [queries] rows.
    case relativeRows, relativeKeyPanels, relativeKeyPairs, relativeQueryPairs
    /// Products of queries with the window's keys f32[rows][window], and of the window's queries with keys
    /// f32[window][keys].
    case contentScores, positionScores
    /// The gradients of scores f32[window][keys] of a tile's queries, which come last, and of those before it.
    case slopeHistory
    /// The same of a tile by distances, [queries][window] as `scoreGradients` and `scoreGradientRows`.
    case contentSlopes, contentSlopeRows

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
    /// Words of an array.
    private func count(_ array: AttentionArray) -> Int {
        let isForward: Bool
        switch step {
        case .forward: isForward = true
        case .gradient: isForward = false
        case .sumQueryGradients, .sumBiasGradients, .sumRelativeGradients: return 0
        }
        let queryRows = isForward ? tile.partRows : tile.queries
        let pairs = tile.isPaired ? paddedSize / 2 : 0
        let dropout = attributes.rate > 0 ? 1 : 0
        let inForward = isForward ? 1 : 0
        let inGradient = 1 - inForward
        let hasRelativeKeys = relative?.keys == nil ? 0 : 1
        let hasRelativeQueries = relative?.queries == nil ? 0 : 1
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
        case .relativeRows: relative == nil ? 0 : tile.queries * rowWords
        case .relativeKeyPanels: hasRelativeKeys * tile.window * depthWords
        case .relativeKeyPairs: inGradient * hasRelativeKeys * tile.window * rowWords
        case .relativeQueryPairs: inGradient * hasRelativeQueries * tile.queries * rowWords
        case .contentScores:
            hasRelativeKeys * (isForward ? tile.forwardRows : tile.queries) * tile.window
        case .positionScores: hasRelativeQueries * tile.window * tile.keys
        case .slopeHistory: relative == nil ? 0 : inGradient * tile.window * tile.keys
        case .contentSlopes: inGradient * hasRelativeKeys * tile.queries * tile.window
        case .contentSlopeRows:
            tile.isPaired ? inGradient * hasRelativeKeys * tile.queries * tile.window / 2 : 0
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
}
