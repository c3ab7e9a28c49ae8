/// Which end of a text gives up tokens when it is too long; HF's names.
package enum TruncationSide: String, Sendable, CaseIterable {
    case left, right

    /// The tokens that stay.
    func keep(_ count: Int, of ids: [Int32]) -> ArraySlice<Int32> {
        self == .left ? ids.suffix(count) : ids.prefix(count)
    }
}

/// Which text of a pair gives up tokens when both together are too long: Hugging Face's strategies of the same names.
public enum Truncation: String, Sendable, CaseIterable {
    case longestFirst = "longest_first"
    case onlyFirst = "only_first"
    case onlySecond = "only_second"
    /// A sequence that is too long is an error.
    case doNotTruncate = "do_not_truncate"

    /// How many tokens of text and pair stay so that both fit into `budget` tokens.
    ///
    /// `longestFirst` shortens the longer side to what the shorter one
    /// leaves; if that is not enough, both get half, and the longer one (the pair, if they are equal) the odd
    /// token.
    func lengths(
        text: Int, pair: Int?, budget: Int
    ) throws(TextError) -> (text: Int, pair: Int) {
        let second = pair ?? 0
        let excess = text + second - budget
        if self == .doNotTruncate || excess <= 0 { return (text, second) }
        if budget == 0 { return (0, 0) }
        switch self {
        case .longestFirst:
            guard pair != nil else { return (budget, 0) }
            var short = min(text, second)
            var long = max(short, budget - short)
            if short + long > budget {
                short = budget / 2
                long = budget - short
            }
            return text > second ? (long, short) : (short, long)
        case .onlyFirst:
            guard text > excess else { throw tooShort("text", text, excess) }
            return (text - excess, second)
        case .onlySecond:
            guard let pair else {
                throw TextError(
                    .cannotTruncate,
                    "truncation only_second needs a text pair; use longest_first for single texts")
            }
            guard pair > excess else { throw tooShort("second text", pair, excess) }
            return (text, pair - excess)
        case .doNotTruncate: return (text, second)
        }
    }

    private func tooShort(_ side: String, _ count: Int, _ excess: Int) -> TextError {
        TextError(
            .cannotTruncate,
            "truncation \(rawValue) must remove \(excess) tokens but the \(side) has only \(count); "
                + "use longest_first or a greater maxLength")
    }
}
