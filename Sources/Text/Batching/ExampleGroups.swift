/// Which sequences make up each example: one in most tasks, several where texts are compared with one another, such as
/// the texts of a pair or a triplet, the choices for a question, or the documents of a list.
///
/// The sequences of an example lie one after another, in the order of their roles.
package struct ExampleGroups: Sendable, Equatable {
    /// `[examples + 1]`: example `e` has the sequences `offsets[e]..<offsets[e + 1]`.
    package let offsets: [Int]

    /// So many examples of one sequence each.
    package init(singles count: Int) { offsets = Array(0...count) }

    /// So many examples with the same number of sequences each.
    package init(of size: Int, count: Int) { offsets = (0...count).map { $0 * size } }

    /// Examples with these numbers of sequences.
    package init(sizes: [Int]) {
        offsets = sizes.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    }

    /// The number of examples.
    package var count: Int { offsets.count - 1 }

    /// The sequences of an example.
    package subscript(example: Int) -> Range<Int> { offsets[example]..<offsets[example + 1] }
}

/// How large an example is.
package struct ExampleExtent: Sendable, Equatable {
    package let sequences: Int
    /// Real tokens of all its sequences.
    package let tokens: Int
    /// Tokens of its shortest and of its longest sequence.
    package let (shortest, longest): (Int, Int)

    package init(lengths: some Sequence<Int>) {
        var (sequences, tokens, shortest, longest) = (0, 0, Int.max, 0)
        for length in lengths {
            sequences += 1
            tokens += length
            (shortest, longest) = (min(shortest, length), max(longest, length))
        }
        self.sequences = sequences
        self.tokens = tokens
        (self.shortest, self.longest) = (sequences == 0 ? 0 : shortest, longest)
    }
}
