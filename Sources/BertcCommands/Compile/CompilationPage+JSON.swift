import GraphCompiler
import Support

extension CompilationPage {
    /// The figures of the page, unrounded and without the limit on rows, as one JSON object.
    var json: JSONValue {
        .object(
            [
                ("graph", .string(report.graph.name)), ("instruction_set", .string(report.instructionSet)),
                (
                    "symbols",
                    .object(report.symbols.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })
                ),
                ("nodes", .integer(report.graph.nodes.count)), ("passes", passesJSON),
                ("parameters", parametersJSON), ("kernels", kernelsJSON),
                ("different_kernels", .integer(report.kernelCount)),
                ("launches", .integer(report.program.launches.count)), ("flops", .integer(report.flops)),
                ("bytes_read", .integer(report.traffic.bytesRead)),
                ("bytes_written", .integer(report.traffic.bytesWritten)),
                ("predicted_seconds", .double(report.seconds)), ("memory", memoryJSON),
                ("arena_bytes", .integer(report.memory.arenaByteCount)),
                ("scratch_bytes", .integer(report.memory.scratchByteCount)), ("times", times.json),
            ] + (recomputation.map { [("recompute", $0.json)] } ?? []))
    }

    private var passesJSON: JSONValue {
        .array(
            report.passChanges.map { pass in
                .object([
                    ("pass", .string(pass.name)), ("nodes", .integer(pass.nodes)),
                    ("seconds", .double(pass.seconds)), ("changed", .bool(pass.changed)),
                    ("ops", .object(pass.ops.map { ($0.op, .integer($0.change)) })),
                ])
            })
    }

    private var parametersJSON: JSONValue {
        .object(
            report.graph.parameterTotals.map { total in
                (
                    total.role.rawValue,
                    .object([
                        ("tensors", .integer(total.tensors)), ("elements", .integer(total.elements)),
                        ("bytes", .integer(total.bytes)),
                    ])
                )
            })
    }

    private var kernelsJSON: JSONValue {
        .array(
            report.kernelGroups.map { group in
                .object([
                    ("kernel", .string(group.name)), ("template", .string(group.template)),
                    ("code", .string(instructionSet(group))),
                    ("launches", .integer(group.launches)), ("flops", .integer(group.flops)),
                    ("bytes_read", .integer(group.traffic.bytesRead)),
                    ("bytes_written", .integer(group.traffic.bytesWritten)),
                    ("flops_per_byte", .double(group.intensity)),
                    ("predicted_seconds", .double(group.seconds)),
                ])
            })
    }

    private var memoryJSON: JSONValue {
        let memory = report.memory
        let peak = memory.peak
        let categories = MemoryReport.Category.allCases.map { category in
            (
                category.rawValue,
                JSONValue.object([
                    ("tensors", .integer(memory.count(category))),
                    ("most_bytes", .integer(memory.peakByteCount(category))),
                    ("peak_bytes", .integer(peak?.moment.byteCounts[category] ?? 0)),
                ])
            )
        }
        return .object(
            categories + [
                ("peak_bytes", .integer(peak?.moment.byteCount ?? 0)),
                ("peak_launch", peak.map { .integer($0.launch) } ?? .null),
                ("peak_node", peak.map { .string(report.program.graph.place($0.moment.node)) } ?? .null),
            ])
    }
}
