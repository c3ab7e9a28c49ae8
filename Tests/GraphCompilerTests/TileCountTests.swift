import GraphCompiler
import Interpreter
import LLVMBridge
import Target
import TestSupport
import Testing
import TileEmulator

/// The structure of products on tiles, counted: 2 x 2 tiles of sums in registers over the whole depth, so that four
/// loads serve four products and each sum is written once and never read. docs/tiles.md has the table.
@Suite struct TileCountTests {
    /// On AMX itself nothing is counted.
    static let isEmulated = PrecisionTests.amx != nil && Target.host?.runs(.amx) == false

    /// A product of a layer's training step.
    struct Form: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let inputs: [(name: String, rows: Int, columns: Int)]
        let rows: Int
        let columns: Int
        let depth: Int
        let write: @Sendable (GraphBuilder, [String: Tensor]) -> Tensor

        init(
            _ name: String, _ inputs: [(String, Int, Int)], _ size: (rows: Int, columns: Int, depth: Int),
            _ write: @escaping @Sendable (GraphBuilder, [String: Tensor]) -> Tensor
        ) {
            testDescription = name
            self.inputs = inputs.map { (name: $0.0, rows: $0.1, columns: $0.2) }
            (rows, columns, depth) = size
            self.write = write
        }
    }

    static let (tokens, hidden, inner) = (96, 128, 512)

    static let forms = [
        Form("x W + b", [("x", tokens, hidden)], (tokens, inner, hidden)) { g, x in
            x["x"]!.matmul(g.parameter("w", [.fixed(hidden), .fixed(inner)]))
                + g.parameter("b", [.fixed(inner)])
        },
        Form("gelu(x W)", [("x", tokens, hidden)], (tokens, inner, hidden)) { g, x in
            x["x"]!.matmul(g.parameter("w", [.fixed(hidden), .fixed(inner)])).gelu()
        },
        Form("layernorm(x) W", [("x", tokens, hidden)], (tokens, inner, hidden)) { g, x in
            let size = [Dimension.fixed(hidden)]
            let y = x["x"]!.layerNorm(
                gamma: g.parameter("g", size), beta: g.parameter("c", size), epsilon: 1e-5)
            return y.matmul(g.parameter("w", [.fixed(hidden), .fixed(inner)]))
        },
        Form("x W, deep", [("x", tokens, inner)], (tokens, hidden, inner)) { g, x in
            x["x"]!.matmul(g.parameter("w", [.fixed(inner), .fixed(hidden)]))
        },
        Form("dx = dy Wᵀ", [("y", tokens, inner)], (tokens, hidden, inner)) { g, x in
            x["y"]!.matmul(g.parameter("w", [.fixed(hidden), .fixed(inner)]), transposeRight: true)
        },
        Form("dW = xᵀ dy", [("x", tokens, hidden), ("y", tokens, inner)], (hidden, inner, tokens)) { _, x in
            x["x"]!.matmul(x["y"]!, transposeLeft: true)
        },
    ]

    @Test(.enabled(if: isEmulated, "needs AVX-512 with bf16, and no AMX"), arguments: forms)
    func loadsAndStoresAreThoseOfTheStructure(_ form: Form) throws {
        let cpu = try #require(PrecisionTests.amx)
        let graph = try GraphBuilder.build("product") { g in
            let inputs = form.inputs.map {
                ($0.name, g.input($0.name, .f32, [.fixed($0.rows), .fixed($0.columns)]))
            }
            g.output("z", form.write(g, Dictionary(uniqueKeysWithValues: inputs)))
        }
        let compiler = try Compiler(
            CompilerOptions(threads: 1, precision: .bf16, cache: .off), cpu: cpu)
        let executor = try compiler.compile(graph, parameters: ParameterStore())
        let inputs = try form.inputs.map {
            (
                $0.name,
                try TensorData(
                    [Float](repeating: 0.5, count: $0.rows * $0.columns), shape: [$0.rows, $0.columns])
            )
        }
        _ = tile_emulator_take_counts()
        _ = try executor.run(Dictionary(uniqueKeysWithValues: inputs))
        let counts = tile_emulator_take_counts()

        let (tiles, steps) = (form.rows / 16 * (form.columns / 16), form.depth / 32)
        #expect(counts.flops == 2 * form.rows * form.columns * form.depth)
        #expect(counts.products == tiles * steps)
        // Each tile of the left operand serves two products, and each of a panel.
        #expect(counts.loads == counts.products / 2 && counts.panel_loads == counts.products / 2)
        #expect(counts.bytes_loaded * 16 == counts.flops)
        #expect(counts.zeros == tiles && counts.stores == tiles && counts.bytes_stored == tiles * 1024)
        // One for all blocks of a task.
        #expect(counts.configurations <= form.rows / 32 * 4, "\(counts.configurations)")
    }
}
