import Support

/// Strings that occur in several places of some words: those that are followed by different characters, which are the
/// inner nodes of the words' suffix tree, as SentencePiece (esaxx) finds them. A word's end counts as one character.
struct SubstringSeeds {
    /// A string, and in how many places it occurs.
    struct Seed {
        /// Places in `scalars`.
        let range: Range<Int>
        let count: Int
        /// Its place in the order of code points.
        fileprivate let rank: Int

        /// How many characters of the words it covers.
        var score: Int { count * range.count }
    }

    /// The words with a zero after each.
    let scalars: [UInt32]
    /// By score, the greatest first; of equal ones the last in the order of code points comes first.
    let seeds: [Seed]

    /// - Parameters:
    ///   - maxLength: the greatest length of a string in characters; the least is 2.
    ///   - limit: how many strings are kept.
    init(_ words: [String], maxLength: Int, limit: Int, _ runner: some TaskRunner) {
        var scalars: [UInt32] = []
        for word in words {
            scalars += word.unicodeScalars.lazy.map(\.value)
            scalars.append(0)
        }
        var byFirst: [UInt32: [Int32]] = [:]
        for (place, scalar) in scalars.enumerated() where scalar != 0 {
            byFirst[scalar, default: []].append(Int32(place))
        }
        let groups = byFirst.sorted { $0.key < $1.key }.map(\.value)
        var firstRanks = [0]
        for group in groups { firstRanks.append(firstRanks[firstRanks.count - 1] + group.count) }
        let found = scalars.withUnsafeBufferPointer { scalars in
            let sorter = SuffixSorter(text: scalars, maxLength: maxLength)
            return runner.map(groups.count) { sorter.seeds(startingAt: groups[$0], rank: firstRanks[$0]) }
        }
        let sorted = found.joined().sorted {
            ($1.score, $1.rank, $1.range.count) < ($0.score, $0.rank, $0.range.count)
        }
        self.scalars = scalars
        seeds = Array(sorted.prefix(limit))
    }
}

/// Sorts suffixes and finds what they have in common.
private struct SuffixSorter {
    let text: UnsafeBufferPointer<UInt32>
    let maxLength: Int

    /// A suffix with its first three characters.
    private struct Suffix {
        let start: UInt64
        let place: Int32
    }

    /// The strings that some suffixes, which start with the same character, have in common.
    ///
    /// - Parameter rank: how many suffixes come before these.
    func seeds(startingAt places: [Int32], rank: Int) -> [SubstringSeeds.Seed] {
        var suffixes = places.map { Suffix(start: start(at: Int($0)), place: $0) }
        suffixes.sort { $0.start != $1.start ? $0.start < $1.start : precedes(Int($0.place), Int($1.place)) }
        var result: [SubstringSeeds.Seed] = []
        /// Strings that the last suffixes have in common, the shorter first: where the first of those is.
        var open: [(first: Int, length: Int)] = [(0, 0)]
        for index in 1...suffixes.count {
            let common =
                index < suffixes.count
                ? commonLength(Int(suffixes[index - 1].place), Int(suffixes[index].place)) : 0
            var first = index - 1
            while let last = open.last, last.length > common {
                open.removeLast()
                first = last.first
                guard (2...maxLength).contains(last.length) else { continue }
                let start = Int(suffixes[first].place)
                result.append(
                    SubstringSeeds.Seed(
                        range: start..<(start + last.length), count: index - first, rank: rank + first))
            }
            if let last = open.last, last.length < common { open.append((first, common)) }
        }
        return result
    }

    private func start(at place: Int) -> UInt64 {
        var result: UInt64 = 0
        var end = place
        for _ in 0..<3 {
            result = result << 21 | UInt64(text[end])
            if text[end] != 0 { end += 1 }
        }
        return result
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        for offset in 0...maxLength {
            let (a, b) = (text[left + offset], text[right + offset])
            if a != b { return a < b }
            if a == 0 { break }
        }
        return left < right
    }

    /// How many characters two suffixes have in common; more than `maxLength` when a word's end is one of them.
    private func commonLength(_ left: Int, _ right: Int) -> Int {
        for offset in 0...maxLength {
            guard text[left + offset] == text[right + offset] else { return offset }
            if text[left + offset] == 0 { break }
        }
        return maxLength + 1
    }
}
