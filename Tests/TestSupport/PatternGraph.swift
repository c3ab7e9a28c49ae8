import GraphIR
import Interpreter
import Support

/// A random graph of float ops that holds many patterns the rewrite rules look for: neutral elements, chains
/// of reshapes and transposes, broadcasts before element-wise ops, constants of every shape, repeated
/// expressions.
package struct PatternGraph {
    package let graph: Graph
    /// Inputs and parameters.
    package let inputs: [String: HostTensor]

    private static let constants: [Double] = [0, 1, 2, 0.5, -0.25, 3, -1]
    /// Functions without kinks and poles.
    private static let smooth: [UnaryFunction] = [.neg, .tanh, .sigmoid, .erf, .gelu, .geluTanh, .silu]

    /// A matrix, rows and columns of parameters, grown by `steps` ops; the loss is the sum of all values,
    /// squashed.
    package init(seed: Int, steps: Int = 24) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let shapes: [String: [Dimension]] = ["x": ["tokens", 4], "w": [4, 4], "b": [4], "column": [4, 1]]
        inputs = [
            "x": .random([3, 4], -1...1, &random), "w": .random([4, 4], -1...1, &random),
            "b": .random([4], -1...1, &random), "column": .random([4, 1], -1...1, &random),
            "rng": .rng(seed: seed, step: 1),
        ]
        graph = try GraphBuilder.build("random") { g in
            var pool = [g.input("x", .f32, shapes["x"] ?? [])]
            for name in ["w", "b", "column"] { pool.append(g.parameter(name, shapes[name] ?? [])) }
            let rng = g.input("rng", .i64, [2])
            for _ in 0..<steps {
                guard let x = pool.randomElement(using: &random) else { break }
                let y = Self.grow(x, pool, rng, &random)
                // Products must not grow without bound.
                pool.append(Bool.random(using: &random) ? y : y.tanh())
            }
            for (index, value) in pool.suffix(3).enumerated() { g.output("y\(index)", value) }
            g.output("loss", pool.map { $0.tanh().mean() }.reduce(g.scalar(0), +))
        }
    }

    /// `x` under one random op, perhaps together with another value of its shape.
    private static func grow(_ x: Tensor, _ pool: [Tensor], _ rng: Tensor, _ random: inout SplitMix64)
        -> Tensor
    {
        let g = x.builder
        let mates = pool.filter { $0.shape == x.shape }
        let mate = mates.randomElement(using: &random) ?? x
        let number = constants.randomElement(using: &random) ?? 1
        let constant = Bool.random(using: &random) ? g.scalar(number) : g.constant(number, x.type)
        switch Int.random(in: 0..<19, using: &random) {
        case 0: return x + constant
        case 1: return constant + x
        case 2: return x - constant
        case 3, 4: return x * constant
        case 5: return number == 0 ? -(-x) : x / constant
        case 6: return x + (-mate)
        case 7: return (-x) - (-mate)
        case 8: return x * mate
        case 9: return x.map(smooth.randomElement(using: &random) ?? .tanh)
        case 10: return g.select(g.compare(.gt, mate, constant), x, g.constant(number, x.type))
        case 11: return (x.exp() + constant.exp()).log()
        case 12: return g.dropout(x, rate: 0.3, rng: rng)
        case 13: return x.softmax()
        case 14: return x.sum(axes: [x.shape.count - 1], keepDimensions: true).broadcast(to: x.shape) * mate
        case 15: return x.cast(.f32).reshaped([1] + x.shape).sum(axes: [0])
        case 16: return x.mean(axes: [0], keepDimensions: true).broadcast(to: x.shape) + x
        case 17:
            return x.shape.count == 2
                ? x.transposed([1, 0]).transposed([1, 0]) : x.reshaped([2, 2]).reshaped([4])
        default: return contraction(x, pool, &random)
        }
    }

    /// `x` times a matrix of its width, transposed first or by a flag.
    private static func contraction(_ x: Tensor, _ pool: [Tensor], _ random: inout SplitMix64) -> Tensor {
        guard x.shape.count == 2, x.shape[1] == 4,
            let w = pool.filter({ $0.shape == [4, 4] }).randomElement(using: &random)
        else { return x * x }
        return Bool.random(using: &random)
            ? x.matmul(w.transposed([1, 0]))
            : x.transposed([1, 0]).matmul(w, transposeLeft: true, transposeRight: Bool.random(using: &random))
    }
}
