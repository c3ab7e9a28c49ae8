/// The generator behind shuffling: SplitMix64 (Steele, Lea and Flood, 2014).
///
/// `state += 0x9E3779B97F4A7C15`, then the state goes through a 64-bit mixer. Its output depends on the seed
/// only, on every machine and in every version.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// The stream of one epoch: seeds and epochs are mixed so that neighbours share nothing.
    package init(seed: UInt64, epoch: Int) {
        var bySeed = SplitMix64(seed: seed)
        var byEpoch = SplitMix64(seed: bySeed.next() ^ UInt64(bitPattern: Int64(epoch)))
        state = byEpoch.next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A uniform number in `0..<bound` (Lemire's multiplication with rejection); `bound` is positive.
    package mutating func next(below bound: Int) -> Int {
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        let threshold = (0 &- bound) % bound
        while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
        return Int(product.high)
    }

    /// A uniform number in [0, 1).
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Fisher-Yates from the end, written out here so that the order never depends on the standard library.
    package mutating func shuffle<Element>(_ elements: inout [Element]) {
        for last in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(last, next(below: last + 1))
        }
    }
}
