import GraphIR

/// What the passes assume of the machine and of the extents that are known only when a graph runs.
///
/// The figures decide between storing a value and computing it again, and are what `--explain` and the predicted
/// times of `bertc compile` report. They change which kernels are built, never what they compute. The rates are
/// those of two AVX-512 cores (docs/performance.md); decisions depend on their ratios only.
public struct CostModel: Hashable, Sendable {
    /// Extents of symbols; others are taken as `typicalExtent`.
    public var symbols: [String: Int]
    public var typicalExtent: Int
    /// Bytes a second that all cores together read and write.
    public var bytesPerSecond: Double
    /// Element-wise operations a second on f32, all cores together.
    public var operationsPerSecond: Double
    /// FLOPs a second of matrix products on f32, all cores together.
    public var contractionFlopsPerSecond: Double
    /// The same of products whose operands are bf16.
    public var bf16FlopsPerSecond: Double
    /// The cache that one core has to itself, in bytes.
    public var cacheByteCount: Int

    public init(
        symbols: [String: Int] = [:], typicalExtent: Int = 1024, bytesPerSecond: Double = 30e9,
        operationsPerSecond: Double = 100e9, contractionFlopsPerSecond: Double = 400e9,
        bf16FlopsPerSecond: Double = 800e9, cacheByteCount: Int = 1 << 20
    ) {
        self.symbols = symbols
        self.typicalExtent = typicalExtent
        self.bytesPerSecond = bytesPerSecond
        self.operationsPerSecond = operationsPerSecond
        self.contractionFlopsPerSecond = contractionFlopsPerSecond
        self.bf16FlopsPerSecond = bf16FlopsPerSecond
        self.cacheByteCount = cacheByteCount
    }

    /// The roofline: what moves the bytes or what computes, whichever takes longer.
    ///
    /// - Parameters:
    ///   - bf16Flops: the part of the matrix products' FLOPs that is done on bf16.
    ///   - operations: element-wise operations, which come on top of the matrix products' FLOPs.
    public func seconds(
        byteCount: Int, contractionFlops: Int, bf16Flops: Int = 0, operations: Int
    ) -> Double {
        let computing =
            Double(contractionFlops - bf16Flops) / contractionFlopsPerSecond
            + Double(bf16Flops) / bf16FlopsPerSecond + Double(operations) / operationsPerSecond
        return max(Double(byteCount) / bytesPerSecond, computing)
    }

    /// The extent of a dimension, or what is assumed of it.
    public func extent(_ dimension: Dimension) -> Int {
        dimension.extent(symbols)
            ?? dimension.extent([dimension.symbol ?? "": typicalExtent]).map { max($0, 1) } ?? 1
    }

    public func elementCount(_ type: TensorType) -> Int { type.shape.reduce(1) { $0 * extent($1) } }

    public func byteCount(_ type: TensorType) -> Int { elementCount(type) * type.element.byteCount }
}
