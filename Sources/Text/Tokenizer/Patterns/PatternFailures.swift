/// Choices of a regular expression that failed at places of a text, so that none is made twice: without it, expressions
/// such as `(a+)+$` take a time that is exponential in the length of the text.
///
/// A choice is going into a fork, or going on after a run that ends at some place. What follows depends on nothing but
/// the place, since there are no groups that are referred to. Choices within lookarounds and atomic groups are not
/// remembered: those that succeed there may have to be made again.
struct PatternFailures {
    /// The row of each instruction that is a choice; -1 for others.
    private let rows: [Int]
    /// Bits per row, one for each place of the text.
    private let width: Int
    private var bits: [UInt64]
    /// Of each run, the last stretch of ends that were all tried: from `low` to `end`.
    private var stretches: [(low: Int, end: Int)]

    /// No more bits are kept; such a text is searched without them.
    private static let limit = 1 << 28

    /// - Returns: `nil` when the text is too long.
    init?(_ program: PatternProgram, textCount: Int) {
        var rows: [Int] = []
        var count = 0
        for instruction in program.instructions {
            switch instruction {
            case .fork, .run:
                rows.append(count)
                count += 1
            case .set, .jump, .assertion, .look, .atomic, .match: rows.append(-1)
            }
        }
        guard count * (textCount + 1) <= PatternFailures.limit else { return nil }
        self.rows = rows
        width = textCount + 1
        bits = Array(repeating: 0, count: (count * width + 63) / 64)
        stretches = Array(repeating: (-1, -1), count: count)
    }

    /// Notes a choice.
    ///
    /// - Returns: false when it was made before.
    mutating func enter(_ place: Int, at position: Int) -> Bool {
        let bit = rows[place] * width + position
        let mask: UInt64 = 1 << UInt64(bit & 63)
        guard bits[bit >> 6] & mask == 0 else { return false }
        bits[bit >> 6] |= mask
        return true
    }

    /// The longest end of a greedy run that was not tried, and notes that it is.
    ///
    /// - Parameters:
    ///   - end: where the run ends at most, or that was tried.
    ///   - shortest: where it ends at least.
    mutating func nextEnd(
        ofRun place: Int, from end: Int, _ shortest: Int, in text: UnsafeBufferPointer<UInt8>
    ) -> Int? {
        let row = rows[place]
        var position = end
        var stretch = stretches[row]
        if stretch.end < end || stretch.low > end { stretch = (end, end) }
        position = min(position, stretch.low)
        while position >= shortest {
            stretch.low = position
            stretches[row] = stretch
            if enter(place, at: position) { return position }
            guard position > shortest else { return nil }
            position = UTF8Scalar.start(of: position - 1, in: text)
        }
        return nil
    }
}
