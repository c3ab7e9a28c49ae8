import GraphCompiler
import Support

/// Measured ceilings as text and as JSON.
struct RooflinePage {
    let ceilings: Ceilings

    private var measured: [(ceiling: Ceiling, rate: Ceilings.Rate)] {
        Ceiling.allCases.compactMap { ceiling in ceilings[ceiling].map { (ceiling, $0) } }
    }

    var text: String {
        var table = TextTable(["ceiling", "one core", "all cores", "ratio"])
        for (ceiling, rate) in measured {
            table.add([
                ceiling.title, Formatted.rate(rate.oneCore, of: ceiling),
                Formatted.rate(rate.allCores, of: ceiling),
                Formatted.number(rate.allCores / rate.oneCore, digits: 2),
            ])
        }
        return "\(ceilings.machine)\n\n\(table)"
    }

    /// Rates in FLOPs or bytes a second.
    var json: JSONValue {
        .object([
            ("machine", .string(ceilings.machine)),
            (
                "ceilings",
                .array(
                    measured.map { ceiling, rate in
                        .object([
                            ("ceiling", .string(ceiling.rawValue)),
                            ("unit", .string(ceiling.isArithmetic ? "FLOP/s" : "B/s")),
                            ("one_core", .double(rate.oneCore)), ("all_cores", .double(rate.allCores)),
                        ])
                    })
            ),
        ])
    }
}

extension Ceiling {
    fileprivate var title: String {
        switch self {
        case .fma: "f32 multiply-adds"
        case .dot: "bf16 dot products (vdpbf16ps)"
        case .tiles: "bf16 tile products (AMX)"
        case .triad: "memory, triad"
        case .streamingTriad: "memory, triad, streaming stores"
        case .memoryRead: "memory, read"
        case .level3Read: "level-3 cache, read"
        case .level2Read: "level-2 cache, read"
        }
    }
}

extension Formatted {
    /// `242.3 GFLOP/s`, `40.1 GB/s`.
    fileprivate static func rate(_ rate: Double, of ceiling: Ceiling) -> String {
        let whole = Int(rate.rounded())
        return (ceiling.isArithmetic ? flops(whole) : bytes(whole)) + "/s"
    }
}
