// gather             rows of a table: operands (table [rows, …], ids i32[n…]), result [n…, …]
// scatter_add        its transpose: operands (updates [n, …], ids i32[n]), result [rows, …]; equal ids add up in
//                    the order of the updates
// coalesce           numbers the different ids in the order of their first places: operand ids i32[n] of a table with
//                    `rows` rows, results (slots i32[rows], positions i32[n]): the number of each row, n where no id
//                    names it, and the number of each id. A scatter_add to `positions` keeps only the rows that it
//                    touches, as torch.sparse's coalesce does, and a gather at `slots` reads them as a table
// segment_sum        sum over the real rows of each sequence: operands (x [tokens, …], offsets, lengths),
//                    result [sequences, …]; see ragged_matmul for offsets and lengths
// segment_broadcast  its transpose: each sequence's row at each of its real tokens, 0 at padding

extension Op {
    /// Rows of tables and of packed sequences.
    public enum Indexing: Hashable, Sendable {
        /// Rows of a table by ids.
        case gather
        /// The sum of the rows with each id, for a table of `rows` rows.
        case scatterAdd(rows: Dimension)
        /// The different ids, numbered in the order of their first places.
        case coalesce(rows: Dimension)
        /// The sum of each sequence's rows.
        case segmentSum
        /// Each sequence's row at each of its tokens.
        case segmentBroadcast(tokens: Dimension)
    }

    /// Operands: table [rows, …] and ids i32[n…]; result [n…, …].
    public static var gather: Op { .indexing(.gather) }
    /// Operands: updates [n, …] and ids i32[n]; result [rows, …], where updates with equal ids are added up in their order.
    public static func scatterAdd(rows: Dimension) -> Op { .indexing(.scatterAdd(rows: rows)) }
    package static func coalesce(rows: Dimension) -> Op { .indexing(.coalesce(rows: rows)) }
    /// Operands: x [tokens, …], offsets i32[sequences + 1] and lengths i32[sequences]; result [sequences, …].
    public static var segmentSum: Op { .indexing(.segmentSum) }
    /// Operands: x [sequences, …], offsets and lengths; result [tokens, …], 0 at padding.
    public static func segmentBroadcast(tokens: Dimension) -> Op {
        .indexing(.segmentBroadcast(tokens: tokens))
    }
}

extension Op.Indexing: OpFamily {
    private enum Row {
        static let gather = Spelling("gather") { .gather }
        static let scatterAdd = Spelling("scatter_add", .dimension("rows")) { .scatterAdd(rows: $0) }
        static let coalesce = Spelling("coalesce", .dimension("rows")) { .coalesce(rows: $0) }
        static let segmentSum = Spelling("segment_sum") { .segmentSum }
        static let segmentBroadcast = Spelling("segment_broadcast", .dimension("tokens")) {
            .segmentBroadcast(tokens: $0)
        }
    }

    static let spellings: [any OpSpelling] = [
        Row.gather, Row.scatterAdd, Row.coalesce, Row.segmentSum, Row.segmentBroadcast,
    ]

    var text: OpText {
        switch self {
        case .gather: Row.gather()
        case .scatterAdd(let rows): Row.scatterAdd(rows)
        case .coalesce(let rows): Row.coalesce(rows)
        case .segmentSum: Row.segmentSum()
        case .segmentBroadcast(let tokens): Row.segmentBroadcast(tokens)
        }
    }

    func types(_ operands: [TensorType]) throws(IRError) -> [TensorType] {
        guard let x = operands.first, x.rank >= 1 else {
            throw .type("needs a tensor with at least one axis")
        }
        let row = Array(x.shape.dropFirst())
        switch self {
        case .gather:
            try expect(operands, 2...2)
            guard operands[1].element == .i32 else { throw .type("ids must be i32, got \(operands[1])") }
            return [TensorType(x.element, operands[1].shape + row)]
        case .scatterAdd(let rows):
            try expect(operands, 2...2)
            guard operands[1] == TensorType(.i32, [x.shape[0]]), x.element.isFloat else {
                throw .type("needs float updates [n, …] and ids i32[n], got \(x) and \(operands[1])")
            }
            return [TensorType(x.element, [rows] + row)]
        case .coalesce(let rows):
            try expect(operands, 1...1)
            guard x.element == .i32, x.rank == 1 else { throw .type("needs ids i32[n], got \(x)") }
            return [TensorType(.i32, [rows]), x]
        case .segmentSum:
            try expect(operands, 3...3)
            try checkSegments(operands[1], operands[2])
            return [TensorType(x.element, operands[2].shape + row)]
        case .segmentBroadcast(let tokens):
            try expect(operands, 3...3)
            try checkSegments(operands[1], operands[2])
            guard x.shape[0] == operands[2].shape[0] else {
                throw .type("\(x) must have one row per sequence")
            }
            return [TensorType(x.element, [tokens] + row)]
        }
    }

    func gradients(_ rule: VJP) -> [Tensor?] {
        let (x, dy, g) = (rule.operands[0], rule.cotangent, rule.builder)
        guard x.type.element.isFloat else { return rule.operands.map { _ in nil } }
        switch self {
        case .gather:
            // ids of any rank are one list of rows to the scatter.
            let ids = rule.operands[1]
            guard let count = ids.shape.count == 1 ? ids.shape[0] : ids.flatExtent else {
                return [
                    g.fail(IRError("gradient", "ids of \(ids.type) can't be flattened to one axis")), nil,
                ]
            }
            let updates = dy.reshaped([count] + x.shape.dropFirst())
            return [g.apply(.scatterAdd(rows: x.shape[0]), [updates, ids.reshaped([count])]), nil]
        case .scatterAdd:
            return [g.apply(.gather, [dy, rule.operands[1]]), nil]
        case .segmentSum:
            return [g.apply(.segmentBroadcast(tokens: x.shape[0]), [dy] + rule.operands[1...]), nil, nil]
        case .segmentBroadcast:
            return [g.apply(.segmentSum, [dy] + rule.operands[1...]), nil, nil]
        case .coalesce:
            return [nil]
        }
    }

    func iteration(_ operands: [TensorType], _ results: [TensorType]) -> Iteration {
        switch self {
        case .gather:
            Iteration(operands[0].rank >= 2 ? .map : .opaque, over: results, columnAxis: operands[1].rank)
        case .scatterAdd, .coalesce, .segmentSum, .segmentBroadcast: Iteration(.opaque, over: results)
        }
    }

    var traits: OpTraits {
        OpTraits(
            results: results, merges: true, folding: .small, isElementWise: false, byAddress: byAddress,
            lowPrecision: 0..<0, integers: integers, work: work, word: nil, dropoutStream: nil)
    }

    private var results: Int {
        switch self {
        case .coalesce: 2
        case .gather, .scatterAdd, .segmentSum, .segmentBroadcast: 1
        }
    }

    private var byAddress: Range<Int> {
        switch self {
        case .gather: 0..<2
        case .scatterAdd, .coalesce, .segmentSum, .segmentBroadcast: 0..<0
        }
    }

    private var integers: [IntegerOperand] {
        switch self {
        case .gather: [IntegerOperand(1, .below(.axis(0, operand: 0)))]
        case .scatterAdd(let rows): [IntegerOperand(1, .below(.attribute(rows)))]
        case .coalesce(let rows): [IntegerOperand(0, .below(.attribute(rows)))]
        case .segmentSum: IntegerOperand.segments(at: 1, tokens: .axis(0, operand: 0))
        case .segmentBroadcast(let tokens): IntegerOperand.segments(at: 1, tokens: .attribute(tokens))
        }
    }

    private var work: OpTraits.Work {
        switch self {
        case .gather: .elements(2)
        case .scatterAdd, .coalesce, .segmentSum, .segmentBroadcast: .elements(10)
        }
    }
}
