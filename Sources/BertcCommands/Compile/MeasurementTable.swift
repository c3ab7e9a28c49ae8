import GraphCompiler
import Support

/// What `--measure` prints: fused against unfused, by kind of region and for the whole graph.
struct MeasurementTable: CustomStringConvertible {
    let measurement: FusionMeasurement
    let symbols: [String: Int]

    var description: String {
        var table = TextTable(
            ["kernel", "first result", "kernels", "fused", "op by op", "times faster"],
            left: ["kernel", "first result"])
        for kind in measurement.kinds {
            table.add(row(kind.name, "\(kind.result)", "\(kind.count)", kind.fused, kind.unfused))
        }
        table.add(row("whole graph", "", "", measurement.fused, measurement.unfused))
        table.clip("kernel", toFit: 100)
        let extents = symbols.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(
            separator: ", ")
        return "\(extents.isEmpty ? "" : "with \(extents); ")medians, both sides run in turn\n\n\(table)"
    }

    private func row(
        _ name: String, _ result: String, _ count: String, _ fused: Double, _ unfused: Double
    ) -> [String] {
        let ratio = fused > 0 ? Formatted.number(unfused / fused, digits: 2) : ""
        return [name, result, count, Formatted.milliseconds(fused), Formatted.milliseconds(unfused), ratio]
    }

    /// The same as one JSON object, in seconds.
    var json: JSONValue {
        let kinds = measurement.kinds.map { kind in
            JSONValue.object([
                ("kernel", .string(kind.name)), ("result", .string("\(kind.result)")),
                ("kernels", .integer(kind.count)),
                ("fused", .double(kind.fused)), ("unfused", .double(kind.unfused)),
            ])
        }
        let values = symbols.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.integer($0.value)) }
        return .object([
            ("symbols", .object(values)), ("kinds", .array(kinds)), ("fused", .double(measurement.fused)),
            ("unfused", .double(measurement.unfused)),
        ])
    }
}
