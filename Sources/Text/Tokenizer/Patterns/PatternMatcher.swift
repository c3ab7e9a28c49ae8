/// Runs a regular expression over a text.
struct PatternMatcher {
    private let program: PatternProgram
    private let text: UnsafeBufferPointer<UInt8>
    /// What is tried when something fails.
    private var stack: [Retry] = []
    /// Retries of the match that is looked for.
    private var retries = 0
    private let limit: Int
    /// Retries in the text until failures are remembered, at first and now.
    private let patience: Int
    private var retriesLeft: Int
    /// What is known to fail, once there were many retries.
    private var failures: PatternFailures?
    /// Whether a lookaround or an atomic group is being matched.
    private var depth = 0

    /// Oniguruma's limit for a match.
    static let retryLimit = 10_000_000

    /// The match needs more retries than there may be.
    struct TooManyRetries: Error {}

    private struct Retry {
        let place: Int
        let position: Int
        /// For a run: the shortest end that may still be tried, or the greatest length of a lazy one.
        var limit: Int
        var kind: Kind

        enum Kind {
            case plain, shorterRun
            case longerRun(set: Int)
        }
    }

    /// - Parameters:
    ///   - patience: retries before failures are remembered, which costs more than a few retries.
    ///   - limit: a match that needs more retries is given up.
    init(
        _ program: PatternProgram, _ text: UnsafeBufferPointer<UInt8>, patience: Int? = nil,
        limit: Int = retryLimit
    ) {
        self.limit = limit
        self.program = program
        self.text = text
        self.patience = patience ?? 1000 + 8 * text.count
        retriesLeft = self.patience
    }

    /// The end of the match that starts at `start`.
    ///
    /// - Throws: `TooManyRetries` when the text is one on which the expression backtracks without end.
    mutating func match(at start: Int) throws(TooManyRetries) -> Int? {
        retries = 0
        guard let end = try run(from: 0, at: start) else { return nil }
        if failures != nil {
            // The choices that led to the match are among them.
            failures = nil
            retriesLeft = patience
        }
        return end
    }

    private mutating func run(from first: Int, at start: Int) throws(TooManyRetries) -> Int? {
        let base = stack.count
        var place = first
        var position = start
        while true {
            if let next = try step(&place, position) {
                position = next
                if place < 0 {
                    stack.removeLast(stack.count - base)
                    return position
                }
                continue
            }
            guard let next = try retry(above: base) else { return nil }
            (place, position) = next
        }
    }

    /// Matches the body of a lookaround or an atomic group.
    private mutating func runBody(from first: Int, at start: Int) throws(TooManyRetries) -> Int? {
        depth += 1
        defer { depth -= 1 }
        return try run(from: first, at: start)
    }

    /// Carries out the instruction at `place` and moves it on, to -1 after a match.
    ///
    /// - Returns: the new position, or `nil` when the text does not fit.
    @inline(__always)
    private mutating func step(_ place: inout Int, _ position: Int) throws(TooManyRetries) -> Int? {
        switch program.instructions[place] {
        case .set(let set):
            guard position < text.count else { return nil }
            let (scalar, length) = UTF8Scalar.decode(text, at: position)
            guard program.sets[set].contains(scalar) else { return nil }
            place += 1
            return position + length
        case .run(let set, let minimum, let maximum, let greed):
            return runSet(set, minimum, maximum, greed, &place, position)
        case .fork(let first, let second):
            if remembers, failures?.enter(place, at: position) == false { return nil }
            stack.append(Retry(place: second, position: position, limit: 0, kind: .plain))
            place = first
            return position
        case .jump(let target):
            place = target
            return position
        case .assertion(let assertion):
            guard holds(assertion, at: position) else { return nil }
            place += 1
            return position
        case .look(let isNegated, let behind, let end):
            var start: Int? = position
            for _ in 0..<behind {
                start = start.flatMap { $0 > 0 ? UTF8Scalar.start(of: $0 - 1, in: text) : nil }
            }
            var isFound = false
            if let start { isFound = try runBody(from: place + 1, at: start) != nil }
            guard isFound != isNegated else { return nil }
            place = end
            return position
        case .atomic(let end):
            guard let next = try runBody(from: place + 1, at: position) else { return nil }
            place = end
            return next
        case .match:
            place = -1
            return position
        }
    }

    private mutating func runSet(
        _ set: Int, _ minimum: Int, _ maximum: Int, _ greed: PatternNode.Greed, _ place: inout Int,
        _ position: Int
    ) -> Int? {
        var position = position
        var count = 0
        var shortest = position
        let target = greed == .lazy ? minimum : maximum
        while count < target, position < text.count {
            let (scalar, length) = UTF8Scalar.decode(text, at: position)
            guard program.sets[set].contains(scalar) else { break }
            position += length
            count += 1
            if count == minimum { shortest = position }
        }
        guard count >= minimum else { return nil }
        if greed == .greedy, remembers {
            guard let end = failures?.nextEnd(ofRun: place, from: position, shortest, in: text) else {
                return nil
            }
            position = end
        }
        place += 1
        switch greed {
        case .greedy where position > shortest:
            stack.append(Retry(place: place, position: position, limit: shortest, kind: .shorterRun))
        case .lazy where maximum > minimum:
            let more = maximum == .max ? .max : maximum - minimum
            stack.append(
                Retry(place: place, position: position, limit: more, kind: .longerRun(set: set)))
        default: break
        }
        return position
    }

    /// The next thing to try of those above `base`: a fork's other way, or a run that is one scalar shorter or longer.
    private mutating func retry(above base: Int) throws(TooManyRetries) -> (place: Int, position: Int)? {
        try countRetry()
        while stack.count > base {
            let retry = stack.removeLast()
            var position = retry.position
            var limit = retry.limit
            switch retry.kind {
            case .plain: return (retry.place, position)
            case .shorterRun:
                position = UTF8Scalar.start(of: position - 1, in: text)
                if remembers {
                    let run = retry.place - 1
                    guard let end = failures?.nextEnd(ofRun: run, from: position, limit, in: text) else {
                        continue
                    }
                    position = end
                }
                guard position > limit else { return (retry.place, position) }
            case .longerRun(let set):
                guard position < text.count else { continue }
                let (scalar, length) = UTF8Scalar.decode(text, at: position)
                guard program.sets[set].contains(scalar) else { continue }
                position += length
                guard limit > 1 else { return (retry.place, position) }
                if limit < .max { limit -= 1 }
            }
            stack.append(Retry(place: retry.place, position: position, limit: limit, kind: retry.kind))
            return (retry.place, position)
        }
        return nil
    }

    /// Whether failures are remembered here.
    private var remembers: Bool { failures != nil && depth == 0 }

    @inline(__always)
    private mutating func countRetry() throws(TooManyRetries) {
        retries += 1
        guard retries <= limit else { throw TooManyRetries() }
        retriesLeft -= 1
        if retriesLeft == 0 { failures = PatternFailures(program, textCount: text.count) }
    }

    private func holds(_ assertion: PatternNode.Assertion, at position: Int) -> Bool {
        let newline = UInt8(ascii: "\n")
        return switch assertion {
        case .textStart: position == 0
        case .textEnd: position == text.count
        case .textEndOrLastLine:
            position == text.count || position == text.count - 1 && text[position] == newline
        case .lineStart: position == 0 || position < text.count && text[position - 1] == newline
        case .lineEnd: position == text.count || text[position] == newline
        case .wordBoundary: isWord(before: position) != isWord(at: position)
        case .noWordBoundary: isWord(before: position) == isWord(at: position)
        }
    }

    private func isWord(at position: Int) -> Bool {
        position < text.count
            && UnicodeClasses.isPatternWord(UTF8Scalar.decode(text, at: position).scalar)
    }

    private func isWord(before position: Int) -> Bool {
        position > 0 && isWord(at: UTF8Scalar.start(of: position - 1, in: text))
    }
}
