import Encoders
import GraphCompiler
import Testing

/// What fusion makes of a training step of BERT-base with pre-normalisation, by kernels, bytes and memory.
@Suite struct FusionTests {
    private struct Step {
        let fused: Program
        let unfused: Program
    }

    private static let symbols = ["tokens": 1024, "sequences": 8, "length": 128]

    private static func step(_ precision: Precision = .fp32) throws -> Step {
        var config = EncoderConfig()
        config.normPosition = .pre
        let forward = try EncoderGraph(config: config, head: .classification(labels: 2), isTraining: true)
            .build().graph
        let graph = try trainingStep(forward)
        func program(_ disabled: Set<String>) throws -> Program {
            let compiler = try Compiler(
                CompilerOptions(
                    precision: precision, cache: .off, passes: PassPipeline.Options(disabled: disabled)))
            return try compiler.lower(try compiler.optimize(graph))
        }
        return Step(fused: try program([]), unfused: try program(PassPipeline.fusionPasses))
    }

    /// Kernels whose nodes belong to a layer, without the optimiser's: forward, then backward.
    private func kernels(_ program: Program, layer: Int) -> (forward: [String], backward: [String]) {
        let own = program.launches.filter {
            let label = program.graph[$0.node].label
            return label.hasPrefix("encoder.layer.\(layer).")
        }
        func names(_ isBackward: Bool) -> [String] {
            own.filter { program.graph[$0.node].label.hasSuffix(".gradient") == isBackward }.map(
                \.kernel.name)
        }
        return (names(false), names(true))
    }

    @Test func aLayerTakesFewKernels() throws {
        let step = try Self.step()
        let (forward, backward) = kernels(step.fused, layer: 5)
        #expect(
            forward == [
                "layernorm+qkv+bias", "flash_attention", "matmul+bias+dropout+residual+rowstats",
                "layernorm+matmul+bias+gelu", "matmul+bias+dropout+residual+rowstats",
            ])
        #expect(
            backward == [
                "matmul+dgelu+colsum", "matmul+mul+total", "matmul+dlayernorm+residual+dropout+colsum",
                "layernorm+matmul+mul+total", "matmul", "matmul+mul+total", "flash_attention_gradient",
                "matmul*3+colsum+dlayernorm+residual+dropout+colsum",
                "layernorm+matmul*3+mul+total+mul+total+mul+total",
            ])
        for layer in 0..<12 {
            let (forward, backward) = kernels(step.fused, layer: layer)
            #expect(forward.count == 5 && backward.count == 9, "layer \(layer): \(forward), \(backward)")
        }
        let unfused = kernels(step.unfused, layer: 5)
        #expect(unfused.forward.count > 20 && unfused.backward.count > 30, "\(unfused)")
    }

    @Test func fusionSavesTrafficAndMemory() throws {
        let step = try Self.step()
        func bytes(_ program: Program) -> Double { Double(program.traffic(Self.symbols).byteCount) }
        #expect(bytes(step.fused) < 0.6 * bytes(step.unfused))
        func activations(_ program: Program) -> Double {
            Double(program.memory(Self.symbols).peakByteCount(.activations))
        }
        #expect(activations(step.fused) < 0.78 * activations(step.unfused))
        func arena(_ program: Program) -> Double { Double(program.memory(Self.symbols).arenaByteCount) }
        #expect(arena(step.fused) < 0.78 * arena(step.unfused))
    }

    /// In bf16 a layer takes as many kernels; nothing computes the weights' casts.
    @Test func lowPrecisionTakesNoKernelOfItsOwn() throws {
        let (exact, low) = (try Self.step(), try Self.step(.bf16))
        let (forward, backward) = kernels(low.fused, layer: 5)
        #expect(forward.count == 5 && backward.count == 9, "\(forward), \(backward)")
        #expect(!(forward + backward).contains("cast"))
        let weights = low.fused.launches.filter { launch in
            guard case .elementwise(.cast) = low.fused.graph[launch.node].op else { return false }
            return low.fused.graph[launch.node].types[0].extents([:]).map { $0.count == 2 } ?? false
        }
        #expect(weights.isEmpty)
        func bytes(_ step: Step) -> Double { Double(step.fused.traffic(Self.symbols).byteCount) }
        #expect(bytes(low) < 0.8 * bytes(exact))
        func memory(_ step: Step, _ category: MemoryReport.Category) -> Double {
            Double(step.fused.memory(Self.symbols).peakByteCount(category))
        }
        #expect(memory(low, .activations) < 0.8 * memory(exact, .activations))
        #expect(memory(low, .panels) < 0.51 * memory(exact, .panels))
    }

    /// Layers differ in nothing but their parameters and dropout streams, so they share their kernels.
    @Test func layersShareKernels() throws {
        let step = try Self.step()
        #expect(Set(step.fused.launches.map(\.kernel)).count < 60)
    }
}
