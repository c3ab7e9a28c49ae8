import Foundation
import GraphIR
import Interpreter
import Testing

@Suite("Ops: contractions, rows, indexing, dropout, optimiser")
struct RowOpTests {
    @Test(
        "matmul of [1 2 3; 4 5 6] and [1 0; 2 1; 0 3], each given plain or transposed",
        arguments: [false, true], [false, true])
    func matmul(left: Bool, right: Bool) throws {
        let a = left ? f32([1, 4, 2, 5, 3, 6], [3, 2]) : f32([1, 2, 3, 4, 5, 6], [2, 3])
        let b = right ? f32([1, 2, 0, 0, 1, 3], [2, 3]) : f32([1, 0, 2, 1, 0, 3], [3, 2])
        let c = try evaluate(.matmul(transposeLeft: left, transposeRight: right), [a, b])[0]
        #expect(c == f32([5, 11, 14, 23], [2, 2]))
    }

    @Test("matmul takes each batch by itself")
    func batchedMatmul() throws {
        let (a, b) = (f32([1, 2, 3, 4], [2, 1, 2]), f32([1, 1, 2, 0], [2, 2, 1]))
        #expect(
            try evaluate(.matmul(transposeLeft: false, transposeRight: false), [a, b])[0]
                == f32([3, 6], [2, 1, 1]))
    }

    /// Two sequences: rows 0 and 1, then row 3; row 2 is padding. One head of size 2.
    private let offsets = i32([0, 3, 4])
    private let lengths = i32([2, 1])
    private let a = f32([1, 2, 3, 4, 99, 99, 5, 6], [4, 1, 2])
    private let b = f32([1, 0, 1, 1, 99, 99, 2, 1], [4, 1, 2])

    @Test("ragged products stay within each sequence's real rows")
    func ragged() throws {
        func ragged(_ form: RaggedForm, _ left: HostTensor, _ right: HostTensor, length: Int) throws
            -> HostTensor
        {
            try evaluate(.raggedMatmul(form, length: .fixed(length)), [left, right, offsets, lengths])[0]
        }
        let scores = try ragged(.scores, a, b, length: 3)
        #expect(scores == f32([1, 3, 0, 3, 7, 0, 0, 0, 0, 16, 0, 0], [4, 1, 3]))
        // Columns beyond a sequence's length must not be read.
        let p = f32([1, 2, 9, 3, 4, 9, 9, 9, 9, 5, 9, 9], [4, 1, 3])
        #expect(try ragged(.context, p, b, length: 3) == f32([3, 2, 7, 4, 0, 0, 10, 5], [4, 1, 2]))
        // Y[0] = 1 b[0] + 3 b[1], Y[1] = 2 b[0] + 4 b[1], Y[3] = 5 b[3].
        #expect(try ragged(.transposed, p, b, length: 3) == f32([4, 3, 6, 4, 0, 0, 10, 5], [4, 1, 2]))
        let tooShort = #expect(throws: InterpreterError.self) { try ragged(.scores, a, b, length: 1) }
        #expect(tooShort?.message == "a sequence of 2 rows does not fit the length 1")
    }

    @Test(
        "sequences that do not fit are refused",
        arguments: [
            ([0, 3, 5], [2, 1], "sequence 1 has rows 3..<5, not within 0..<4"),
            ([0, 3, 2], [2, 0], "sequence 1 has rows 3..<2, not within 0..<4"),
            ([-1, 3, 4], [2, 1], "sequence 0 has rows -1..<3, not within 0..<4"),
            ([0, 3, 4], [2, 2], "sequence 1 has 2 real rows of 1"),
            ([0, 3, 4], [-1, 1], "sequence 0 has -1 real rows of 3"),
        ] as [([Double], [Double], String)])
    func badSegments(offsets: [Double], lengths: [Double], message: String) {
        let error = #expect(throws: InterpreterError.self) {
            try evaluate(.segmentSum, [f32([1, 2, 3, 4]), i32(offsets), i32(lengths)])
        }
        #expect(error?.message == message)
        #expect(error?.place == "%3 = segment_sum")
    }

    @Test("segment_sum and segment_broadcast leave padding out")
    func segments() throws {
        let x = f32([1, 2, 3, 4, 99, 99, 5, 6], [4, 2])
        #expect(try evaluate(.segmentSum, [x, offsets, lengths])[0] == f32([4, 6, 5, 6], [2, 2]))
        let spread = try evaluate(.segmentBroadcast(tokens: 4), [f32([7, 8]), offsets, lengths])[0]
        #expect(spread == f32([7, 7, 0, 8]))
    }

    @Test("softmax, with limits over leading axes")
    func softmax() throws {
        let e = exp(1.0)
        let x = f32([0, 1, 1, 1000, 1000, -1000], [2, 3])
        let free = try evaluate(.softmax, [x])[0].values
        #expect(close(free, [1 / (1 + 2 * e), e / (1 + 2 * e), e / (1 + 2 * e), 0.5, 0.5, 0]))
        #expect(
            close(
                try evaluate(.softmax, [x, i32([2, 0])])[0].values, [1 / (1 + e), e / (1 + e), 0, 0, 0, 0]))
        // One limit covers both heads of a token.
        let heads = f32(Array(repeating: 0, count: 8), [2, 2, 2])
        #expect(try evaluate(.softmax, [heads, i32([1, 5])])[0].values == [1, 0, 1, 0, 0.5, 0.5, 0.5, 0.5])
        let dx = try evaluate(.softmaxGradient, [f32([1, 2, 3]), f32([0.5, 0.25, 0.25])])[0].values
        #expect(close(dx, [-0.375, 0.0625, 0.3125]))
    }

    @Test("layer_norm and its gradient")
    func layerNorm() throws {
        // Row 0: mean 2, variance 8/3, with epsilon 4/3 the deviation is √(8/3 + 4/3) = 2.
        let x = f32([0, 2, 4, 1, 1, 1], [2, 3])
        let (gamma, beta) = (f32([1, 2, 3]), f32([0, 10, 20]))
        let results = try evaluate(.layerNorm(epsilon: 4.0 / 3), [x, gamma, beta])
        #expect(close(results[0].values, [-1, 10, 23, 0, 10, 20]))
        #expect(results[1] == f32([2, 1]))
        #expect(close(results[2].values, [0.5, 0.8660254038]))
        // Row 0: x̂ = (-1, 0, 1), g = dy gamma = (1, 2, 6), mean(g) = 3, mean(g x̂) = 5/3.
        let dy = f32([1, 1, 2, 1, 0, 0], [2, 3])
        let gradients = try evaluate(.normGradient(.layer), [dy, x, gamma, results[1], results[2]])
        let row1 = [2.0 / 3, -1.0 / 3, -1.0 / 3].map { $0 * 0.8660254038 }
        #expect(close(gradients[0].values, [-1.0 / 6, -0.5, 2.0 / 3] + row1))
        #expect(close(gradients[1].values, [-1, 0, 2]))
        #expect(close(gradients[2].values, [2, 1, 2]))
    }

    @Test("rms_norm and its gradient")
    func rmsNorm() throws {
        // Row 0: the mean of x² is 5, with epsilon 4 the root is 3; row 1: 12 and 4.
        let (x, gamma) = (f32([1, 3, -1, 3, 2, 2, 6, -2], [2, 4]), f32([1, 2, 3, 4]))
        let results = try evaluate(.rmsNorm(epsilon: 4), [x, gamma])
        #expect(
            close(results[0].values, [1.0 / 3, 2, -1, 4, 0.5, 1, 4.5, -2]) && results.count == 2)
        #expect(close(results[1].values, [1.0 / 3, 0.25]))
        // Row 0: x̂ = x / 3, g = dy gamma = (3, 0, 0, 0), mean(g x̂) = 1/4.
        let dy = f32([3, 0, 0, 0, 0, 0, 0, 4], [2, 4])
        let gradients = try evaluate(.normGradient(.rms), [dy, x, gamma, results[1]])
        // Row 1: x̂ = x / 4, g = (0, 0, 0, 16), mean(g x̂) = -2.
        let row1 = [1, 1, 3, 15].map { $0 / 4.0 }
        #expect(close(gradients[0].values, [35.0 / 36, -1.0 / 12, 1.0 / 36, -1.0 / 12] + row1))
        #expect(close(gradients[1].values, [1, 0, 0, -2]) && gradients.count == 2)
    }

    @Test("cross_entropy, with an ignored row, and its gradient")
    func crossEntropy() throws {
        let logits = f32([0, 0, 1, 1 + log(3), 5, 5], [3, 2])
        let labels = i32([1, 0, -100])
        let results = try evaluate(.crossEntropy(ignoreIndex: -100), [logits, labels])
        #expect(close(results[0].values, [log(2), log(4), 0]))
        #expect(close(results[1].values, [log(2), 1 + log(4), 5 + log(2)]))
        let dlogits = try evaluate(
            .crossEntropyGradient(ignoreIndex: -100), [f32([1, 2, 7]), logits, labels, results[1]])[0]
        #expect(close(dlogits.values, [0.5, -0.5, -1.5, 1.5, 0, 0]))
        let error = #expect(throws: InterpreterError.self) {
            try evaluate(.crossEntropy(ignoreIndex: -100), [logits, i32([1, 2, 0])])
        }
        #expect(error?.message == "label 2 of row 1 is not within 0..<2 and not -100")
    }

    @Test("gather, scatter_add and coalesce, and ids out of range")
    func gather() throws {
        let table = f32([1, 2, 3, 4, 5, 6], [3, 2])
        let rows = try evaluate(.gather, [table, i32([2, 0, 2, 1], [2, 2])])[0]
        #expect(rows == f32([5, 6, 1, 2, 5, 6, 3, 4], [2, 2, 2]))
        let sums = try evaluate(.scatterAdd(rows: 3), [f32([1, 2, 3, 4, 5, 6], [3, 2]), i32([2, 0, 2])])[0]
        #expect(sums == f32([3, 4, 0, 0, 6, 8], [3, 2]))
        // In the order of first places; rows that no id names have the number of ids.
        let numbers = try evaluate(.coalesce(rows: 4), [i32([2, 0, 2, 3, 0])])
        #expect(numbers == [i32([1, 5, 0, 2]), i32([0, 1, 0, 2, 1])])
        for id in [-1.0, 3] {
            let error = #expect(throws: InterpreterError.self) {
                try evaluate(.gather, [table, i32([0, id])])
            }
            #expect(
                error?.description
                    == "%2 = gather: id \(Int(id)) at index 1 is not within 0..<3, the rows of the table")
            #expect(throws: InterpreterError.self) {
                try evaluate(.scatterAdd(rows: 3), [f32([1]), i32([id])])
            }
            #expect(throws: InterpreterError.self) { try evaluate(.coalesce(rows: 3), [i32([id])]) }
        }
    }

    @Test("Philox-4x32-7 equals Random123's known answer")
    func philox() {
        let zero = Philox.words(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
        #expect(zero == SIMD4(0x5F6F_B709, 0x0D89_3F64, 0x4F12_1F81, 0x4F73_0A48))
        let ones = Philox.words(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
        #expect(ones == SIMD4(0x5207_DDC2, 0x4516_5E59, 0x4D8E_E751, 0x8C52_F662))
    }

    @Test("dropout keeps what the generator says, scaled; masks depend on seed, step, stream")
    func dropout() throws {
        let x = HostTensor.filled(3, .f32, [5, 8, 50])
        func run(stream: Int = 2, seed: Int = 77, step: Int = 4, rate: Double = 0.25) throws -> [Double] {
            try evaluate(.dropout(rate: rate, stream: stream), [x, .rng(seed: seed, step: step)])[0].values
        }
        let y = try run()
        for (index, value) in y.enumerated() {
            let keeps = Philox.keeps(
                row: index / 50, column: index % 50, stream: 2, seed: 77, step: 4, rate: 0.25)
            #expect(value == (keeps ? 4 : 0))
        }
        // 2,000 draws: the share of zeros is 0.25 ± 0.05 except with a chance of 1e-6.
        #expect(abs(Double(y.count { $0 == 0 }) / 2000 - 0.25) < 0.05)
        #expect(try run() == y)
        let others = [try run(stream: 3), try run(seed: 78), try run(seed: 77 + 1 << 32), try run(step: 5)]
        #expect(others.allSatisfy { $0 != y })
        #expect(try run(rate: 0) == x.values)
        #expect(try run(rate: 1.0.nextDown).count == 2000)
    }

    @Test("stochastic_round gives one of bf16's neighbours, on average the number itself")
    func stochasticRound() throws {
        let x: Double = 1 + 0.3 / 128
        let numbers = HostTensor.filled(x, .f32, [20, 200]).rounded
        func run(stream: Int = 2, seed: Int = 77, step: Int = 4) throws -> [Double] {
            try evaluate(.stochasticRound(stream: stream), [numbers, .rng(seed: seed, step: step)])[0].values
        }
        let y = try run()
        #expect(Set(y) == [1, 1 + 1.0 / 128])
        // 4,000 draws: the share of the upper one is 0.3 ± 0.04 except with a chance of 1e-7.
        #expect(abs(Double(y.count { $0 > 1 }) / 4000 - 0.3) < 0.04)
        #expect(try run() == y)
        let others = [try run(stream: 3), try run(seed: 78), try run(step: 5)]
        #expect(others.allSatisfy { $0 != y })
        let kept = HostTensor([0, -0.0, 1.5, -.infinity, .infinity, .nan] as [Float])
        let same = try evaluate(.stochasticRound(stream: 0), [kept, .rng(seed: 1, step: 1)])[0]
        #expect(same.values[..<5] == kept.values[..<5] && same.values[5].isNaN)
    }

    @Test("adamw is torch.optim.AdamW's step")
    func adamW() throws {
        // torch: p = 1, g = 0.5, lr 0.1, weight decay 0.1, betas (0.9, 0.99), eps 1e-8; two steps.
        let attributes = AdamWAttributes(beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1)
        var (p, m, v) = (f32([1]), f32([0]), f32([0]))
        for (step, gradient) in zip([1.0, 2], [0.5, -0.25]) {
            let scalars = [0.1, 1 - pow(0.9, step), 1 - pow(0.99, step), 0.5].map { HostTensor.scalar($0) }
            // The gradient arrives twice as large and is scaled by a half.
            let results = try evaluate(.adamW(attributes), [p, f32([gradient * 2]), m, v] + scalars)
            (p, m, v) = (results[0], results[1], results[2])
        }
        #expect(close(p.values, [0.8544300597], 1e-6))
        #expect(close(m.values, [0.02], 1e-6))
        #expect(close(v.values, [0.0031], 1e-6))
    }
}
