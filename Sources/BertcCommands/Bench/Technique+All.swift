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
        let filled = Work.training(.filled(length: paddedLength))
        return [
            Technique(
                "attention", "flash attention, \(length) tokens", .training(.filled(length: length)),
                off: { side, _ in side.disabledPasses = ["attention"] }),
            Technique(
                "attention-alone", "the same, attention alone", .attention(length: length),
                off: { side, _ in side.disabledPasses = ["attention"] }),
            Technique(
                "fusion", "kernel fusion", filled, off: { side, _ in side.disabledPasses = ["fusion"] }),
            Technique(
                "precision", "mixed precision, \(precision.rawValue)", filled,
                on: { side, _ in side.config.precision = precision }),
            Technique(
                "uniform", "uniform batching", .training(.sentences),
                off: { side, _ in side.config.batching = .fixed },
                on: { side, _ in side.config.batching = .uniform }),
            Technique(
                "packed", "packed batching", .training(.sentences),
                off: { side, _ in side.config.batching = .fixed }),
            Technique(
                "freezing", "freezing embeddings and half the layers", filled,
                on: { side, model in
                    side.config.freeze =
                        ["embeddings.*"] + (0..<(model.layers / 2)).map { "encoder.layer.\($0).*" }
                }),
            Technique(
                "all", "flash, fusion, \(precision.rawValue), packed", .training(.sentences),
                off: { side, _ in side.turnEverythingOff() },
                on: { side, _ in side.config.precision = precision }),
            Technique(
                "all-openblas", "the same against OpenBLAS products", .training(.sentences),
                off: { side, _ in
                    side.turnEverythingOff()
                    side.config.matmul = .openblas
                },
                on: { side, _ in side.config.precision = precision }),
        ]
    }
}

extension BenchSetting {
    /// Plain fp32: a kernel for every node, scores that are stored, padding to one length.
    fileprivate mutating func turnEverythingOff() {
        disabledPasses = PassPipeline.fusionPasses
        config.batching = .fixed
    }
}
