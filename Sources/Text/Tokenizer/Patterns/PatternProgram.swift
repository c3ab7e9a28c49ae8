/// A regular expression as instructions of a backtracking matcher.
struct PatternProgram: Sendable {
    enum Instruction: Sendable {
        /// One scalar of a set.
        case set(Int)
        /// As many scalars of a set as there are, or as few as will do.
        case run(Int, minimum: Int, maximum: Int, PatternNode.Greed)
        /// Go on at the first place, and if that fails at the second.
        case fork(Int, Int)
        case jump(Int)
        case assertion(PatternNode.Assertion)
        /// The instructions up to `end` must match, or must not, here or so many scalars before.
        case look(isNegated: Bool, behind: Int, end: Int)
        /// The instructions up to `end` match in one way only.
        case atomic(end: Int)
        case match
    }

    private(set) var instructions: [Instruction] = []
    private(set) var sets: [ScalarSet] = []

    init(_ node: PatternNode) {
        add(node)
        instructions.append(.match)
    }

    private mutating func add(_ node: PatternNode) {
        switch node {
        case .set(let set): instructions.append(.set(index(of: set)))
        case .sequence(let nodes): for node in nodes { add(node) }
        case .alternatives(let nodes): add(alternatives: nodes[...])
        case .assertion(let assertion): instructions.append(.assertion(assertion))
        case .lookAhead(let node, let isNegated):
            enclose(node) { .look(isNegated: isNegated, behind: 0, end: $0) }
        case .lookBehind(let node, let isNegated):
            let length = node.length ?? 0
            enclose(node) { .look(isNegated: isNegated, behind: length, end: $0) }
        case .atomic(let node): enclose(node) { .atomic(end: $0) }
        case .repetition(let node, let minimum, let maximum, let greed):
            if case .set(let set) = node {
                let run = Instruction.run(
                    index(of: set), minimum: minimum, maximum: maximum ?? .max, greed)
                instructions.append(run)
            } else if greed == .possessive {
                add(.atomic(.repetition(node, minimum, maximum, .greedy)))
            } else {
                add(repeated: node, minimum, maximum, isLazy: greed == .lazy)
            }
        }
    }

    private mutating func index(of set: ScalarSet) -> Int {
        if let index = sets.firstIndex(of: set) { return index }
        sets.append(set)
        return sets.count - 1
    }

    private mutating func add(alternatives nodes: ArraySlice<PatternNode>) {
        guard let first = nodes.first else { return }
        guard nodes.count > 1 else { return add(first) }
        let fork = reserve()
        add(first)
        let jump = reserve()
        instructions[fork] = .fork(fork + 1, instructions.count)
        add(alternatives: nodes.dropFirst())
        instructions[jump] = .jump(instructions.count)
    }

    private mutating func add(repeated node: PatternNode, _ minimum: Int, _ maximum: Int?, isLazy: Bool) {
        for _ in 0..<minimum { add(node) }
        func fork(_ body: Int, _ end: Int) -> Instruction { isLazy ? .fork(end, body) : .fork(body, end) }
        guard let maximum else {
            let start = reserve()
            add(node)
            instructions.append(.jump(start))
            instructions[start] = fork(start + 1, instructions.count)
            return
        }
        var forks: [Int] = []
        for _ in minimum..<max(minimum, maximum) {
            forks.append(reserve())
            add(node)
        }
        for place in forks { instructions[place] = fork(place + 1, instructions.count) }
    }

    private mutating func enclose(_ node: PatternNode, _ make: (Int) -> Instruction) {
        let place = reserve()
        add(node)
        instructions.append(.match)
        instructions[place] = make(instructions.count)
    }

    private mutating func reserve() -> Int {
        instructions.append(.match)
        return instructions.count - 1
    }
}
