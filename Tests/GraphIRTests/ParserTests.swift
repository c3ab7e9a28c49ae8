import GraphIR
import Testing

@Suite("Parser and printer")
struct ParserTests {
    /// One of every op, each kind of attribute, and names and labels that need escapes.
    static func everything() throws -> Graph {
        try GraphBuilder.build("every \"op\" \\ \n\t\r é 汉") { g in
            let (t, s): (Dimension, Dimension) = ("tokens", "sequences")
            let x = g.input("x \"quoted\"", .f32, [t, 2, 4])
            let (offsets, lengths) = (g.input("offsets", .i32, [s + 1]), g.input("lengths", .i32, [s]))
            let (ids, rng) = (g.input("ids", .i32, [t]), g.input("rng", .i64, [2]))
            let table = g.parameter("table", [9, 8], role: .frozen)
            let state = ["p", "m", "v"].map { g.parameter($0, [8], role: $0 == "p" ? .trainable : .state) }
            let flat = x.reshaped([t, 8])
            for function in UnaryFunction.allCases where function != .not {
                _ = flat.map(function)
                _ = g.apply(.unaryGradient(function), [flat, flat])
            }
            for function in BinaryFunction.allCases where function != .and && function != .or {
                _ = g.binary(function, flat, state[0])
            }
            let masks = Comparison.allCases.map { g.compare($0, flat, g.scalar(-0.0)) }
            let mask = g.binary(.or, g.binary(.and, masks[0], masks[1]), masks[2].map(.not))
            _ = g.select(mask, flat, g.scalar(-.infinity))
            for element in ElementType.allCases where element != .i8 { _ = flat.cast(element) }
            _ = g.constant([1, 0.1, -2.5e-30, .infinity], .f32, [2, 2])
            _ = g.constant([], .i32, [0])
            _ = g.constant([7, -8], .i64, [2])
            _ = g.apply(.iota(type: TensorType(.i32, [t, 3]), axis: 1), [])
            _ = g.apply(.dimensionSize(.symbol("tokens", scale: 3, offset: -1)), [])
            _ = g.apply(.dimensionSize(5), [])
            _ = g.dropout(flat, rate: 0.1, rng: rng)
            _ = g.apply(.stochasticRound(stream: 7), [flat, rng])
            _ = flat.sum(keepDimensions: true)
            _ = flat.max(axes: [])
            _ = state[0].broadcast(to: [t, 8])
            _ = x.transposed([2, 0, 1])
            _ = offsets.slice(axis: 0, start: 1, size: s)
            _ = x.reshaped([t * 8]).reshaped([8, t])
            let wide = g.concatenate([flat, flat], axis: 1)
            _ = flat.matmul(wide, transposeLeft: true)
            let (bytes, scale) = flat.quantized()
            _ = bytes.matmul(bytes, transposeRight: true)
            _ = bytes.dequantized(row: scale, column: state[0])
            let scores = g.apply(.raggedMatmul(.scores, length: "length"), [x, x, offsets, lengths])
            _ = g.apply(.raggedMatmul(.context, length: "length"), [scores, x, offsets, lengths])
            _ = g.apply(.raggedMatmul(.transposed, length: "length"), [scores, x, offsets, lengths])
            _ = x.softmax(limits: ids)
            _ = g.apply(.softmaxGradient, [x, x])
            let (attention, rest) = (
                AttentionAttributes(scale: 0.35, rate: 0.1, stream: 77), [offsets, lengths, rng]
            )
            let attended = g.applyAll(.flashAttention(attention), [x, x, x] + rest)
            _ = g.applyAll(.flashAttentionGradient(attention), [x, x, x, x] + attended + rest)
            let bias = g.input("bias", .f32, [2, .symbol("n", scale: 2, offset: -1)])
            let biased = AttentionAttributes(scale: 0.35, bias: .distances, hasBiasGradient: true)
            _ = g.applyAll(
                .flashAttentionGradient(biased), [x, x, x, x] + attended + [offsets, lengths, bias])
            let norm = g.applyAll(.layerNorm(epsilon: 1e-12), [flat, state[0], state[1]])
            let statistics = g.applyAll(.rowStatistics(.layer, epsilon: 1e-5), [flat])
            _ = g.apply(.normalize(.layer), [flat] + statistics + [state[0], state[1]])
            _ = g.applyAll(.normGradient(.layer), [flat, flat, state[0], norm[1], norm[2]])
            let scaled = g.applyAll(.rmsNorm(epsilon: 1e-6), [flat, state[0]])
            let roots = g.apply(.rowStatistics(.rms, epsilon: 1e-5), [flat])
            _ = g.apply(.normalize(.rms), [flat, roots, state[0]])
            _ = g.applyAll(.normGradient(.rms), [flat, flat, state[0], scaled[1]])
            let loss = g.applyAll(.crossEntropy(ignoreIndex: -100), [flat, ids])
            _ = g.apply(.crossEntropyGradient(ignoreIndex: -100), [loss[0], flat, ids, loss[1]])
            let rows = g.scope("embeddings") { g.scope("a \"word\"") { table.gather(ids) } }
            _ = g.apply(.scatterAdd(rows: 9), [rows, ids])
            _ = g.applyAll(.coalesce(rows: 9), [ids])
            _ = rows.segmentSum(offsets: offsets, lengths: lengths)
                .segmentBroadcast(tokens: t, offsets: offsets, lengths: lengths)
            let scalars = [0.1, 0.2, 0.3, 1].map { g.scalar($0) }
            let updated = g.applyAll(.adamW(AdamWAttributes(weightDecay: 0)), [state[0]] + state + scalars)
            for (target, value) in zip(state, updated) { g.update(target, to: value) }
            g.output("rows", rows)
            g.output("rstd\n", norm[2])
        }
    }

    @Test("printing and parsing give the graph back")
    func roundTrip() throws {
        let graph = try Self.everything()
        #expect(try Graph(parsing: graph.description) == graph)
    }

    @Test("the graph of all ops has every op, printed with the attributes that the parser knows")
    func coverage() throws {
        let nodes = try Self.everything().nodes
        #expect(Set(nodes.map(\.op.mnemonic)) == Set(Op.attributeNames.keys))
        for node in nodes {
            let known = try #require(Op.attributeNames[node.op.mnemonic])
            #expect(node.op.attributes.allSatisfy { known.contains($0.name) }, "\(node.op.mnemonic)")
        }
    }

    @Test("hand-written text: names, comments, blanks and left-out types and flags")
    func handWritten() throws {
        let graph = try Graph(
            parsing: """
                // A comment before the graph.
                graph "by hand" {
                    %x = input { name = "x" } : f32[tokens , 4]   // a comment behind a node
                    %weight.0 = parameter {name="w",role=trainable}:f32[4,2*n+1] %h=matmul %x,%weight.0
                    %g = constant {value = 1} : f32[4]
                    %y, %mean, %rstd
                        = layer_norm %x, %g, %g {epsilon = 1}
                    output "h" %h output "mean" %mean
                }
                """)
        #expect(
            graph.description == """
                graph "by hand" {
                  %0 = input {name = "x"} : f32[tokens, 4]
                  %1 = parameter {name = "w", role = trainable} : f32[4, 2*n+1]
                  %2 = matmul %0, %1 {transpose_left = false, transpose_right = false} : f32[tokens, 2*n+1]
                  %3 = constant {value = 1.0} : f32[4]
                  %4, %4.1, %4.2 = layer_norm %0, %3, %3 {epsilon = 1.0} : f32[tokens, 4], f32[tokens], f32[tokens]
                  output "h" %2
                  output "mean" %4.1
                }

                """)
    }

    /// The body of a graph, the place of its mistake and a part of the message; the body starts at 2:1.
    @Test(
        "mistakes are named with their place",
        arguments: [
            ("%0 = matmull %0", "2:14", "'%0' is not defined before its use"),
            ("%0 = matmull", "2:6", "there is no op 'matmull'; did you mean 'matmul'?"),
            ("%0 = frobnicate", "2:6", "there is no op 'frobnicate'"),
            ("%0 = input {nam = \"x\"} : f32[2]", "2:6", "no attribute 'nam'; did you mean 'name'?"),
            ("%0 = input : f32[2]", "2:6", "attribute 'name' is missing"),
            ("%0 = input {name = 3} : f32[2]", "2:6", "attribute 'name' must be a string"),
            ("%0 = input {name = \"x\", name = \"y\"} : f32[2]", "2:25", "'name' stands twice"),
            ("%0 = input {name = \"x\"}", "2:6", "'input' needs one result type"),
            ("%0 = input {name = \"x\"} : f31[2]", "2:27", "did you mean 'f32'?"),
            ("%0 = input {name = \"x\"} : f32[2.5]", "2:31", "expected an extent or a symbol"),
            ("%0 = input {name = \"x\"} : f32[-2]", "2:6", "negative"),
            ("%0 = input {name = \"x\"} : f32[99999999999999999999]", "2:31", "fits 64 bits"),
            ("%0 = input {name = \"x\"} : f32[9223372036854775807, 2]", "2:6", "too large"),
            ("%0 = input {name = \"x\"} : f32[2*]", "2:33", "expected a symbol, got ']'"),
            ("%0 = input {name = \"x\"} : f32[n+m]", "2:33", "expected an integer behind the sign, got 'm'"),
            ("%0 = input {name = \"x} : f32[2]", "2:20", "expected a closing quote on the same line"),
            ("%0 = input {name = \"\\q\"} : f32[2]", "2:21", "expected one of"),
            ("%0 = constant {values = [1, true]} : f32[2]", "2:25", "expected a list of integers"),
            ("%0 = constant {value = 1, values = [1]} : f32[1]", "2:6", "not both"),
            ("%0 = constant {value = 1} : f32[2]\n%0 = exp %0", "3:1", "'%0' is defined twice"),
            ("%0, %1 = constant {value = 1} : f32[2]", "2:1", "has 1 results"),
            ("%x = constant {value = 1} : f32[2]\n%y = exp %xx", "3:10", "did you mean 'x'?"),
            (
                "%x = constant {value = 1} : f32[2]\n%y = compare %x, %x {is = gtt}", "3:6",
                "one of eq, ne, lt"
            ),
            ("%x = constant {value = 1} : f32[2] é", "2:36", "no token starts with this character"),
            ("% = constant", "2:2", "expected a name behind '%'"),
            ("outputs \"y\" %0", "2:1", "expected a node"),
            (
                "%x = constant {value = 1} : f32[2]\noutput y %x", "3:8",
                "expected the output's name in quotes, got 'y'"
            ),
            ("} graph", "2:3", "expected the end of the text, got 'graph'"),
            ("=", "2:1", "or '}', got '='"),
        ])
    func mistakes(body: String, place: String, message: String) {
        let text = "graph \"g\" {\n\(body)\n}"
        let error = #expect(throws: IRError.self) { try Graph(parsing: text, file: "g.ir") }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.place == "g.ir:\(place)")
        #expect(error.map { !"\($0)".contains("\n") } == true)
    }

    @Test("a text cut anywhere, or with any byte changed, parses or throws")
    func damage() throws {
        let text = Array(try Self.everything().description.utf8)
        // Without the last brace and newline every text is too short.
        for end in 0..<text.count - 2 where end < 1000 || end % 7 == 0 {
            let cut = String(decoding: text[..<end], as: UTF8.self)
            #expect(throws: IRError.self) { try Graph(parsing: cut) }
        }
        var random = Xorshift(state: 42)
        var parsed = 0
        for _ in 0..<1500 {
            var damaged = text
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let printable = UInt8.random(in: 0x20...0x7E, using: &random)
                let byte = Bool.random(using: &random) ? printable : UInt8.random(in: 0...255, using: &random)
                damaged[Int.random(in: damaged.indices, using: &random)] = byte
            }
            if let graph = try? Graph(parsing: String(decoding: damaged, as: UTF8.self)) {
                parsed += 1
                #expect(try Graph(parsing: graph.description).nodes.count == graph.nodes.count)
            }
        }
        #expect(parsed > 0)
    }

    @Test(
        "extreme numbers are refused or kept, never trapped on",
        arguments: [
            "{size}", "-{size}", "{size}*n", "n+{size}", "n-{size}", "{size}*n+{size}",
        ])
    func extremes(form: String) {
        for size in ["0", "1", "1099511627776", "9223372036854775807", "9223372036854775808"] {
            let dimension = form.replacing("{size}", with: size)
            let bodies = [
                "%x = input {name = \"x\"} : f32[\(dimension), 4, \(dimension), \(dimension)] %y = reshape %x {shape = [n]}",
                "%x = input {name = \"x\"} : f32[4] %y = slice %x {axis = 0, start = 0, size = \(dimension)}",
                "%x = input {name = \"x\"} : f32[4] %y = slice %x {axis = \(size), start = \(size), size = 1}",
                "%x = input {name = \"x\"} : f32[n] %y = broadcast %x {shape = [\(dimension), n]}",
                "%x = dimension_size {of = \(dimension)}",
                "%o = input {name = \"o\"} : i32[\(dimension)] %l = input {name = \"l\"} : i32[\(dimension)] "
                    + "%x = segment_sum %o, %o, %l",
            ]
            for body in bodies {
                let text = "graph \"g\" { \(body) }"
                if let graph = try? Graph(parsing: text) {
                    #expect((try? Graph(parsing: graph.description)) == graph)
                }
            }
        }
    }
}

/// Xorshift64 (Marsaglia, J. Stat. Soft. 8(14), 2003): the same damage in each run.
private struct Xorshift: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
