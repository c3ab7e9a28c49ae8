/// Which keys a query may attend to: the same pattern for all heads of attention, or one for each.
///
/// Positions count from the start of a sequence, and a pattern does not depend on where the sequence ends: a shorter
/// sequence sees the upper left corner of what a longer one sees, whatever batch it is in.
public struct AttentionMask: Hashable, Sendable {
    /// One for all heads, or one per head.
    public let patterns: [MaskPattern]

    /// The same pattern for all heads.
    public init(_ pattern: MaskPattern) { patterns = [pattern] }

    /// - Precondition: there is a pattern.
    public init(heads patterns: [MaskPattern]) {
        precondition(!patterns.isEmpty, "a mask has a pattern")
        self.patterns = Set(patterns).count == 1 ? [patterns[0]] : patterns
    }

    package func pattern(head: Int) -> MaskPattern { patterns.count == 1 ? patterns[0] : patterns[head] }

    /// Whether the query at a position attends to the key at another one, both counted from 0 in their sequence.
    public func keeps(query: Int, key: Int, head: Int) -> Bool {
        pattern(head: head).keeps(query: query, key: key)
    }

    /// The longest sequence that the mask is for; `nil` when it is defined at any length.
    package var size: Int? {
        patterns.compactMap { if case .bits(let bits) = $0 { bits.size } else { nil } }.min()
    }

    /// Checks the parameters, and that attention of `heads` heads can have this mask.
    package func check(heads: Int) throws(IRError) {
        guard patterns.count == 1 || patterns.count == heads else {
            throw .type(
                "the mask has \(patterns.count) patterns for \(heads) heads; give one, or one per head")
        }
        for pattern in patterns { try pattern.check() }
    }
}

/// A pattern of kept (query, key) pairs, i being the query's position and j the key's.
public enum MaskPattern: Hashable, Sendable {
    /// j ≤ i
    case causal
    /// |i - j| ≤ w
    case window(Int)
    /// |i - j| ≤ w step, where step divides i - j
    case dilated(Int, step: Int)
    /// |i - j| < l, or l divides i - j (Child et al., arXiv:1904.10509, in both directions)
    case strided(Int)
    /// i and j in the same block of l, or j among the last c of any block (the same)
    case fixed(Int, last: Int)
    /// |i - j| ≤ w, or i or j is global (Beltagy et al., arXiv:2004.05150)
    case longformer(Int, globals: [Int])
    /// |i - j| is 0 or a power of two (Li et al., arXiv:1907.00235, in both directions)
    case logsparse
    /// As longformer, and `random` keys more for each query, drawn by `RandomKeys` (Zaheer et al., arXiv:2007.14062)
    case bigbird(Int, globals: [Int], random: Int, seed: Int)
    /// |i - j| ≤ 1, or i or j is 0 (Guo et al., arXiv:1902.09113)
    case star
    /// Pairs one by one, up to a length.
    case bits(MaskBits)
}

/// Keys `first`, `first + step`, … up to `last`.
struct KeyRun {
    var first: Int
    var last: Int
    var step = 1
}

extension MaskPattern {
    /// The keys below `length` that a query may attend to, in any order, some of them more than once.
    private func runs(of query: Int, below length: Int) -> [KeyRun] {
        func window(_ w: Int) -> KeyRun { KeyRun(first: query - w, last: query + w) }
        func single(_ key: Int) -> KeyRun { KeyRun(first: key, last: key) }
        func globalWindow(_ w: Int, _ globals: [Int]) -> [KeyRun] {
            globals.contains(query) ? [KeyRun(first: 0, last: length)] : [window(w)] + globals.map(single)
        }
        switch self {
        case .causal: return [KeyRun(first: 0, last: query)]
        case .window(let w): return [window(w)]
        case .dilated(let w, let step):
            return [KeyRun(first: query - w * step, last: query + w * step, step: step)]
        case .strided(let l): return [window(l - 1), KeyRun(first: query % l, last: length, step: l)]
        case .fixed(let l, let last):
            let block = query / l * l
            return [KeyRun(first: block, last: block + l - 1)]
                + (l - last..<l).map { KeyRun(first: $0, last: length, step: l) }
        case .longformer(let w, let globals): return globalWindow(w, globals)
        case .logsparse:
            let distances = sequence(first: 1) { $0 * 2 }.prefix { $0 < length }
            return [single(query)] + distances.flatMap { [single(query - $0), single(query + $0)] }
        case .bigbird(let w, let globals, let random, let seed):
            let keys = RandomKeys(count: random, seed: seed).keys(of: query)
            return globalWindow(w, globals) + keys.map(single)
        case .star: return globalWindow(1, [0])
        case .bits(let bits): return bits.runs(of: query)
        }
    }

    package func keeps(query: Int, key: Int) -> Bool {
        if case .bits(let bits) = self { return bits[query, key] }
        return runs(of: query, below: max(query, key) + 1).contains { run in
            run.first <= key && key <= run.last && (key - run.first) % run.step == 0
        }
    }

    /// Sets the bits of the keys below `length` that `query` may attend to: key j is bit j mod 64 of word j / 64.
    ///
    /// - Parameter words: all zero, enough for `length` bits.
    package func setKeys(of query: Int, below length: Int, in words: inout [UInt64]) {
        for run in runs(of: query, below: length) {
            let skipped = max(0, (run.step - 1 - run.first) / run.step)
            let first = run.first + skipped * run.step
            let last = min(run.last, length - 1)
            guard first <= last else { continue }
            guard run.step == 1 else {
                for key in stride(from: first, through: last, by: run.step) {
                    words[key / 64] |= 1 << (key % 64)
                }
                continue
            }
            for word in first / 64...last / 64 {
                var bits = UInt64.max
                if word == first / 64 { bits &= .max << (first % 64) }
                if word == last / 64 { bits &= .max >> (63 - last % 64) }
                words[word] |= bits
            }
        }
    }

    fileprivate func check() throws(IRError) {
        /// Positions stay far within 64 bits.
        let limit = 1 << 24
        func require(_ holds: Bool, _ problem: String) throws(IRError) {
            guard holds else { throw .type("mask \(self): \(problem)") }
        }
        switch self {
        case .causal, .logsparse, .star, .bits: break
        case .window(let w): try require(0...limit ~= w, "w must be 0 to \(limit)")
        case .dilated(let w, let step):
            try require(0...limit ~= w && 1...limit ~= step, "w must be 0 to \(limit), step 1 to \(limit)")
        case .strided(let l): try require(1...limit ~= l, "l must be 1 to \(limit)")
        case .fixed(let l, let last):
            try require(1...limit ~= l && 0...l ~= last, "l must be 1 to \(limit), c 0 to l")
        case .longformer(let w, let globals), .bigbird(let w, let globals, _, _):
            try require(
                0...limit ~= w && globals.allSatisfy { 0...limit ~= $0 },
                "w and globals must be 0 to \(limit)")
            if case .bigbird(_, _, let random, _) = self {
                try require(
                    0...RandomKeys.smallestSpan ~= random, "random must be 0 to \(RandomKeys.smallestSpan)")
            }
        }
    }
}
