/// bf16 and the tile product in plain code.
enum BF16Reference {
    /// To nearest, ties to even.
    static func rounded(_ x: Float) -> UInt16 {
        let bits = x.bitPattern
        return UInt16((bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }

    static func widened(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    /// The first `count` terms of a sum that approaches `x`.
    static func terms(_ x: Float, _ count: Int) -> [UInt16] {
        var rest = x
        return (0..<count).map { _ in
            let bits = rounded(rest)
            rest -= widened(bits)
            return bits
        }
    }

    /// `sum + left · right` of one tile as Intel's manual writes it: a chain of fused multiply-adds from zero
    /// for the even places and one for the odd, then sum + (even + odd). `left` is `[rows][pairs][2]`,
    /// `right` `[pairs][columns][2]`.
    static func tileProduct(
        _ sum: [Float], _ left: [UInt16], _ right: [UInt16], pairs: Int, columns: Int
    ) -> [Float] {
        let left = left.map { flushed(widened($0)) }
        let right = right.map { flushed(widened($0)) }
        return sum.indices.map { place in
            let (row, column) = (place / columns, place % columns)
            var (even, odd): (Float, Float) = (0, 0)
            for k in 0..<pairs {
                let (a, b) = ((row * pairs + k) * 2, (k * columns + column) * 2)
                even = flushed(even.addingProduct(left[a], right[b]))
                odd = flushed(odd.addingProduct(left[a + 1], right[b + 1]))
            }
            return flushed(flushed(sum[place]) + flushed(even + odd))
        }
    }

    /// Denormals are zero.
    private static func flushed(_ x: Float) -> Float { x.isSubnormal ? 0 * x : x }
}
