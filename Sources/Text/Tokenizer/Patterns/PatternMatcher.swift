/// Runs a regular expression over a text.
struct PatternMatcher {
    private let program: PatternProgram
    private let text: UnsafeBufferPointer<UInt8>
    /// What is tried when something fails.
    private var stack: [Retry] = []

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

    init(_ program: PatternProgram, _ text: UnsafeBufferPointer<UInt8>) {
        self.program = program
        self.text = text
    }

    /// The end of the match that starts at `start`.
    mutating func match(at start: Int) -> Int? { run(from: 0, at: start) }

    private mutating func run(from first: Int, at start: Int) -> Int? {
        let base = stack.count
        var place = first
        var position = start
        while true {
            if let next = step(&place, position) {
                position = next
                if place < 0 {
                    stack.removeLast(stack.count - base)
                    return position
                }
                continue
            }
            guard let next = retry(above: base) else { return nil }
            (place, position) = next
        }
    }

    /// Carries out the instruction at `place` and moves it on, to -1 after a match.
    ///
    /// - Returns: the new position, or `nil` when the text does not fit.
    @inline(__always)
    private mutating func step(_ place: inout Int, _ position: Int) -> Int? {
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
            let isFound = start.flatMap { run(from: place + 1, at: $0) } != nil
            guard isFound != isNegated else { return nil }
            place = end
            return position
        case .atomic(let end):
            guard let next = run(from: place + 1, at: position) else { return nil }
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
    private mutating func retry(above base: Int) -> (place: Int, position: Int)? {
        while stack.count > base {
            let retry = stack.removeLast()
            var position = retry.position
            var limit = retry.limit
            switch retry.kind {
            case .plain: return (retry.place, position)
            case .shorterRun:
                position = UTF8Scalar.start(of: position - 1, in: text)
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
