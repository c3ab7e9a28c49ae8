/// A part of a regular expression.
indirect enum PatternNode: Sendable, Equatable {
    /// How a repetition chooses its length.
    enum Greed: Sendable, Equatable { case greedy, lazy, possessive }

    enum Assertion: Sendable, Equatable {
        case textStart, textEnd, textEndOrLastLine, lineStart, lineEnd, wordBoundary, noWordBoundary
    }

    case set(ScalarSet)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repetition(PatternNode, Int, Int?, Greed)
    case assertion(Assertion)
    case lookAhead(PatternNode, isNegated: Bool)
    case lookBehind(PatternNode, isNegated: Bool)
    /// Once it has matched, it is not tried in another way.
    case atomic(PatternNode)

    /// How many scalars it matches at least.
    var minimum: Int {
        switch self {
        case .set: 1
        case .sequence(let nodes): nodes.reduce(0) { $0 + $1.minimum }
        case .alternatives(let nodes): nodes.map(\.minimum).min() ?? 0
        case .repetition(let node, let count, _, _): node.minimum * count
        case .assertion, .lookAhead, .lookBehind: 0
        case .atomic(let node): node.minimum
        }
    }

    /// About how many instructions it becomes, which repetitions hold as often as they repeat.
    var size: Int {
        switch self {
        case .set, .assertion, .repetition(.set, _, _, _): 1
        case .sequence(let nodes): nodes.reduce(0) { $0 + $1.size }
        case .alternatives(let nodes): nodes.reduce(0) { $0 + $1.size + 2 }
        case .repetition(let node, let least, let most, _): (node.size + 1) * (most ?? least + 1)
        case .lookAhead(let node, _), .lookBehind(let node, _), .atomic(let node): node.size + 2
        }
    }

    /// How many scalars it matches, if that is always the same number.
    var length: Int? {
        switch self {
        case .set: return 1
        case .sequence(let nodes):
            let lengths = nodes.compactMap(\.length)
            return lengths.count == nodes.count ? lengths.reduce(0, +) : nil
        case .alternatives(let nodes):
            let lengths = Set(nodes.map(\.length))
            return lengths.count == 1 ? lengths.first ?? nil : nil
        case .repetition(let node, let minimum, let maximum, _):
            return minimum == maximum ? node.length.map { $0 * minimum } : nil
        case .assertion, .lookAhead, .lookBehind: return 0
        case .atomic(let node): return node.length
        }
    }
}
