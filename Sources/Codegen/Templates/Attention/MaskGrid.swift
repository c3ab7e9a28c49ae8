import KernelIR

/// Reads the grid of one head out of a `MaskTable`.
struct MaskGrid {
    private let states: Pointer
    private let columns: I64
    private let bits: Pointer
    private let tile: AttentionTile
    private static let empty = I32(MaskTable.State.empty)

    init(_ w: inout FunctionWriter, table: Pointer, head: I64, tile: AttentionTile) {
        func word(_ w: inout FunctionWriter, _ index: I64) -> I64 {
            w.convert(.zext, w.load(I32.self, w.address(table, .i32, index)))
        }
        self.tile = tile
        columns = word(&w, 0)
        bits = w.address(table, .i32, word(&w, 1))
        states = w.address(table, .i32, word(&w, w.add(head, MaskTable.headerCount)))
    }

    /// The state of the tile that starts at row `row` and key `key` of the sequence.
    func state(_ w: inout FunctionWriter, row: I64, key: I64) -> I32 {
        let block = w.mul(w.udiv(row, tile.queries), columns)
        let index = w.add(block, w.udiv(key, tile.keys))
        return w.load(I32.self, w.address(states, .i32, index))
    }

    func isEmpty(_ w: inout FunctionWriter, _ state: I32) -> I1 { w.compare(.eq, state, Self.empty) }

    /// Whether any of the tiles of the block of queries at `row`, from key `from` up to `to`, keeps something.
    func hasTiles(_ w: inout FunctionWriter, row: I64, from: I64, to: I64) -> I1 {
        let states = w.loop(from: from, to: to, by: tile.keys, carrying: [Self.empty]) { w, key, states in
            [w.or(states[0], state(&w, row: row, key: key))]
        }
        return w.compare(.ne, states[0], Self.empty)
    }

    /// Whether any of the tiles of some rows at key `key` keeps something.
    func hasTiles(_ w: inout FunctionWriter, _ rows: RowRange, key: I64) -> I1 {
        let states = w.loop(from: 0, to: rows.count, by: tile.queries, carrying: [Self.empty]) {
            w, row, states in
            [w.or(states[0], state(&w, row: w.add(rows.from, row), key: key))]
        }
        return w.compare(.ne, states[0], Self.empty)
    }

    /// Where the bits of a tile with a partial state start.
    func bits(_ w: inout FunctionWriter, state: I32) -> Pointer {
        let number = w.convert(.zext, w.sub(state, I32(MaskTable.State.partial)), to: I64.self)
        return w.address(bits, .i8, w.mul(number, tile.queries * tile.keys / 8))
    }
}

/// The state of a tile of scores (`nil` without a mask), and the first of its rows that are worked on.
struct TilePlace {
    let state: I32?
    let row: I64
}

extension AttentionTemplate {
    /// Runs `body` with the state of a tile, unless the mask keeps nothing of it; without a mask always, with `nil`.
    func whenTile(
        _ w: inout FunctionWriter, _ part: Part, row: I64, key: I64,
        otherwise: (inout FunctionWriter) -> Void = { _ in },
        _ body: (inout FunctionWriter, _ state: I32?) -> Void
    ) {
        guard let mask = part.mask else { return body(&w, nil) }
        let state = mask.state(&w, row: row, key: key)
        w.when(mask.isEmpty(&w, state), otherwise, otherwise: { w in body(&w, state) })
    }

    /// Runs `body` when the mask keeps something of the block of keys at `key` for some rows.
    func whenTiles(
        _ w: inout FunctionWriter, _ part: Part, _ rows: RowRange, key: I64,
        _ body: (inout FunctionWriter) -> Void
    ) {
        guard let mask = part.mask else { return body(&w) }
        w.when(mask.hasTiles(&w, rows, key: key), body)
    }

    /// Gives the keys of a partial tile that the mask excludes the score -infinity.
    func excludeMasked(
        _ w: inout FunctionWriter, _ part: Part, _ place: TilePlace, rows: I64, vectors: I64
    ) {
        guard let mask = part.mask, let state = place.state else { return }
        let scores = scratch(&w, .scores)
        w.when(w.compare(.uge, state, I32(MaskTable.State.partial))) { w in
            let row = w.mul(place.row, tile.keys / 8)
            let bits = w.address(mask.bits(&w, state: state), .i8, row)
            w.loop(from: 0, to: rows, by: 1) { w, row in
                w.loop(from: 0, to: w.mul(vectors, tile.lanes), by: tile.lanes) { w, column in
                    let place = scoreAddress(&w, scores, row, column)
                    let isKept = keep.mask(&w, bits: bits, row: row, column: column)
                    let score = w.select(isKept, loadVector(&w, place), v.float(-.infinity))
                    storeVector(&w, score, place)
                }
            }
        }
    }
}
