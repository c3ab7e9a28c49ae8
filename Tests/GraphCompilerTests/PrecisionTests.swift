import Foundation
import GraphCompiler
import Interpreter
import LLVMBridge
import Target
import Testing
import TileEmulator

/// Mixed precision: the error of a product, and that whole graphs stay close to what f32 gives.
@Suite struct PrecisionTests {
    /// The unit roundoff of two operands together: twice that of the element type, or the error of a product of terms.
    private static let roundoff: [Precision: Double] = [
        .fp32: 0, .bf16: 2 * pow(2, -9), .fp16: 2 * pow(2, -12), .bf16x3: pow(2, -15), .bf16x6: pow(2, -23),
    ]

    /// A processor with AMX, whose tiles are emulated where this one has none; the rest of its code needs AVX-512 with
    /// bf16.
    static let amx: TargetCPU? = {
        guard let host = Target.host, host.runs(.avx512bf16) else { return nil }
        tile_emulator_install()
        return .assuming(.amx)
    }()

    /// For each instruction set of this machine, and for AMX.
    private static func compilers(_ precision: Precision) throws -> [(name: String, compiler: Compiler)] {
        let own = try OpTests.instructionSets.map { set in
            (set, try Compiler(CompilerOptions(instructionSet: set, precision: precision, cache: .off)))
        }
        let options = CompilerOptions(precision: precision, cache: .off)
        return own + (try amx.map { [("amx assumed", try Compiler(options, cpu: $0))] } ?? [])
    }

    /// |C - AB| ≤ (u + k 2⁻²⁴) |A| |B|, u being the roundoff of the operands (Higham, "Accuracy and Stability of
    /// Numerical Algorithms", section 3.5).
    @Test(arguments: Precision.forTraining, [(40, 96, 70), (33, 384, 150), (1, 767, 49)])
    func productsHaveTheErrorThatTheirOperandsHave(_ precision: Precision, _ shape: (Int, Int, Int)) throws {
        let (m, k, n) = shape
        var numbers = Numbers(11)
        let (a, b) = (numbers.tensor([m, k]), numbers.tensor([k, n]))
        let graph = try GraphBuilder.build("product") { g in
            let x = g.input("a", .f32, ["m", .fixed(k)])
            g.output("c", x.matmul(g.parameter("b", [.fixed(k), .fixed(n)])))
        }
        for (set, compiler) in try Self.compilers(precision) {
            let roundoff = try #require(Self.roundoff[compiler.precisionNote == nil ? precision : .fp32])
            let unit = roundoff + Double(k) * pow(2, -24)
            let parameters = ParameterStore()
            let executor = try compiler.compile(graph, parameters: parameters)
            try parameters.set("b", TensorData(b))
            let c = try executor.run(["a": TensorData(a)])["c"]!.floats
            var worst = 0.0
            for i in 0..<m {
                for j in 0..<n {
                    var (sum, bound) = (0.0, 0.0)
                    for l in 0..<k {
                        let term = a.values[i * k + l] * b.values[l * n + j]
                        sum += term
                        bound += abs(term)
                    }
                    worst = max(worst, abs(Double(c[i * n + j]) - sum) / (bound * unit))
                }
            }
            #expect(worst <= 1, "\(precision) \(set): \(worst) times the bound")
            // A bound that is met by far would mean that operands were not rounded at all.
            if precision.element != .f32 { #expect(worst > 0.005, "\(precision) \(set): \(worst)") }
        }
    }

    /// Every kind of region, differentiated ones too, in low precision.
    @Test(arguments: FusionTests.cases, [Precision.bf16, .fp16])
    func regionsStayCloseToF32(_ test: FusionTests.Case, _ precision: Precision) throws {
        let graph = try test.graph()
        // A product's operands are below 1 and 20 to 70 terms deep.
        let tolerance = precision == .bf16 ? 4e-2 : 6e-3
        // The weakest and the best.
        for set in Set([OpTests.instructionSets.first, OpTests.instructionSets.last].compactMap { $0 }) {
            for disabled in set == "avx2" ? [[]] : [[], PassPipeline.fusionPasses] {
                try CompiledComparison(
                    graph: graph, inputs: test.inputs(graph, 37),
                    options: CompilerOptions(
                        instructionSet: set, precision: precision, cache: .off,
                        passes: PassPipeline.Options(disabled: disabled)),
                    tolerance: tolerance, optimizes: true
                ).check("\(test.name) \(precision) \(set)")
            }
        }
    }

    /// Updated panels are those that packing the updated parameter gives: odd depths and widths, both orientations.
    @Test(arguments: [Precision.bf16, .fp16, .bf16x3, .bf16x6])
    func panelsFollowTheParameter(_ precision: Precision) throws {
        let forward = try GraphBuilder.build("panels") { g in
            let h = g.input("x", .f32, ["tokens", 33]).matmul(g.parameter("w", [33, 75])).tanh()
            let y = h.matmul(g.parameter("v", [33, 75]), transposeRight: true)
            g.output("y", y)
            g.output("loss", (y * y).mean())
        }
        let graph = try trainingStep(forward)
        var numbers = Numbers(5)
        let given = try [
            "x": numbers.tensor([9, 33]), "learning_rate": HostTensor.scalar(0.1),
            "correction1": HostTensor.scalar(0.1),
            "correction2": HostTensor.scalar(0.001),
        ].mapValues(TensorData.init)
        let weights = try ["w", "v"].map { ($0, try TensorData(numbers.tensor([33, 75]))) }
        for (set, compiler) in try Self.compilers(precision) {
            let parameters = ParameterStore()
            let step = try compiler.compile(graph, parameters: parameters)
            let infer = try compiler.compile(forward, parameters: parameters)
            for (name, value) in weights { try parameters.set(name, value) }
            _ = try step.run(given)
            let updated = try infer.run(given)["y"]!.floats
            // The same parameters as a client's: packed anew.
            for (name, _) in weights { try parameters.set(name, #require(parameters.get(name))) }
            #expect(try infer.run(given)["y"]!.floats == updated, "\(precision) \(set)")
        }
    }

    /// The same regions where products run on AMX tiles, attention and rows beside them; among them is a whole step
    /// of training.
    @Test(.enabled(if: amx != nil), arguments: FusionTests.cases, [Precision.bf16, .bf16x3, .bf16x6])
    func regionsOnTilesStayCloseToF32(_ test: FusionTests.Case, _ precision: Precision) throws {
        let graph = try test.graph()
        let tolerances: [Precision: Double] = [.bf16: 4e-2, .bf16x3: 3e-4]
        try CompiledComparison(
            graph: graph, inputs: test.inputs(graph, 37),
            options: CompilerOptions(precision: precision, cache: .off), cpu: Self.amx,
            tolerance: tolerances[precision] ?? test.tolerance, optimizes: true
        ).check("\(test.name) \(precision) on tiles")
    }

    /// Kernels say which products run on tiles, and the compiler where none do although they should.
    @Test(arguments: [Precision.bf16x3, .bf16x6]) func termsNeedTiles(_ precision: Precision) throws {
        let graph = try GraphBuilder.build("product") { g in
            g.output("y", g.input("x", .f32, ["m", 40]).matmul(g.parameter("w", [40, 70])))
        }
        for (name, compiler) in try Self.compilers(precision) {
            let program = "\(try compiler.lower(compiler.optimize(graph)))"
            let isSplit = program.contains("on AMX in \(precision.terms) terms")
            #expect(isSplit == (compiler.instructionSet == "amx"), "\(name): \(program)")
            #expect(isSplit == (compiler.precisionNote == nil), "\(name)")
        }
        let library = try Compiler(CompilerOptions(matmul: .openblas, precision: precision, cache: .off))
        #expect(library.precisionNote != nil)
    }
}
