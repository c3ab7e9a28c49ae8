import GraphIR

/// Which tiles of the scores of a sequence have keys that the mask keeps, and which keys those are.
///
/// As 32-bit words: the number of key blocks, the word at which the first tile of bits stands, then for each head the
/// word at which its grid stands; then the grids [query block][key block], one for each different pattern, with a
/// state in each word; then the tiles of bits [queries][keys], from a multiple of 64 bytes on. Equal tiles stand once,
/// so patterns that repeat take memory for their period only. A grid serves any sequence up to `length` tokens.
package struct MaskTable: Sendable {
    /// The state of a tile; from `partial` on its bits are those of tile `state - partial`.
    package enum State {
        package static let empty: UInt32 = 0
        package static let full: UInt32 = 1
        package static let partial: UInt32 = 2
    }

    /// Tiles of all heads together.
    package struct Counts: Hashable, Sendable {
        package internal(set) var empty = 0
        package internal(set) var full = 0
        package internal(set) var partial = 0

        /// The share of tiles that are not empty, 1 of no tiles.
        package var work: Double {
            let all = empty + full + partial
            return all == 0 ? 1 : Double(full + partial) / Double(all)
        }
    }

    package let length: Int
    package private(set) var words: [UInt32]
    package private(set) var counts = Counts()

    /// Words before the grids of the heads are named.
    package static let headerCount = 2

    package init(_ schedule: MaskSchedule, length: Int) {
        self.length = length
        let tile = schedule.tile
        let (rows, columns) = (
            (length + tile.queries - 1) / tile.queries, (length + tile.keys - 1) / tile.keys
        )
        words = [UInt32(columns), 0]
        words += Array(repeating: 0, count: schedule.heads)
        var bits = TileBits()
        var grids: [MaskPattern: (start: Int, counts: Counts)] = [:]
        for head in 0..<schedule.heads {
            let pattern = schedule.mask.pattern(head: head)
            if grids[pattern] == nil {
                let start = words.count
                var own = Counts()
                for block in 0..<rows {
                    let states = Self.states(pattern, schedule.tile, block: block, length: length, &bits)
                    own.empty += states.count { $0 == State.empty }
                    own.full += states.count { $0 == State.full }
                    own.partial += states.count { $0 >= State.partial }
                    words += states
                }
                grids[pattern] = (start, own)
            }
            guard let grid = grids[pattern] else { continue }
            words[Self.headerCount + head] = UInt32(grid.start)
            counts.empty += grid.counts.empty
            counts.full += grid.counts.full
            counts.partial += grid.counts.partial
        }
        words += Array(repeating: 0, count: (16 - words.count % 16) % 16)
        words[1] = UInt32(words.count)
        words.reserveCapacity(words.count + 2 * bits.words.count)
        for word in bits.words {
            words.append(UInt32(truncatingIfNeeded: word))
            words.append(UInt32(truncatingIfNeeded: word >> 32))
        }
    }

    /// The different tiles of bits, one behind another.
    private struct TileBits {
        var words: [UInt64] = []
        private var numbers: [[UInt64]: UInt32] = [:]

        mutating func number(of tile: [UInt64]) -> UInt32 {
            if let known = numbers[tile] { return known }
            let number = UInt32(numbers.count)
            numbers[tile] = number
            words += tile
            return number
        }
    }

    /// The states of one block of queries. Pairs beyond `length` count neither as kept nor as excluded.
    private static func states(
        _ pattern: MaskPattern, _ tile: AttentionTile, block: Int, length: Int, _ bits: inout TileBits
    ) -> [UInt32] {
        let width = tile.keys / 64
        let columns = (length + tile.keys - 1) / tile.keys
        let queries = block * tile.queries..<min(length, (block + 1) * tile.queries)
        let rows = queries.map { query in
            var row = Array(repeating: UInt64(0), count: columns * width)
            pattern.setKeys(of: query, below: length, in: &row)
            return row
        }
        return (0..<columns).map { column in
            let (first, end) = (column * width, (column + 1) * width)
            let real = (first..<end).map { word -> UInt64 in
                let count = min(64, max(0, length - word * 64))
                return count == 64 ? .max : (1 << count) - 1
            }
            if rows.allSatisfy({ row in (first..<end).allSatisfy { row[$0] == 0 } }) { return State.empty }
            if rows.allSatisfy({ row in (first..<end).allSatisfy { row[$0] == real[$0 - first] } }) {
                return State.full
            }
            let missing = Array(repeating: UInt64(0), count: (tile.queries - rows.count) * width)
            return State.partial + bits.number(of: rows.flatMap { $0[first..<end] } + missing)
        }
    }
}
