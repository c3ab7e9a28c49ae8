import GraphIR

/// One phase of attention over packed sequences: online softmax forward, or its gradients, without an array of
/// scores. One task a sequence, head and part of the sequence.
///
/// A task of the forward step owns query rows, a task of the gradient key rows; each runs over blocks of the
/// sequence's other rows in order. Where a sequence has several parts, every part but the first writes its share of
/// dq into a plane of its own, and `sumQueryGradients` adds them up in the order of the parts. So results have the
/// same bits however tasks are spread over threads.
public struct AttentionKernel: Hashable, Sendable {
    public enum Step: Hashable, Sendable {
        case forward(out: Int, lse: Int)
        /// `delta` f32[tokens, heads] is Σ_d dout out; `partial` holds `parts - 1` planes [tokens, heads, headSize].
        case gradient(dout: Int, lse: Int, delta: Int, dq: Int, dk: Int, dv: Int, partial: Int)
        case sumQueryGradients(dq: Int, partial: Int)
    }

    public var step: Step
    public var attributes: AttentionAttributes
    // Buffers. `rng` and `stream` are read only when the rate is positive, `maskTable` has the layout of `MaskTable`.
    public var query: Int
    public var key: Int
    public var value: Int
    public var offsets: Int
    public var lengths: Int
    public var rng: Int
    /// The buffer of the dropout stream's number; that of `attributes` is 0 in every kernel, so that equal layers share
    /// one.
    public var stream: Int
    /// The buffer of the mask's table, where there is a mask.
    public var maskTable: Int?
    public var sequences: Extent
    public var tokens: Extent
    public var heads: Int
    public var headSize: Int
    /// Into how many parts a long sequence is cut at most.
    public var parts: Int
    public var tile: AttentionTile
}

/// Register and cache blocking of attention.
public struct AttentionTile: Hashable, Sendable {
    /// Rows of the register tile.
    public let rows: Int
    public let lanes: Int
    /// Query rows of one tile of scores; a multiple of `rows` and `lanes`.
    public let queries: Int
    /// Keys of one tile of scores; a multiple of `columns`.
    public let keys: Int
    /// A part has at least this many rows (a multiple of `queries` and `keys`), and the forward step keeps the queries
    /// and results of as many rows in scratch memory.
    public let partRows: Int

    /// Columns of the register tile and of a packed panel: two vectors.
    public var columns: Int { 2 * lanes }

    /// The same as the packing of panels wants it, for a depth of `headSize`.
    public func panel(headSize: Int) -> ContractionTile {
        ContractionTile(
            rows: rows, vectors: 2, lanes: lanes, depth: headSize, blockRows: queries)
    }
}

/// The arrays in a worker's scratch memory, in f32 elements.
public enum AttentionArray: Hashable, Sendable, CaseIterable {
    /// Scaled queries, dout and results [rows][paddedSize]; keys and values likewise.
    case query, dout, out, key, value
    /// Keys and values transposed: panels [panel][headSize][columns].
    case keyPanels, valuePanels
    /// A tile [queries][keys] of scores, which become probabilities, and of their gradients.
    case scores, scoreGradients
    /// Sums [rows][paddedSize].
    case dq, dk, dv
    /// A number a row: running maximum and sum, the tile's own maximum, what earlier results are multiplied by.
    case maximum, sum, tileMaximum, correction
    /// Dropout: terms of the generator that belong to a column (four i64 each), and a bit an element.
    case columnTerms, keepBits
}

extension AttentionKernel {
    /// The head size rounded up to whole vectors.
    public var paddedSize: Int { (headSize + tile.lanes - 1) / tile.lanes * tile.lanes }

    /// Elements of an array.
    private func count(_ array: AttentionArray) -> Int {
        let isForward = if case .forward = step { true } else { false }
        let queryRows = isForward ? tile.partRows : tile.queries
        switch (array, step) {
        case (_, .sumQueryGradients): return 0
        case (.query, _): return queryRows * paddedSize
        case (.keyPanels, _): return headSize * tile.keys
        case (.scores, _): return tile.queries * tile.keys
        case (.columnTerms, _): return attributes.rate > 0 ? 8 * tile.keys : 0
        case (.keepBits, _): return attributes.rate > 0 ? tile.queries * tile.keys / 32 : 0
        case (.out, .forward): return queryRows * paddedSize
        case (.value, .forward), (.key, .gradient), (.dk, .gradient), (.dv, .gradient):
            return tile.keys * paddedSize
        case (.maximum, .forward), (.sum, .forward): return queryRows
        case (.tileMaximum, .forward), (.correction, .forward): return tile.queries
        case (.dout, .gradient), (.dq, .gradient): return queryRows * paddedSize
        case (.valuePanels, .gradient): return headSize * tile.keys
        case (.scoreGradients, .gradient): return tile.queries * tile.keys
        case (.out, _), (.value, _), (.key, _), (.dk, _), (.dv, _), (.dout, _), (.dq, _), (.maximum, _),
            (.sum, _), (.tileMaximum, _), (.correction, _), (.valuePanels, _), (.scoreGradients, _):
            return 0
        }
    }

    /// Where an array starts in scratch memory: a multiple of 64 bytes.
    public func offset(of array: AttentionArray) -> Int {
        AttentionArray.allCases.prefix { $0 != array }.reduce(0) { $0 + (count($1) + 15) / 16 * 16 }
    }

    var scratchByteCount: Int {
        4 * AttentionArray.allCases.reduce(0) { $0 + (count($1) + 15) / 16 * 16 }
    }

    func taskCount(_ symbols: [String: Int]) -> Int {
        let pieces = sequences.value(symbols) * parts
        if case .sumQueryGradients = step { return pieces }
        return pieces * heads
    }

    /// As if the tokens were in equal shares of `sequences`; tiles of which the mask keeps nothing cost nothing.
    func flopCount(_ symbols: [String: Int]) -> Int {
        let tokens = tokens.value(symbols)
        if case .sumQueryGradients = step { return (parts - 1) * tokens * heads * headSize }
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
    public var description: String {
        let shape = "[\(tokens) tokens, \(sequences) sequences, \(heads) heads of \(headSize)]"
        let dropout =
            attributes.rate > 0
            ? ", dropout \(attributes.rate) stream b\(stream) rng b\(rng)" : ""
        let mask = maskTable.map { ", mask b\($0)" } ?? ""
        let common = "\(shape) scale \(attributes.scale)\(dropout)\(mask), \(parts) parts, tile \(tile)"
        switch step {
        case .forward(let out, let lse):
            return "  attention b\(out), lse b\(lse) = b\(query), b\(key), b\(value) \(common)\n"
        case .gradient(let dout, let lse, let delta, let dq, let dk, let dv, let partial):
            return
                "  attention_gradient b\(dq), b\(dk), b\(dv), partial b\(partial) = dout b\(dout), b\(query), b\(key), "
                + "b\(value), lse b\(lse), delta b\(delta) \(common)\n"
        case .sumQueryGradients(let dq, let partial):
            return "  attention_sum b\(dq) += partial b\(partial) \(shape), \(parts) parts\n"
        }
    }
}

extension AttentionTile: CustomStringConvertible {
    public var description: String { "\(queries)x\(keys) in \(rows)x\(columns)" }
}
