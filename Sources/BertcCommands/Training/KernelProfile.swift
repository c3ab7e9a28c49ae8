/// Where the time of a run went, by kernel.
struct KernelProfile {
    /// Seconds and runs by kernel name.
    let kernels: [String: (seconds: Double, calls: Int)]

    private var sorted: [(key: String, value: (seconds: Double, calls: Int))] {
        kernels.sorted { ($1.value.seconds, $0.key) < ($0.value.seconds, $1.key) }
    }

    private var total: Double { kernels.values.reduce(0) { $0 + $1.seconds } }

    /// A table, the most expensive kernel first.
    var text: String {
        var table = TextTable(["kernel", "runs", "seconds", "share", "µs a run"])
        for (name, value) in sorted {
            table.add([
                name, "\(value.calls)", Formatted.number(value.seconds, digits: 3),
                "\(Formatted.number(total > 0 ? value.seconds / total * 100 : 0, digits: 1)) %",
                Formatted.number(value.seconds / Double(max(1, value.calls)) * 1e6, digits: 1),
            ])
        }
        table.add(["total", "", Formatted.number(total, digits: 3), "100.0 %", ""])
        return "\(table)"
    }

    var json: JSONText {
        .array(
            sorted.map { name, value in
                .object([
                    ("kernel", .string(name)), ("runs", .integer(value.calls)),
                    ("seconds", .double(value.seconds)),
                ])
            })
    }
}
