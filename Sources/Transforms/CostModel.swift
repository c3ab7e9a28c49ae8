import GraphIR
import Target

/// What the passes assume of the machine and of the extents that are known only when a graph runs.
///
/// The figures decide between storing a value and computing it again, and are what `--explain` and the predicted
/// times of `bertc compile` report. Decisions are made with the rates of one reference target, so that a graph becomes
/// the same kernels on every machine, whatever it reaches; predictions with those of the machine
/// (`Compiler.costModel`).
package struct CostModel: Hashable, Sendable {
    /// Extents of symbols; others are taken as `typicalExtent`.
    package var symbols: [String: Int]
    package var typicalExtent: Int
    package var rates: Rates
    /// The cache that one core has to itself, in bytes.
    package var cacheByteCount: Int

    /// The rates with which passes decide.
    package static let reference = Target.avx512bf16.rates

    package init(symbols: [String: Int] = [:], typicalExtent: Int = 1024) {
        self.init(symbols: symbols, typicalExtent: typicalExtent, rates: Self.reference)
    }

    package init(symbols: [String: Int] = [:], typicalExtent: Int = 1024, rates: Rates) {
        self.symbols = symbols
        self.typicalExtent = typicalExtent
        self.rates = rates
        cacheByteCount = CacheSizes.usual.level2
    }

    /// The time of products, which have their operands in the caches, and behind them that of all other instructions or
    /// of moving bytes, whichever takes longer.
    ///
    /// - Parameters:
    ///   - byteCount: bytes read and written.
    ///   - contractionFlops: FLOPs of matrix products.
    ///   - bf16Flops: the part of the matrix products' FLOPs that is done on bf16.
    ///   - instructions: those of one lane besides products, in the time of multiply-adds.
    package func seconds(
        byteCount: Int, contractionFlops: Int, bf16Flops: Int = 0, instructions: Int
    ) -> Double {
        let products =
            Double(contractionFlops - bf16Flops) / rates.flopsPerSecond.f32
            + Double(bf16Flops) / rates.flopsPerSecond.bf16
        let others = Double(2 * instructions) / rates.flopsPerSecond.f32
        return products + max(others, Double(byteCount) / rates.bytesPerSecond)
    }

    /// The extent of a dimension, or what is assumed of it.
    package func extent(_ dimension: Dimension) -> Int {
        dimension.extent(symbols)
            ?? dimension.extent([dimension.symbol ?? "": typicalExtent]).map { max($0, 1) } ?? 1
    }

    package func elementCount(_ type: TensorType) -> Int { type.shape.reduce(1) { $0 * extent($1) } }

    package func byteCount(_ type: TensorType) -> Int { elementCount(type) * type.element.byteCount }
}
