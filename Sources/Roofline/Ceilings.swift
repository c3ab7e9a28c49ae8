import Runtime
import Target

/// Something that no kernel does faster, in FLOPs or bytes a second.
package enum Ceiling: String, CaseIterable, Codable, Sendable {
    /// Multiply-adds of f32 vectors in registers; a multiply-add counts as two.
    case fma
    /// `vdpbf16ps`: products of bf16 pairs added up in f32.
    case dot
    /// AMX tile products of bf16.
    case tiles
    /// `a = b + s c` over arrays larger than the caches. As in STREAM, three elements count, not the line that is
    /// read because `a` is written.
    case triad
    /// The same with stores that pass the caches by.
    case streamingTriad
    /// Reading such an array.
    case memoryRead
    /// Reading what the level-3 cache holds.
    case level3Read
    /// Reading what a core's level-2 cache holds.
    case level2Read

    /// Whether the rate is in FLOPs a second; in bytes a second otherwise.
    package var isArithmetic: Bool {
        switch self {
        case .fma, .dot, .tiles: true
        case .triad, .streamingTriad, .memoryRead, .level3Read, .level2Read: false
        }
    }
}

/// What a machine's cores and memory reach, as measured by `CeilingMeasurement`.
package struct Ceilings: Codable, Hashable, Sendable {
    package struct Rate: Codable, Hashable, Sendable {
        package let oneCore: Double
        package let allCores: Double

        package init(oneCore: Double, allCores: Double) {
            self.oneCore = oneCore
            self.allCores = allCores
        }
    }

    /// What was measured: processor, instruction set, threads.
    package let machine: String
    private let rates: [String: Rate]

    package init(machine: String, rates: [Ceiling: Rate]) {
        self.machine = machine
        self.rates = Dictionary(uniqueKeysWithValues: rates.map { ($0.rawValue, $1) })
    }

    /// `nil` for what the machine does not have.
    package subscript(_ ceiling: Ceiling) -> Rate? { rates[ceiling.rawValue] }

    /// Bytes a second that all cores together move to and from memory at most.
    package var bytesPerSecond: Double { best([.triad, .streamingTriad, .memoryRead]) }

    /// FLOPs a second of f32 that all cores together do at most.
    package var flopsPerSecond: Double { best([.fma]) }

    /// The same of bf16 products; without instructions for them those of f32.
    package var bf16FlopsPerSecond: Double { best([.fma, .dot, .tiles]) }

    /// Measured rates for predictions: memory's is that of a triad, which reads as much as kernels do. `nominal` for what
    /// was not measured: element-wise operations, which are taken to be in the same proportion to products of f32, and
    /// products of f16.
    package func rates(like nominal: Rates) -> Rates {
        let scale = flopsPerSecond / nominal.flopsPerSecond.f32
        return Rates(
            bytesPerSecond: self[.triad]?.allCores ?? bytesPerSecond,
            operationsPerSecond: nominal.operationsPerSecond * scale,
            flopsPerSecond: ByElement(
                f32: flopsPerSecond, bf16: bf16FlopsPerSecond, f16: nominal.flopsPerSecond.f16 * scale,
                i8: nominal.flopsPerSecond.i8 * scale))
    }

    private func best(_ ceilings: [Ceiling]) -> Double {
        ceilings.compactMap { self[$0]?.allCores }.max() ?? 0
    }

    /// The least time for some work, and whether arithmetic rather than memory takes that long. Of the operations
    /// that are no products, a core starts as many as multiply-adds, and each is one FLOP instead of two.
    package func bound(on work: KernelUse.Work) -> (seconds: Double, isArithmetic: Bool) {
        let flops = Double(work.contractionFlops - work.bf16Flops) + 2 * Double(work.operations)
        let computing = flops / flopsPerSecond + Double(work.bf16Flops) / bf16FlopsPerSecond
        let moving = Double(work.byteCount) / bytesPerSecond
        return (max(computing, moving), computing > moving)
    }
}
