import Target

/// The IR of loops that do nothing but what a ceiling is about, with the signature of `KernelFunction.Entry`.
///
/// Results go to scratch, so that nothing is computed in vain. Loops over memory take a number of bytes that is a
/// multiple of `bytesPerRound`.
struct CeilingKernels {
    let target: Target
    /// f32 lanes of a vector.
    var lanes: Int { target.lanes }

    static let symbol = "ceiling"
    /// Independent sums of a multiply loop: more than latency times units (4 x 2), and few enough for 16 registers.
    static let sums = 12
    /// Vectors that a loop over memory takes at a time.
    static let vectors = 8
    /// What a worker's scratch must have at least, in bytes.
    static let scratchByteCount = 1 << 14

    var bytesPerRound: Int { Self.vectors * lanes * 4 }

    var vector: String { "<\(lanes) x float>" }
    private var integers: String { "<\(lanes) x i32>" }
    private static let parameters = "(ptr %buffers, ptr %dims, i64 %begin, i64 %end, ptr %scratch)"

    /// `text` once for each number below `count`, which replaces `#`; `$` is the number's place in bytes.
    func each(_ count: Int, _ text: String) -> String {
        (0..<count).map { number in
            text.split(separator: "#", omittingEmptySubsequences: false).joined(separator: "\(number)")
                .split(separator: "$", omittingEmptySubsequences: false)
                .joined(separator: "\(number * lanes * 4)")
        }.joined(separator: "\n")
    }

    /// A loop of `%rounds` rounds, which the entry block has to define.
    func loop(_ declarations: String, entry: String, phis: String, body: String, exit: String)
        -> String
    {
        """
        \(declarations)
        define void @\(Self.symbol)\(Self.parameters) nounwind "prefer-vector-width"="512" {
        entry:
        %tasks = sub i64 %end, %begin
        %size = load i64, ptr %dims
        \(entry)
        br label %loop
        loop:
        %i = phi i64 [ 0, %entry ], [ %next, %loop ]
        \(phis)
        \(body)
        %next = add i64 %i, 1
        %more = icmp slt i64 %next, %rounds
        br i1 %more, label %loop, label %done
        done:
        \(exit)
        ret void
        }
        """
    }

    func multiply(_ operand: String, declaration: String, product: String) -> String {
        loop(
            declaration,
            entry: """
                %rounds = mul i64 %tasks, %size
                %py = getelementptr i8, ptr %scratch, i64 64
                %x = load \(operand), ptr %scratch
                %y = load \(operand), ptr %py
                """,
            phis: each(Self.sums, "%sum# = phi \(vector) [ zeroinitializer, %entry ], [ %new#, %loop ]"),
            body: each(Self.sums, "%new# = call \(vector) \(product)"),
            exit: each(
                Self.sums,
                """
                %p# = getelementptr i8, ptr %scratch, i64 $
                store \(vector) %new#, ptr %p#, align 4
                """))
    }

    /// dims[0] rounds a task of `sums` vector multiply-adds.
    var fma: String {
        let name = "@llvm.fma.v\(lanes)f32"
        return multiply(
            vector, declaration: "declare \(vector) \(name)(\(vector), \(vector), \(vector))",
            product: "\(name)(\(vector) %x, \(vector) %y, \(vector) %sum#)")
    }

    /// The same on pairs of bf16, for targets that multiply them.
    var dot: String {
        switch target.architecture {
        case .x86: x86Dot
        }
    }

    /// Products of matrix registers of bf16, for targets that have them.
    var tiles: TileLoop {
        switch target.architecture {
        case .x86: x86Tiles
        }
    }

    /// A loop whose rounds multiply matrix registers.
    struct TileLoop {
        let ir: String
        /// What buffer 0 holds.
        let buffer: [UInt8]
        /// Multiply-adds of one round.
        let products: Int
    }

    /// `a = b + 3 c` over the tasks' shares of buffers a, b and c, dims[0] bytes each.
    func triad(isStreaming: Bool) -> String {
        let hint = isStreaming ? ", !nontemporal !0" : ""
        let text = loop(
            "",
            entry: """
                \(shareRounds)
                \(each(3, "%pb# = getelementptr ptr, ptr %buffers, i64 #\n%base# = load ptr, ptr %pb#"))
                %one = insertelement \(vector) poison, float 3.0, i64 0
                %s = shufflevector \(vector) %one, \(vector) poison, <\(lanes) x i32> zeroinitializer
                """,
            phis: "%o = phi i64 [ %first, %entry ], [ %onext, %loop ]",
            body: """
                \(each(
                Self.vectors,
                """
                %o# = add i64 %o, $
                %qa# = getelementptr i8, ptr %base0, i64 %o#
                %qb# = getelementptr i8, ptr %base1, i64 %o#
                %qc# = getelementptr i8, ptr %base2, i64 %o#
                %b# = load \(vector), ptr %qb#
                %c# = load \(vector), ptr %qc#
                %m# = fmul \(vector) %s, %c#
                %r# = fadd \(vector) %b#, %m#
                store \(vector) %r#, ptr %qa#\(hint)
                """))
                %onext = add i64 %o, \(bytesPerRound)
                """,
            exit: "")
        return text + "\n!0 = !{i32 1}"
    }

    /// Reads the tasks' shares of buffer 0, dims[0] bytes each.
    var read: String {
        reading(
            entry: """
                \(shareRounds)
                %base = load ptr, ptr %buffers
                """, next: "%onext = add i64 %o, \(bytesPerRound)")
    }

    /// Reads dims[0] bytes of scratch from the start, dims[1] times a task.
    var readAgain: String {
        reading(
            entry: """
                %prounds = getelementptr i64, ptr %dims, i64 1
                %times = load i64, ptr %prounds
                %base = getelementptr i8, ptr %scratch, i64 0
                %first = add i64 0, 0
                %once = udiv i64 %size, \(bytesPerRound)
                %each = mul i64 %once, %times
                %rounds = mul i64 %each, %tasks
                """,
            next: """
                %further = add i64 %o, \(bytesPerRound)
                %within = icmp ult i64 %further, %size
                %onext = select i1 %within, i64 %further, i64 0
                """)
    }

    /// Defines the first byte and the rounds of the tasks' share of a buffer.
    private var shareRounds: String {
        """
        %first = mul i64 %begin, %size
        %bytes = mul i64 %tasks, %size
        %rounds = udiv i64 %bytes, \(bytesPerRound)
        """
    }

    private func reading(entry: String, next: String) -> String {
        loop(
            "", entry: entry,
            phis: "%o = phi i64 [ %first, %entry ], [ %onext, %loop ]\n"
                + each(Self.vectors, "%sum# = phi \(integers) [ zeroinitializer, %entry ], [ %new#, %loop ]"),
            body: each(
                Self.vectors,
                """
                %o# = add i64 %o, $
                %q# = getelementptr i8, ptr %base, i64 %o#
                %v# = load \(integers), ptr %q#
                %new# = add \(integers) %sum#, %v#
                """) + "\n" + next,
            exit: each(
                Self.vectors,
                "%p# = getelementptr i8, ptr %scratch, i64 $\nstore \(integers) %new#, ptr %p#, align 4"))
    }
}
