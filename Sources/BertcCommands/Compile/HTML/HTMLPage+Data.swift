import GraphCompiler
import Support

extension HTMLPage {
    /// The figures of the page. Names of members are short where there are thousands of them.
    var json: JSONValue {
        .object([
            ("name", .string(fused.graph.name)), ("instructionSet", .string(fused.instructionSet)),
            (
                "symbols",
                .object(fused.symbols.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })
            ),
            ("fused", program(fused)), ("unfused", program(unfused)),
            ("decisions", .array(DecisionGroup.groups(of: decisions).map(group))),
        ])
    }

    private func program(_ report: CompilationReport) -> JSONValue {
        .object([
            ("nodes", nodes(report)),
            ("launches", .integer(report.program.launches.count)), ("flops", .integer(report.flops)),
            ("bytes", .integer(report.traffic.byteCount)), ("seconds", .double(report.seconds)),
            ("kernels", .array(report.kernelGroups.map(kernel))), ("memory", memory(report)),
        ])
    }

    /// The program's graph: `o` what a node is called, `l` its label, `t` its line, `i` the indices of the nodes that it
    /// reads; of those that are kernels `k` the template, `c` FLOPs, bytes and seconds, `b` the region's body.
    private func nodes(_ report: CompilationReport) -> JSONValue {
        let graph = report.program.graph
        let costs = Dictionary(grouping: report.costs) { $0.node }
        return .array(
            graph.nodeIDs.map { id in
                let node = graph[id]
                var members: [(String, JSONValue)] = [
                    ("l", .string(node.label)), ("t", .string(graph.line(id))),
                    ("i", .array(Set(node.operands.map(\.node.index)).sorted().map(JSONValue.integer))),
                ]
                if case .fusion(let region) = node.op {
                    members += [("o", .string(region.name)), ("b", .string(region.body.text { _ in true }))]
                } else {
                    members.append(("o", .string(node.op.suppliedName ?? node.op.mnemonic)))
                }
                if case .source = node.op { members.append(("s", .bool(true))) }
                if let costs = costs[id] {
                    let flops = costs.reduce(0) { $0 + $1.flops }
                    let bytes = costs.reduce(0) { $0 + $1.traffic.byteCount }
                    let seconds = costs.reduce(0) { $0 + $1.seconds }
                    members += [
                        ("k", .string(costs[0].template)),
                        ("c", .array([.integer(flops), .integer(bytes), .double(seconds)])),
                    ]
                }
                return .object(members)
            })
    }

    private func kernel(_ group: CompilationReport.KernelGroup) -> JSONValue {
        .object([
            ("name", .string(group.name)), ("template", .string(group.template)),
            ("launches", .integer(group.launches)), ("flops", .integer(group.flops)),
            ("bytes", .integer(group.traffic.byteCount)), ("intensity", .double(group.intensity)),
            ("seconds", .double(group.seconds)),
        ])
    }

    /// Bytes of each category, one number per launch, and the nodes that are launched.
    private func memory(_ report: CompilationReport) -> JSONValue {
        let timeline = report.memory.timeline
        let categories = MemoryReport.Category.allCases.filter { report.memory.count($0) > 0 }
        return .object([
            ("nodes", .array(timeline.map { .integer($0.node.index) })),
            (
                "categories",
                .array(
                    categories.map { category in
                        .object([
                            ("name", .string(category.rawValue)),
                            ("bytes", .array(timeline.map { .integer($0.byteCounts[category] ?? 0) })),
                        ])
                    })
            ),
            ("arena", .integer(report.memory.arenaByteCount)),
        ])
    }

    private func group(_ group: DecisionGroup) -> JSONValue {
        .object([
            ("pattern", .string(group.pattern)), ("fused", .bool(group.isFused)),
            ("reason", .string(group.reason)), ("bytes", .integer(group.bytesSaved)),
            (
                "places",
                .array(
                    group.members.map {
                        .string($0.particulars.isEmpty ? $0.places : "\($0.places): \($0.particulars)")
                    })
            ),
        ])
    }
}
