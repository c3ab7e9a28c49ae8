import GraphIR
import Interpreter
import Testing

/// One row of the gradient table: an expression of parameters, the range that they are drawn from, a
/// tolerance.
struct GradientCase: Sendable, CustomTestStringConvertible {
    let name: String
    /// Shapes of the parameters `p0`, `p1`, …
    let shapes: [[Int]]
    var range: ClosedRange<Double> = -1...1
    var tolerance = 1e-6
    /// Integer and other inputs that are not differentiated, and their declared types.
    var inputs: [Input] = []
    /// The differentiated expression; its elements are weighted at random and summed to make a loss.
    let body: @Sendable (_ p: [Tensor], _ inputs: [Tensor]) -> Tensor

    struct Input: Sendable {
        let name: String
        let type: TensorType
        let tensor: HostTensor
    }

    var testDescription: String { name }
}

/// Sequences of 2 and 4 real tokens in 3 and 4 rows: row 2 is padding.
private let segments = [
    GradientCase.Input(
        name: "offsets", type: TensorType(.i32, ["sequences" + 1]), tensor: HostTensor([0, 3, 7] as [Int32])),
    GradientCase.Input(
        name: "lengths", type: TensorType(.i32, ["sequences"]), tensor: HostTensor([2, 4] as [Int32])),
]

/// The same with the number of sequences fixed, for ops that read a row a sequence from a parameter.
private let fixedSegments = segments.map { input in
    GradientCase.Input(
        name: input.name, type: TensorType(.i32, input.tensor.shape.map(Dimension.fixed)),
        tensor: input.tensor)
}

private func ids(_ values: [Int32], shape: [Int]? = nil) -> GradientCase.Input {
    let tensor = HostTensor(values, shape: shape)
    return .init(name: "ids", type: TensorType(.i32, tensor.shape.map(Dimension.fixed)), tensor: tensor)
}

private func rng(_ p: Tensor) -> Tensor { p.builder.constant([11, 3], .i64, [2]) }

extension GradientCase {
    static let all =
        unary + binary + moving + reductions + contractions + rows + attention + biases + relative + rotary
        + indexing + sharing

    static let unary: [GradientCase] = [
        (UnaryFunction.neg, -1.0...1.0), (.abs, 0.2...1), (.abs, -1 ... -0.2), (.exp, -1...1),
        (.log, 0.3...2),
        (.sqrt, 0.3...2), (.rsqrt, 0.3...2), (.reciprocal, 0.3...2), (.reciprocal, -2 ... -0.3),
        (.tanh, -2...2), (.sin, -4...4), (.cos, -4...4),
        (.sigmoid, -3...3), (.erf, -2...2), (.relu, 0.1...1), (.relu, -1 ... -0.1), (.gelu, -3...3),
        (.geluTanh, -3...3), (.silu, -3...3),
    ].map { function, range in
        GradientCase(name: "\(function.rawValue) \(range)", shapes: [[3, 4]], range: range) { p, _ in
            p[0].map(function)
        }
    }

    static let binary: [GradientCase] = [BinaryFunction.add, .sub, .mul, .div, .max, .min, .pow].flatMap {
        function in
        [[[3, 4], [3, 4]], [[3, 4], [4]], [[3, 1], [1, 4]], [[1], [2, 3, 4]], [[2, 3], []]].map { shapes in
            GradientCase(name: "\(function.rawValue) \(shapes)", shapes: shapes, range: 0.4...2) { p, _ in
                p[0].builder.binary(function, p[0], p[1])
            }
        }
    }

    static let moving: [GradientCase] = [
        GradientCase(name: "select", shapes: [[3, 4], [4]]) { p, _ in
            let half = p[0].builder.constant([1, 0, 0, 1], .bool, [4])
            return p[0].builder.select(half, p[0], p[1])
        },
        GradientCase(name: "cast", shapes: [[3, 4]]) { p, _ in p[0].cast(.bf16).tanh().cast(.f32) },
        GradientCase(name: "dropout", shapes: [[6, 5]]) { p, _ in
            p[0].builder.dropout(p[0].tanh(), rate: 0.4, rng: rng(p[0]))
        },
        GradientCase(name: "broadcast", shapes: [[3, 1]]) { p, _ in p[0].broadcast(to: [2, 3, 4]) },
        GradientCase(name: "reshape", shapes: [[3, 4]]) { p, _ in p[0].reshaped([2, 6]) },
        GradientCase(name: "transpose", shapes: [[2, 3, 4]]) { p, _ in p[0].transposed([2, 0, 1]) },
        GradientCase(name: "slice", shapes: [[3, 7]]) { p, _ in p[0].slice(axis: 1, start: 2, size: 3) },
        GradientCase(name: "slice at the end", shapes: [[5]]) { p, _ in p[0].slice(axis: 0, start: 3, size: 2)
        },
        GradientCase(name: "concatenate", shapes: [[2, 3], [2, 1]]) { p, _ in
            p[0].builder.concatenate([p[0], p[1], p[0]], axis: 1)
        },
    ]

    static let reductions: [GradientCase] = [[0], [1], [0, 2], [0, 1, 2], []].flatMap { (axes: [Int]) in
        [true, false].flatMap { (keep: Bool) -> [GradientCase] in
            [
                GradientCase(name: "sum \(axes) keep \(keep)", shapes: [[2, 3, 4]]) { p, _ in
                    p[0].sum(axes: axes, keepDimensions: keep)
                },
                GradientCase(name: "max \(axes) keep \(keep)", shapes: [[2, 3, 4]]) { p, _ in
                    p[0].max(axes: axes, keepDimensions: keep)
                },
                GradientCase(name: "mean \(axes) keep \(keep)", shapes: [[2, 3, 4]]) { p, _ in
                    p[0].mean(axes: axes, keepDimensions: keep)
                },
            ]
        }
    }

    static let contractions: [GradientCase] =
        [(false, false), (false, true), (true, false), (true, true)].flatMap { left, right in
            [[], [2], [2, 3]].map { batch in
                let shapes = [batch + (left ? [4, 3] : [3, 4]), batch + (right ? [5, 4] : [4, 5])]
                return GradientCase(name: "matmul \(left) \(right) \(batch)", shapes: shapes) { p, _ in
                    p[0].matmul(p[1], transposeLeft: left, transposeRight: right)
                }
            }
        }
        + [false, true].map { right in
            // Rows of several matrices with one matrix.
            GradientCase(name: "matmul shared \(right)", shapes: [[2, 3, 4], right ? [5, 4] : [4, 5]]) {
                p, _ in
                p[0].matmul(p[1], transposeRight: right)
            }
        }
        + RaggedForm.allCases.map { form in
            let shapes = [[7, 2, form == .scores ? 3 : 4], [7, 2, 3]]
            return GradientCase(name: "ragged \(form.rawValue)", shapes: shapes, inputs: segments) {
                p, inputs in
                p[0].builder.apply(.raggedMatmul(form, length: 4), [p[0], p[1]] + inputs)
            }
        }

    static let rows: [GradientCase] = [
        GradientCase(name: "softmax", shapes: [[2, 3, 5]], range: -3...3) { p, _ in p[0].softmax() },
        GradientCase(
            name: "softmax with limits", shapes: [[4, 2, 5]], range: -3...3, inputs: [ids([5, 2, 0, 1])]
        ) {
            $0[0].softmax(limits: $1[0])
        },
        GradientCase(
            name: "softmax with a limit a row", shapes: [[2, 2, 5]], range: -3...3,
            inputs: [ids([5, 2, 0, 1], shape: [2, 2])]
        ) { $0[0].softmax(limits: $1[0]) },
        GradientCase(name: "layer norm", shapes: [[3, 6], [6], [6]], range: -2...2) { p, _ in
            p[0].layerNorm(gamma: p[1], beta: p[2], epsilon: 1e-5)
        },
        GradientCase(name: "layer norm of rank 3", shapes: [[2, 3, 6], [6], [6]], range: -2...2) { p, _ in
            p[0].layerNorm(gamma: p[1], beta: p[2], epsilon: 1e-12)
        },
        GradientCase(name: "rms norm", shapes: [[3, 6], [6]], range: -2...2) { p, _ in
            p[0].rmsNorm(gamma: p[1], epsilon: 1e-5)
        },
        GradientCase(name: "cross entropy", shapes: [[4, 5]], range: -3...3, inputs: [ids([0, -100, 4, 2])]) {
            $0[0].crossEntropy(labels: $1[0])
        },
        GradientCase(name: "attention", shapes: [[7, 2, 3], [7, 2, 3], [7, 2, 3]], inputs: segments) {
            p, inputs in
            let g = p[0].builder
            let limits = g.apply(.segmentBroadcast(tokens: 7), [inputs[1]] + inputs)
            let scores = g.apply(.raggedMatmul(.scores, length: 4), [p[0], p[1]] + inputs) / 3
            return g.apply(
                .raggedMatmul(.context, length: 4), [scores.softmax(limits: limits), p[2]] + inputs)
        },
    ]

    static let attention: [GradientCase] = [0, 0.4].flatMap { (rate: Double) in
        let masks: [AttentionMask?] = [
            nil, AttentionMask(.causal), AttentionMask(heads: [.window(1), .dilated(1, step: 2)]),
            // No key for the first two rows, nor for the key 2.
            AttentionMask(.bits(MaskBits(kept: [(2, 0), (2, 1), (3, 3)], size: 4))),
        ]
        return masks.map { mask in
            GradientCase(
                name: "flash attention, dropout \(rate), mask \(mask.map(\.description) ?? "none")",
                shapes: [[7, 2, 3], [7, 2, 3], [7, 2, 3]], inputs: segments
            ) { p, inputs in
                let operands = p + inputs + (rate > 0 ? [rng(p[0])] : [])
                let attributes = AttentionAttributes(scale: 0.8, rate: rate, mask: mask)
                return p[0].builder.applyAll(.flashAttention(attributes), operands)[0]
            }
        }
    }

    /// Biases for sequences of up to five tokens, one more than there are.
    static let biases: [GradientCase] = [0, 0.4].flatMap { (rate: Double) in
        [[2, 5, 5], [2, 9]].flatMap { (shape: [Int]) in
            [nil, AttentionMask(.causal)].map { mask in
                GradientCase(
                    name:
                        "flash attention, bias \(shape), dropout \(rate), mask \(mask == nil ? "none" : "causal")",
                    shapes: [[7, 2, 3], [7, 2, 3], [7, 2, 3], shape], inputs: segments
                ) { p, inputs in
                    let g = p[0].builder
                    return g.attention(
                        p[0], p[1], p[2], offsets: inputs[0], lengths: inputs[1], scale: 0.8, mask: mask,
                        bias: p[3], rate: rate, rng: rng(p[0]))
                }
            }
        }
    }

    /// Relative tables for sequences of up to five tokens, one more than there are.
    static let relative: [GradientCase] = [0, 0.4].flatMap { (rate: Double) in
        RelativeTerms.allCases.map { terms in
            GradientCase(
                name: "flash attention, \(terms), dropout \(rate)",
                shapes: Array(repeating: [7, 2, 3], count: 3)
                    + Array(repeating: [9, 2, 3], count: terms.tableCount),
                inputs: segments
            ) { p, inputs in
                p[0].builder.attention(
                    p[0], p[1], p[2], offsets: inputs[0], lengths: inputs[1], scale: 0.8,
                    relativeKeys: terms == .positionToContent ? nil : p[3],
                    relativeQueries: terms == .contentToPosition ? nil : p[p.count - 1], rate: rate,
                    rng: rng(p[0]))
            }
        }
    }

    static let rotary: [GradientCase] = [
        GradientCase(
            name: "flash attention, rotary", shapes: Array(repeating: [7, 2, 4], count: 3), inputs: segments
        ) { p, inputs in
            let g = p[0].builder
            let angles = (0..<28).map { Double($0 % 9) / 7 - 0.6 }
            return g.attention(
                p[0], p[1], p[2], offsets: inputs[0], lengths: inputs[1], scale: 0.8,
                rotary: g.constant(angles, .f32, [7, 4]))
        }
    ]

    static let indexing: [GradientCase] = [
        GradientCase(name: "gather with repeated ids", shapes: [[4, 3]], inputs: [ids([1, 3, 1, 1, 0])]) {
            $0[0].gather($1[0])
        },
        GradientCase(
            name: "gather, ids of rank 2", shapes: [[4, 3]], inputs: [ids([1, 3, 1, 0], shape: [2, 2])]
        ) {
            $0[0].gather($1[0])
        },
        GradientCase(name: "scatter add", shapes: [[4, 3]], inputs: [ids([2, 0, 2, 5])]) { p, inputs in
            p[0].builder.apply(.scatterAdd(rows: 6), [p[0], inputs[0]])
        },
        GradientCase(name: "segment sum", shapes: [[7, 3]], inputs: segments) {
            $0[0].segmentSum(offsets: $1[0], lengths: $1[1])
        },
        GradientCase(name: "segment broadcast", shapes: [[2, 3]], inputs: fixedSegments) { p, inputs in
            p[0].tanh().segmentBroadcast(tokens: 7, offsets: inputs[0], lengths: inputs[1])
        },
    ]

    static let sharing: [GradientCase] = [
        GradientCase(name: "a value used many times", shapes: [[3, 3]]) { p, _ in
            let y = p[0].tanh()
            return y * y + y.matmul(y, transposeRight: true) * y - y.exp() / (y + 3)
        },
        GradientCase(name: "tied embeddings", shapes: [[5, 3], [3, 3]], inputs: [ids([1, 4, 1])]) {
            p, inputs in
            let logits = p[0].gather(inputs[0]).matmul(p[1]).gelu().matmul(p[0], transposeRight: true)
            return logits.crossEntropy(labels: inputs[0])
        },
        GradientCase(name: "a parameter that is not used", shapes: [[2], [3]]) { p, _ in p[0].exp() },
        GradientCase(name: "no gradient through sign and compare", shapes: [[4]], range: 0.2...1) { p, _ in
            p[0] * p[0].sign() + p[0].builder.compare(.gt, p[0], p[0] * 0.5).cast(.f32)
        },
    ]
}

extension MaskBits {
    fileprivate init(kept pairs: [(query: Int, key: Int)], size: Int) {
        self.init(size: size)
        for pair in pairs { self[pair.query, pair.key] = true }
    }
}
