import GraphCompiler
import Training

extension Technique {
    /// Tokens that fixed-length padding fills sequences up to: what GLUE's scripts take.
    static let paddedLength = 128

    /// All rows, in the order of the table. Unless a row says otherwise a side is what `bertc train` does by itself:
    /// fp32, all passes, packed batches.
    ///
    /// - Parameters:
    ///   - precision: what mixed precision is measured in.
    ///   - length: tokens of a sequence where attention is what counts.
    static func all(precision: Precision, length: Int) -> [Technique] {
        fused(in: .fp32, length: length) + fused(in: precision, length: length) + batched(precision)
            + lessMemory + together(precision)
    }

    private static let filled = Work.training(.filled(length: paddedLength))

    /// What passes of the compiler save in a precision.
    private static func fused(in precision: Precision, length: Int) -> [Technique] {
        func technique(_ name: String, _ title: String, _ work: Work, without passes: Set<String>)
            -> Technique
        {
            let suffix = precision == .fp32 ? ("", "") : ("-\(precision.rawValue)", ", \(precision.rawValue)")
            return Technique(
                name + suffix.0, title + suffix.1, work,
                both: { side, _ in side.config.machine.precision = precision },
                off: { side, _ in side.disabledPasses = passes })
        }
        return [
            technique(
                "attention", "flash attention, \(length) tokens", .training(.filled(length: length)),
                without: ["attention"]),
            technique(
                "attention-alone", "flash attention alone, \(length) tokens", .attention(length: length),
                without: ["attention"]),
            technique("fusion", "kernel fusion", filled, without: ["fusion"]),
            technique(
                "fusion-attention", "kernel fusion and flash attention", filled,
                without: PassPipeline.fusionPasses),
        ]
    }

    private static func batched(_ precision: Precision) -> [Technique] {
        [
            Technique(
                "precision", "mixed precision, \(precision.rawValue)", filled,
                on: { side, _ in side.config.machine.precision = precision }),
            Technique(
                "uniform", "uniform batching", .training(.sentences),
                off: { side, _ in side.config.batches.mode = .fixed },
                on: { side, _ in side.config.batches.mode = .uniform }),
            Technique(
                "packed", "packed batching", .training(.sentences),
                off: { side, _ in side.config.batches.mode = .fixed }),
        ]
    }

    /// Parts of a batch where gradients are accumulated.
    private static let accumulated = 4

    /// What trades time for memory, or trains something else.
    private static let lessMemory = [
        Technique(
            "recompute", "activations of layers recomputed", filled,
            on: { side, _ in side.config.machine.recompute = .layer }),
        Technique(
            "sharing", "parameters shared by all layers", filled,
            both: { side, _ in side.startsFresh = true },
            on: { side, _ in side.config.model.shareLayers = .all }),
        Technique(
            "freezing", "embeddings and half the layers frozen", filled,
            on: { side, model in
                side.config.model.freeze =
                    ["embeddings.*"] + (0..<(model.layers / 2)).map { "encoder.layer.\($0).*" }
            }),
        Technique(
            "accumulation", "gradients of \(accumulated) batches accumulated", filled,
            on: { side, _ in
                side.config.batches.gradientAccumulation = accumulated
                side.config.batches.size = max(1, side.config.batches.size / accumulated)
            }),
    ]

    private static func together(_ precision: Precision) -> [Technique] {
        func technique(
            _ name: String, _ title: String, _ products: CompilerOptions.MatmulLowering
        ) -> Technique {
            Technique(
                name, title, .training(.sentences),
                off: { side, _ in
                    side.disabledPasses = PassPipeline.fusionPasses
                    side.config.batches.mode = .fixed
                    side.config.machine.matmul = products
                },
                on: { side, _ in side.config.machine.precision = precision })
        }
        return [
            technique("all", "flash, fusion, \(precision.rawValue), packed together", .generated),
            technique("all-openblas", "the same against OpenBLAS products", .openblas),
        ]
    }
}
