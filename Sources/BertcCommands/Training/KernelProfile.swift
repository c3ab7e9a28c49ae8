import GraphCompiler
import Support

/// Where the time of a run went, by kernel, and how near each kernel came to what the machine does.
struct KernelProfile {
    let profile: RunProfile

    private var sorted: [(key: String, value: KernelUse)] {
        profile.kernels.sorted { ($1.value.seconds, $0.key) < ($0.value.seconds, $1.key) }
    }

    private var total: Double { profile.kernels.values.reduce(0) { $0 + $1.seconds } }

    /// A table, the most expensive kernel first.
    var text: String {
        var table = TextTable([
            "kernel", "runs", "seconds", "share", "µs a run", "GFLOP/s", "GB/s", "of peak", "bound by",
            "predicted",
        ])
        for (name, use) in sorted { table.add([name, "\(use.calls)"] + figures(use)) }
        let all = profile.kernels.values.reduce(KernelUse()) { $0 + $1 }
        var figures = figures(all)
        figures[2] = ""
        table.add(["total", ""] + figures)
        return """
            \(table)

            of peak: the least time that the machine can take for the work, by its measured ceilings (bertc roofline), \
            over the time it took; predicted: the compiler's estimate over the time it took
            """
    }

    private func figures(_ use: KernelUse) -> [String] {
        func percent(_ share: Double) -> String { "\(Formatted.number(share * 100, digits: 1)) %" }
        func rate(_ count: Int) -> String {
            Formatted.number(use.seconds > 0 ? Double(count) / use.seconds * 1e-9 : 0, digits: 1)
        }
        let bound = profile.ceilings.bound(on: use.work)
        let share = { (seconds: Double) in use.seconds > 0 ? seconds / use.seconds : 0 }
        return [
            Formatted.number(use.seconds, digits: 3), percent(total > 0 ? use.seconds / total : 0),
            Formatted.number(use.seconds / Double(max(1, use.calls)) * 1e6, digits: 1), rate(use.work.flops),
            rate(use.work.byteCount), percent(share(bound.seconds)),
            bound.isArithmetic ? "arithmetic" : "memory", percent(share(profile.predictedSeconds(use))),
        ]
    }

    var json: JSONValue {
        .array(
            sorted.map { name, use in
                let bound = profile.ceilings.bound(on: use.work)
                return .object([
                    ("kernel", .string(name)), ("runs", .integer(use.calls)),
                    ("seconds", .double(use.seconds)),
                    ("flops", .integer(use.work.flops)), ("bytes", .integer(use.work.byteCount)),
                    ("least_seconds", .double(bound.seconds)),
                    ("bound", .string(bound.isArithmetic ? "arithmetic" : "memory")),
                    ("predicted_seconds", .double(profile.predictedSeconds(use))),
                ])
            })
    }
}
