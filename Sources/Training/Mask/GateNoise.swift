import Foundation
import GraphCompiler

/// The noise of gates: the difference of two standard Gumbel numbers, which is logistic, log(u / (1 - u)) for u uniform
/// in (0, 1).
///
/// It is a function of (seed, step, row, gate) alone: u = (word + 1/2) / 2³², the word being number gate mod 4 of
/// Philox-4x32-7 with counter (gate / 4, row, 2³² - 1, low word of step) and the seed as key. Dropout's streams, which
/// stand in the third word, never get that far.
package enum GateNoise {
    /// Numbers for `rows` times `gates` gates.
    ///
    /// - Parameter firstRow: what the rows are counted from, so that the gates of different layers differ.
    package static func values(rows: Int, gates: Int, firstRow: Int, seed: Int, step: Int) -> [Float] {
        let key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        var values: [Float] = []
        values.reserveCapacity(rows * gates)
        for row in firstRow..<firstRow + rows {
            var words = SIMD4<UInt32>()
            for gate in 0..<gates {
                if gate % 4 == 0 {
                    let counter = SIMD4(
                        UInt32(truncatingIfNeeded: gate / 4), UInt32(truncatingIfNeeded: row), .max,
                        UInt32(truncatingIfNeeded: step))
                    words = Philox.words(counter: counter, key: key)
                }
                let u = (Double(words[gate % 4]) + 0.5) * 0x1p-32
                values.append(Float(log(u / (1 - u))))
            }
        }
        return values
    }
}
