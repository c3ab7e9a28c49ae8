import KernelIR

/// Reads the grid of one head out of a `MaskTable`.
struct MaskGrid {
    private let states: String
    private let columns: String
    private let bits: String
    private let tile: AttentionTile

    init(_ w: inout FunctionWriter, table: String, head: String, tile: AttentionTile) {
        func word(_ w: inout FunctionWriter, _ index: String) -> String {
            let loaded = w.value("load i32, ptr \(w.address(table, "i32", index)), align 4")
            return w.value("zext i32 \(loaded) to i64")
        }
        self.tile = tile
        columns = word(&w, "0")
        bits = w.address(table, "i32", word(&w, "1"))
        states = w.address(table, "i32", word(&w, w.add(head, "\(MaskTable.headerCount)")))
    }

    /// The state (i32) of the tile that starts at row `row` and key `key` of the sequence.
    func state(_ w: inout FunctionWriter, row: String, key: String) -> String {
        let block = w.mul(w.value("udiv i64 \(row), \(tile.queries)"), columns)
        let index = w.add(block, w.value("udiv i64 \(key), \(tile.keys)"))
        return w.value("load i32, ptr \(w.address(states, "i32", index)), align 4")
    }

    /// Whether any of the tiles of the block of queries at `row`, from key `from` up to `to`, keeps something (i1).
    func hasTiles(_ w: inout FunctionWriter, row: String, from: String, to: String) -> String {
        let states = w.loop(
            from: from, to: to, by: tile.keys,
            carrying: [(type: "i32", initial: "\(MaskTable.State.empty)")]
        ) { w, key, states in
            [w.value("or i32 \(states[0]), \(state(&w, row: row, key: key))")]
        }
        return w.value("icmp ne i32 \(states[0]), \(MaskTable.State.empty)")
    }

    /// Where the bits of a tile with a partial state start.
    func bits(_ w: inout FunctionWriter, state: String) -> String {
        let number = w.value("zext i32 \(w.value("sub i32 \(state), \(MaskTable.State.partial)")) to i64")
        return w.address(bits, "i8", w.mul(number, "\(tile.queries * tile.keys / 8)"))
    }
}

/// The state of a tile of scores (`nil` without a mask), and the first of its rows that are worked on.
struct TilePlace {
    let state: String?
    let row: String
}

extension AttentionTemplate {
    /// Runs `body` with the state of a tile, unless the mask keeps nothing of it; without a mask always, with `nil`.
    func whenTile(
        _ w: inout FunctionWriter, _ part: Part, row: String, key: String,
        otherwise: (inout FunctionWriter) -> Void = { _ in },
        _ body: (inout FunctionWriter, _ state: String?) -> Void
    ) {
        guard let mask = part.mask else { return body(&w, nil) }
        let state = mask.state(&w, row: row, key: key)
        let isEmpty = w.value("icmp eq i32 \(state), \(MaskTable.State.empty)")
        w.when(isEmpty, otherwise)
        w.when(w.value("xor i1 \(isEmpty), true")) { w in body(&w, state) }
    }

    /// Runs `body` when the mask keeps something of the block of keys at `key` for `count` rows from `first` on.
    func whenTiles(
        _ w: inout FunctionWriter, _ part: Part, first: String, count: String, key: String,
        _ body: (inout FunctionWriter) -> Void
    ) {
        guard let mask = part.mask else { return body(&w) }
        let states = w.loop(
            from: "0", to: count, by: tile.queries,
            carrying: [(type: "i32", initial: "\(MaskTable.State.empty)")]
        ) { w, row, states in
            [w.value("or i32 \(states[0]), \(mask.state(&w, row: w.add(first, row), key: key))")]
        }
        w.when(w.value("icmp ne i32 \(states[0]), \(MaskTable.State.empty)"), body)
    }

    /// Gives the keys of a partial tile that the mask excludes the score -infinity.
    func excludeMasked(
        _ w: inout FunctionWriter, _ part: Part, _ place: TilePlace, rows: String, vectors: String
    ) {
        guard let mask = part.mask, let state = place.state else { return }
        let scores = scratch(&w, .scores)
        w.when(w.value("icmp uge i32 \(state), \(MaskTable.State.partial)")) { w in
            let row = w.mul(place.row, "\(tile.keys / 8)")
            let bits = w.address(mask.bits(&w, state: state), "i8", row)
            w.loop(from: "0", to: rows, by: 1) { w, row, _ in
                w.loop(from: "0", to: w.mul(vectors, "\(tile.lanes)"), by: tile.lanes) { w, column, _ in
                    let place = scoreAddress(&w, scores, row, column)
                    let isKept = keep.mask(&w, bits: bits, row: row, column: column)
                    let score = v.select(&w, isKept, .f32, loadVector(&w, place), v.float(-.infinity))
                    storeVector(&w, score, place)
                    return []
                }
                return []
            }
        }
    }
}
