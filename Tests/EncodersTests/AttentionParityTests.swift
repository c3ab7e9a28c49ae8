import Encoders
import Foundation
import GraphCompiler
import Testing

/// Attention and its gradient against PyTorch; `Fixtures/make_attention.py` made the numbers.
@Suite struct AttentionParityTests {
    private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/attention.safetensors")
    private static let instructionSets = CompilerOptions.instructionSets.filter { (name: String) in
        (try? Compiler(CompilerOptions(instructionSet: name, cache: .off))) != nil
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let heads: Int
        let headSize: Int
        var mask: AttentionMask?
        var bias: AttentionBias?
        var testDescription: String { name }
    }

    private static let cases = [
        Case(name: "ragged", heads: 2, headSize: 16),
        Case(name: "causal", heads: 1, headSize: 20, mask: AttentionMask(.causal)),
        Case(name: "window", heads: 2, headSize: 33, mask: AttentionMask(.window(3))),
        Case(name: "wide", heads: 2, headSize: 64),
        Case(name: "pairs", heads: 2, headSize: 24, bias: .pairs),
        Case(name: "distances", heads: 1, headSize: 16, mask: AttentionMask(.causal), bias: .distances),
    ]

    /// The bounds that docs/attention.md states.
    private struct Bounds {
        /// Of an element of out, relative to the largest |v|.
        let out: Double
        /// Of out or a gradient, relative to it, both as 2-norms.
        let norm: Double
        /// Of lse.
        let lse: Double

        init(_ element: ElementType) {
            (out, norm, lse) =
                switch element {
                case .bf16: (0x1p-8, 0x1p-8, 5e-6)
                case .f16: (0x1p-11, 0x1p-11, 1e-6)
                default: (1e-6, 1e-6, 1e-6)
                }
        }
    }

    private func graph(_ test: Case, _ element: ElementType) throws -> Graph {
        try GraphBuilder.build(test.name) { g in
            let shape: [GraphIR.Dimension] = ["tokens", .fixed(test.heads), .fixed(test.headSize)]
            let low = ["q", "k", "v", "dout"].map { g.input($0, .f32, shape).cast(element) }
            let segments = [
                g.input("offsets", .i32, [.symbol("sequences", offset: 1)]),
                g.input("lengths", .i32, ["sequences"]),
            ]
            let heads = GraphIR.Dimension.fixed(test.heads)
            let bias: [Tensor] =
                switch test.bias {
                case .pairs: [g.input("bias", .f32, [heads, "n", "n"])]
                case .distances: [g.input("bias", .f32, [heads, .symbol("n", scale: 2, offset: -1)])]
                case nil: []
                }
            var attributes = AttentionAttributes(
                scale: 1 / Double(test.headSize).squareRoot(), mask: test.mask, bias: test.bias)
            let rest = segments + bias
            let forward = g.applyAll(.flashAttention(attributes), low[..<3] + rest)
            attributes.hasBiasGradient = test.bias != nil
            let gradients = g.applyAll(
                .flashAttentionGradient(attributes), [low[3]] + low[..<3] + forward + rest)
            for (name, tensor) in zip(["out", "dq", "dk", "dv", "dbias"], [forward[0]] + gradients) {
                g.output(name, tensor.cast(.f32))
            }
            g.output("lse", forward[1])
        }
    }

    @Test(arguments: cases, [ElementType.f32, .bf16, .f16])
    func errorsStayWithinTheirBounds(_ test: Case, _ element: ElementType) throws {
        let file = try SafetensorsFile(Self.file)
        func floats(_ name: String) throws -> [Float] { try file.floats(named: "\(test.name).\(name)") }
        let lengths = try file.integers(named: "\(test.name).lengths")
        let offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        var inputs = [
            "offsets": TensorData(offsets.map(Int32.init)), "lengths": TensorData(lengths.map(Int32.init)),
        ]
        for name in ["q", "k", "v", "dout"] {
            inputs[name] = try TensorData(
                try floats(name), shape: [lengths.reduce(0, +), test.heads, test.headSize])
        }
        if let bias = test.bias {
            let n = lengths.max() ?? 0
            let shape = bias == .pairs ? [test.heads, n, n] : [test.heads, 2 * n - 1]
            inputs["bias"] = try TensorData(try floats("bias"), shape: shape)
        }
        let bounds = Bounds(element)
        let largest = Double(try floats("v").map(abs).max() ?? 0)
        let compared = ["out", "dq", "dk", "dv"] + (test.bias == nil ? [] : ["dbias"])
        // Its flash kernel takes no bias.
        let torch = test.bias == nil ? try floats("torch_bf16") : nil
        for set in Self.instructionSets {
            let options = CompilerOptions(instructionSet: set, threads: 2, cache: .off)
            let executor = try Compiler(options).compile(
                graph(test, element), parameters: ParameterStore())
            let results = try executor.run(inputs)
            func differences(_ name: String) throws -> [Double] {
                let actual = try #require(results[name]).floats
                return zip(actual, try floats(name)).map { Double($0) - Double($1) }
            }
            func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
            let out = try differences("out").map(abs).max() ?? 0
            #expect(out <= bounds.out * largest, "\(set) out")
            let lse = try differences("lse").map(abs).max() ?? 0
            #expect(lse <= bounds.lse, "\(set) lse")
            for (index, name) in compared.enumerated() {
                let error = norm(try differences(name)) / norm(try floats(name).map(Double.init))
                #expect(error <= bounds.norm, "\(set) \(name)")
                // PyTorch in bf16 is no closer.
                if element == .bf16, let torch {
                    #expect(error <= 1.1 * Double(torch[index]), "\(set) \(name)")
                }
            }
        }
    }
}
