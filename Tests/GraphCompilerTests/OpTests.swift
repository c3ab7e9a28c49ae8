import GraphCompiler
import Interpreter
import Testing

/// Every op compiled and interpreted, at widths around the vector length, on each instruction set.
@Suite struct OpTests {
    /// Those that this machine has.
    static let instructionSets: [String] = CompilerOptions.instructionSets.filter { (name: String) in
        (try? Compiler(CompilerOptions(instructionSet: name, cache: .off))) != nil
    }
    static let widths = [1, 3, 8, 16, 17, 33, 100, 384]

    /// Every supported machine has AVX2: an empty list would make the suite check nothing.
    @Test func theLowestInstructionSetIsAmongThem() {
        #expect(Self.instructionSets.contains("avx2"))
    }

    private func check(
        _ label: String, _ inputs: [String: HostTensor], symbols: [String: Int] = [:],
        tolerance: Double = 2e-5,
        sourceLocation: SourceLocation = #_sourceLocation, _ body: (GraphBuilder) -> Void
    ) throws {
        let graph = try GraphBuilder.build(label) { body($0) }
        for set in Self.instructionSets {
            let options = CompilerOptions(instructionSet: set, threads: 2, cache: .off)
            try CompiledComparison(
                graph: graph, inputs: inputs, symbols: symbols, options: options, tolerance: tolerance
            )
            .check("\(label) \(set)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: UnaryFunction.allCases)
    func unary(_ function: UnaryFunction) throws {
        var numbers = Numbers()
        let positive: Set<UnaryFunction> = [.log, .sqrt, .rsqrt]
        let range = positive.contains(function) ? (1e-3, 50.0) : (-6.0, 6.0)
        for width in [1, 17, 200] {
            if function == .not {
                try check("not", ["x": HostTensor((0..<width).map { $0 % 3 == 0 })]) { g in
                    g.output("y", g.input("x", .bool, [.fixed(width)]).map(.not))
                }
                continue
            }
            let x = numbers.tensor([3, width], range.0, range.1)
            try check(function.rawValue, ["x": x, "dy": numbers.tensor([3, width])]) { g in
                let x = g.input("x", .f32, ["rows", .fixed(width)])
                let dy = g.input("dy", .f32, ["rows", .fixed(width)])
                g.output("y", x.map(function))
                if [.relu, .gelu, .geluTanh, .silu].contains(function) {
                    g.output("dx", g.apply(.unaryGradient(function), [dy, x]))
                }
            }
        }
    }

    @Test func extremesOfUnaryFunctions() throws {
        let x = HostTensor([-.infinity, -200, -88, -1e-30, 0, 1e-30, 88, 200, .infinity, .nan] as [Float])
        try check("extremes", ["x": x]) { g in
            let x = g.input("x", .f32, [10])
            for function in [UnaryFunction.exp, .tanh, .erf, .sigmoid, .relu, .abs, .sign] {
                g.output(function.rawValue, x.map(function))
            }
            g.output("log", x.abs().log())
        }
    }

    @Test func anglesUpToTheGreatest() throws {
        var numbers = Numbers()
        let largest: Float = 0x1p20
        let edges = [0, -0.0, largest, -largest, largest.nextUp, .infinity, -.infinity, .nan]
        let multiples = (-40...40).map { Float(Double($0) * .pi / 4) }
        for x in [
            HostTensor(edges + multiples), numbers.tensor([400], -300, 300), numbers.tensor([400], -1e6, 1e6),
        ] {
            try check("angles", ["x": x]) { g in
                let x = g.input("x", .f32, ["n"])
                for function in [UnaryFunction.sin, .cos] { g.output(function.rawValue, x.map(function)) }
            }
        }
    }

    @Test(arguments: [BinaryFunction.add, .sub, .mul, .div, .max, .min, .pow])
    func binary(_ function: BinaryFunction) throws {
        var numbers = Numbers()
        let low = function == .pow ? 0.1 : -2.0
        let shapes: [([Dimension], [Int], [Dimension], [Int])] = [
            (["t", 33], [5, 33], ["t", 33], [5, 33]),
            (["t", 33], [5, 33], [33], [33]),
            (["t", 33], [5, 33], ["t", 1], [5, 1]),
            (["t", 33], [5, 33], [], []),
            (["t", 4, 17], [5, 4, 17], ["t", 1, 17], [5, 1, 17]),
            (["t", 4, 17], [5, 4, 17], [4, 1], [4, 1]),
            (["t", 4, 17], [5, 4, 17], ["t", 1, 1], [5, 1, 1]),
            (["t", 1], [5, 1], [33], [33]),
        ]
        for (left, leftShape, right, rightShape) in shapes {
            let inputs = [
                "a": numbers.tensor(leftShape, low, 2),
                "b": numbers.tensor(rightShape, function == .div ? 0.5 : low, 2),
            ]
            try check("\(function)", inputs) { g in
                g.output("y", g.binary(function, g.input("a", .f32, left), g.input("b", .f32, right)))
            }
        }
    }

    @Test func notANumberSpreadsThroughMinimumAndMaximum() throws {
        var values = [Float](repeating: 1, count: 40)
        values[21] = .nan
        try check("nan", ["x": HostTensor(values, shape: [2, 20])]) { g in
            let x = g.input("x", .f32, [2, 20])
            g.output("rows", x.max(axes: [1]))
            g.output("columns", x.max(axes: [0]))
            g.output("left", g.binary(.max, x, g.scalar(0)))
            g.output("right", g.binary(.min, g.scalar(0), x))
            g.output("cast", x.cast(.i32))
            g.output("saturated", (x * 1e20).cast(.i32))
        }
    }

    @Test func integerDivisionDoesNotTrap() throws {
        let graph = try GraphBuilder.build("division") { g in
            g.output("q", g.input("a", .i32, [4]) / g.input("b", .i32, [4]))
        }
        for set in Self.instructionSets {
            let compiler = try Compiler(CompilerOptions(instructionSet: set, cache: .off))
            let executor = try compiler.compile(graph, parameters: ParameterStore())
            let a = TensorData([7, Int32.min, -9, 5] as [Int32])
            let b = TensorData([0, -1, 2, -1] as [Int32])
            #expect(try executor.run(["a": a, "b": b])["q"]?.integers == [0, Int32.min, -4, -5])
        }
    }

    @Test(arguments: [ElementType.i32, .i64]) func integerPowers(_ element: ElementType) throws {
        let (a, b) = ([-3, -1, -1, 0, 1, 2, 2, 7, 5, -2], [3, -3, -4, 0, -9, 31, -1, 40, 2, 1])
        let inputs = [
            "a": HostTensor(element: element, shape: [10], values: a.map(Double.init)),
            "b": HostTensor(element: element, shape: [10], values: b.map(Double.init)),
        ]
        try check("powers", inputs) { g in
            g.output("y", g.binary(.pow, g.input("a", element, [10]), g.input("b", element, [10])))
        }
    }

    @Test func extremesOfPowers() throws {
        let inputs = [
            "a": HostTensor([1, -1, -1, 0, -2, 2, .nan, .infinity] as [Float]),
            "b": HostTensor([.nan, .infinity, 3, 2, 0.5, .infinity, 0, -1] as [Float]),
        ]
        try check("powers", inputs) { g in
            g.output("y", g.binary(.pow, g.input("a", .f32, [8]), g.input("b", .f32, [8])))
        }
    }

    @Test func integersComparisonsAndCasts() throws {
        var numbers = Numbers()
        let inputs = [
            "a": numbers.integers([37], -5..<5), "b": numbers.integers([37], -5..<5),
            "x": numbers.tensor([37], -3, 3),
        ]
        try check("integers", inputs) { g in
            let a = g.input("a", .i32, [37])
            let b = g.input("b", .i32, [37])
            let x = g.input("x", .f32, [37])
            for comparison in GraphIR.Comparison.allCases {
                g.output("int \(comparison)", g.compare(comparison, a, b))
                g.output("float \(comparison)", g.compare(comparison, x, b.cast(.f32)))
            }
            g.output("sum", a + b * a - b)
            g.output("least", g.binary(.min, a, b))
            g.output("truncated", x.cast(.i32))
            g.output("wide", a.cast(.i64))
            g.output("truth", a.cast(.bool))
            g.output("selected", g.select(g.compare(.lt, a, b), x, -x))
            g.output(
                "either", g.binary(.or, g.compare(.lt, a, b), g.compare(.gt, x, b.cast(.f32))).cast(.f32))
            g.output("bf16", x.cast(.bf16))
            g.output("f16", x.cast(.f16))
            g.output("back", x.cast(.bf16).cast(.f32))
            g.output("abs", a.abs())
            g.output("sign", a.sign())
        }
    }

    @Test(arguments: widths)
    func rows(_ width: Int) throws {
        var numbers = Numbers()
        let n = Dimension.fixed(width)
        let inputs = [
            "x": numbers.tensor([7, width], -4, 4), "dy": numbers.tensor([7, width]),
            "g": numbers.tensor([width]),
            "b": numbers.tensor([width]), "labels": numbers.integers([7], -1..<width),
            "dloss": numbers.tensor([7]), "limits": numbers.integers([7], 0..<(width + 1)),
        ]
        try check("rows", inputs) { g in
            let x = g.input("x", .f32, ["t", n])
            let dy = g.input("dy", .f32, ["t", n])
            let gamma = g.input("g", .f32, [n])
            let norm = g.applyAll(.layerNorm(epsilon: 1e-12), [x, gamma, g.input("b", .f32, [n])])
            for (index, result) in norm.enumerated() where width > 1 || index < 2 {
                g.output("norm\(index)", result)
            }
            let scaled = g.applyAll(.rmsNorm(epsilon: 1e-6), [x, gamma])
            let slopes = g.applyAll(.normGradient(.rms), [dy, x, gamma, scaled[1]])
            for (name, results) in [("rms", scaled), ("drms", slopes)] {
                for (index, result) in results.enumerated() { g.output("\(name)\(index)", result) }
            }
            if width > 1 {
                let gradients = g.applyAll(.normGradient(.layer), [dy, x, gamma, norm[1], norm[2]])
                for (index, result) in gradients.enumerated() { g.output("dnorm\(index)", result) }
            }
            let y = x.softmax()
            g.output("softmax", y)
            g.output("dsoftmax", g.apply(.softmaxGradient, [dy, y]))
            let limits = g.input("limits", .i32, ["t"])
            g.output("limited", x.softmax(limits: limits))
            let labels = g.input("labels", .i32, ["t"])
            let loss = g.applyAll(.crossEntropy(ignoreIndex: -1), [x, labels])
            g.output("loss", loss[0])
            g.output("lse", loss[1])
            let dloss = g.input("dloss", .f32, ["t"])
            g.output("dlogits", g.apply(.crossEntropyGradient(ignoreIndex: -1), [dloss, x, labels, loss[1]]))
        }
    }

    @Test(arguments: widths)
    func reductions(_ width: Int) throws {
        var numbers = Numbers()
        let n = Dimension.fixed(width)
        try check("reductions", ["x": numbers.tensor([5, 6, width])], tolerance: 1e-4) { g in
            let x = g.input("x", .f32, ["t", 6, n])
            for axes in [[], [0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]] {
                g.output("sum \(axes)", x.sum(axes: axes))
                g.output("max \(axes)", x.max(axes: axes, keepDimensions: true))
            }
            g.output("mean", x.mean())
            g.output("int", x.cast(.i32).sum(axes: [0]))
        }
    }

    @Test func shapes() throws {
        var numbers = Numbers()
        try check("shapes", ["x": numbers.tensor([5, 4, 17]), "r": numbers.tensor([17])]) { g in
            let x = g.input("x", .f32, ["t", 4, 17])
            for permutation in [[0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1], [1, 2, 0]] {
                g.output("transpose \(permutation)", x.transposed(permutation))
            }
            g.output("slice", x.slice(axis: 2, start: 3, size: 9))
            g.output("middle", x.slice(axis: 1, start: 1, size: 2))
            g.output("all but one", x.slice(axis: 0, start: 0, size: .symbol("t", offset: -1)))
            g.output("joined", g.concatenate([x, x * 2, x.slice(axis: 1, start: 0, size: 1)], axis: 1))
            g.output("wide", g.input("r", .f32, [17]).broadcast(to: ["t", 4, 17]))
            g.output("tall", x.slice(axis: 2, start: 0, size: 1).broadcast(to: ["t", 4, 5]))
            g.output("flat", x.reshaped([.symbol("t", scale: 68)]))
            for axis in 0..<3 {
                g.output(
                    "iota \(axis)", g.apply(.iota(type: TensorType(.i32, ["t", 4, 17]), axis: axis), []))
            }
            g.output("size", g.size("t"))
            g.output("dense", g.constant([1, 2, 3], .f32, [3]))
            g.output("zeros", g.zeros(like: x))
        }
    }

    @Test func indexing() throws {
        var numbers = Numbers()
        let inputs = [
            "table": numbers.tensor([11, 33]), "ids": numbers.integers([9], 0..<11),
            "x": numbers.tensor([9, 33]),
            "offsets": HostTensor([0, 3, 3, 9] as [Int32]), "lengths": HostTensor([2, 0, 6] as [Int32]),
            "s": numbers.tensor([3, 33]),
        ]
        try check("indexing", inputs) { g in
            let ids = g.input("ids", .i32, ["t"])
            let x = g.input("x", .f32, ["t", 33])
            g.output("gather", g.input("table", .f32, [11, 33]).gather(ids))
            g.output("scatter", g.apply(.scatterAdd(rows: 11), [x, ids]))
            let numbers = g.applyAll(.coalesce(rows: 11), [ids])
            g.output("slots", numbers[0])
            g.output("positions", numbers[1])
            let offsets = g.input("offsets", .i32, [.symbol("n", offset: 1)])
            let lengths = g.input("lengths", .i32, ["n"])
            g.output("segment", x.segmentSum(offsets: offsets, lengths: lengths))
            g.output(
                "spread",
                g.input("s", .f32, ["n", 33]).segmentBroadcast(
                    tokens: "t", offsets: offsets, lengths: lengths))
            g.output("counts", lengths.segmentBroadcast(tokens: "t", offsets: offsets, lengths: lengths))
        }
    }

    @Test(arguments: [
        (1, 1, 1), (5, 3, 7), (64, 48, 32), (65, 49, 33), (13, 100, 400), (130, 384, 70), (3, 2, 384),
    ])
    func matmul(_ m: Int, _ n: Int, _ k: Int) throws {
        for rows in [Dimension.fixed(m), "m"] { try matmul(.f32, rows, m, n, k) }
    }

    /// Depths that fill pairs and such that don't.
    @Test(arguments: [ElementType.bf16, .f16], [(1, 1, 1), (5, 3, 7), (65, 49, 33), (13, 100, 1000)])
    func lowPrecisionMatmul(_ element: ElementType, _ shape: (Int, Int, Int)) throws {
        try matmul(element, "m", shape.0, shape.1, shape.2)
    }

    private func matmul(_ element: ElementType, _ rows: Dimension, _ m: Int, _ n: Int, _ k: Int) throws {
        var numbers = Numbers()
        for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
            let inputs = [
                "a": numbers.tensor(left ? [k, m] : [m, k], element),
                "b": numbers.tensor(right ? [n, k] : [k, n], element),
            ]
            let label = "matmul \(element) \(m) \(n) \(k) \(left) \(right)"
            try check(label, inputs, tolerance: 1e-4) { g in
                let a = g.input("a", element, left ? [.fixed(k), rows] : [rows, .fixed(k)])
                let b = g.input("b", element, right ? [.fixed(n), .fixed(k)] : [.fixed(k), .fixed(n)])
                g.output("c", a.matmul(b, transposeLeft: left, transposeRight: right))
            }
            // A reduction over a symbolic extent, as in weight gradients.
            try check("\(label) over tokens", inputs, tolerance: 1e-4) { g in
                let a = g.input("a", element, left ? ["k", .fixed(m)] : [.fixed(m), "k"])
                let b = g.input("b", element, right ? ["n", "k"] : ["k", "n"])
                g.output("c", a.matmul(b, transposeLeft: left, transposeRight: right))
            }
        }
    }

    @Test func batchedMatmul() throws {
        var numbers = Numbers()
        for (left, right) in [(false, false), (false, true), (true, false), (true, true)] {
            for element in [ElementType.f32, .bf16, .f16] {
                for k in [39, 40] {
                    let inputs = [
                        "a": numbers.tensor(left ? [2, 3, k, 21] : [2, 3, 21, k], element),
                        "b": numbers.tensor(right ? [2, 3, 35, k] : [2, 3, k, 35], element),
                    ]
                    let depth = Dimension.fixed(k)
                    try check("batched \(element)", inputs, tolerance: 1e-4) { g in
                        let a = g.input("a", element, left ? ["b", 3, depth, 21] : ["b", 3, 21, depth])
                        let b = g.input("b", element, right ? ["b", 3, 35, depth] : ["b", 3, depth, 35])
                        g.output("c", a.matmul(b, transposeLeft: left, transposeRight: right))
                    }
                }
            }
        }
    }

    /// Rows of several matrices with one matrix, and what runs in its kernel; matrices of a batch of one.
    @Test func sharedMatmul() throws {
        var numbers = Numbers()
        for transposed in [false, true] {
            for element in [ElementType.f32, .bf16] {
                let inputs = [
                    "a": numbers.tensor([3, 7, 40], element),
                    "b": numbers.tensor(transposed ? [35, 40] : [40, 35], element),
                    "bias": numbers.tensor([35]), "residual": numbers.tensor([3, 7, 35]),
                    "mask": numbers.tensor([3, 1, 35]),
                ]
                try check("shared \(element) \(transposed)", inputs, tolerance: 1e-4) { g in
                    let a = g.input("a", element, ["b", "l", 40])
                    let b = g.input("b", element, transposed ? [35, 40] : [40, 35])
                    let bias = g.input("bias", .f32, [35])
                    let product = a.matmul(b, transposeRight: transposed)
                    let sum = (product + bias).gelu() + g.input("residual", .f32, ["b", "l", 35])
                    g.output("y", sum.layerNorm(gamma: bias, beta: bias, epsilon: 1e-5))
                    g.output("z", product * g.input("mask", .f32, ["b", 1, 35]))
                }
            }
            let single = ["a": numbers.tensor([1, 1, 4, 5]), "b": numbers.tensor([1, 1, 5, 3])]
            try check("batch of one", single, tolerance: 1e-4) { g in
                g.output("c", g.input("a", .f32, [1, 1, 4, 5]).matmul(g.input("b", .f32, [1, 1, 5, 3])))
            }
        }
    }

    /// Operands that repeat along more groups of axes than a kernel has loops.
    @Test func operandsThatRepeatInTurn() throws {
        var numbers = Numbers()
        let inputs = ["a": numbers.tensor([2, 1, 3, 1, 4]), "b": numbers.tensor([1, 5, 1, 6, 1])]
        let graph = try GraphBuilder.build("repeat") { g in
            g.output("c", g.input("a", .f32, [2, 1, "n", 1, 4]) + g.input("b", .f32, [1, 5, 1, 6, 1]))
        }
        for set in Self.instructionSets {
            // A pass writes them out.
            try CompiledComparison(
                graph: graph, inputs: inputs,
                options: CompilerOptions(instructionSet: set, threads: 2, cache: .off), tolerance: 1e-6,
                optimizes: true
            ).check(set)
        }
    }

    @Test(arguments: [(1, 8), (3, 32), (2, 33), (12, 64)])
    func ragged(_ heads: Int, _ size: Int) throws {
        var numbers = Numbers()
        let tokens = 95
        let inputs = [
            "q": numbers.tensor([tokens, heads, size]), "k": numbers.tensor([tokens, heads, size]),
            "p": numbers.tensor([tokens, heads, 70]),
            "offsets": HostTensor([0, 5, 5, 20, 90, 95] as [Int32]),
            "lengths": HostTensor([3, 0, 15, 70, 1] as [Int32]),
        ]
        try check("ragged", inputs, symbols: ["length": 70], tolerance: 1e-4) { g in
            let q = g.input("q", .f32, ["t", .fixed(heads), .fixed(size)])
            let k = g.input("k", .f32, ["t", .fixed(heads), .fixed(size)])
            let p = g.input("p", .f32, ["t", .fixed(heads), "length"])
            let segments = [
                g.input("offsets", .i32, [.symbol("n", offset: 1)]), g.input("lengths", .i32, ["n"]),
            ]
            g.output("scores", g.apply(.raggedMatmul(.scores, length: "length"), [q, k] + segments))
            g.output("context", g.apply(.raggedMatmul(.context, length: "length"), [p, k] + segments))
            g.output("transposed", g.apply(.raggedMatmul(.transposed, length: "length"), [p, q] + segments))
        }
    }

    @Test(arguments: [[6, 53], [3, 384], [2, 192], [1_000], [4_096]]) func stochasticRound(_ shape: [Int])
        throws
    {
        var numbers = Numbers()
        let inputs = ["x": numbers.tensor(shape), "rng": HostTensor.rng(seed: 0x1234_5678_9ABC, step: 77)]
        try check("rounding", inputs, tolerance: 0) { g in
            let x = g.input("x", .f32, shape.map(Dimension.fixed))
            let rng = g.input("rng", .i64, [2])
            g.output("y", g.apply(.stochasticRound(stream: 9), [x, rng]).cast(.f32))
        }
    }

    @Test func dropoutAndAdamW() throws {
        var numbers = Numbers()
        var inputs: [String: HostTensor] = ["rng": HostTensor.rng(seed: 0x1234_5678_9ABC, step: 77)]
        for name in ["x", "p", "g", "m"] { inputs[name] = numbers.tensor([6, 53]) }
        inputs["v"] = numbers.tensor([6, 53], 0, 1)
        for (name, value) in [("lr", 1e-2), ("c1", 0.1), ("c2", 0.001), ("scale", 0.5)] {
            inputs[name] = HostTensor.scalar(value).rounded
        }
        try check("dropout", inputs) { g in
            let x = g.input("x", .f32, ["t", 53])
            g.output("dropped", g.dropout(x, rate: 0.3, rng: g.input("rng", .i64, [2])))
            let p = g.parameter("p", [6, 53])
            let m = g.parameter("m", [6, 53], role: .state)
            let v = g.parameter("v", [6, 53], role: .state)
            let scalars = ["lr", "c1", "c2", "scale"].map { g.input($0, .f32, []) }
            let new = g.applyAll(
                .adamW(AdamWAttributes()), [p, g.input("g", .f32, [6, 53]), m, v] + scalars)
            for (target, value) in zip([p, m, v], new) { g.update(target, to: value) }
        }
    }
}
