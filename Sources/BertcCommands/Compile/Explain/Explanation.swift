import GraphCompiler
import Support

/// What `--explain` prints: the candidates for fusion, what became of each, why, and what that saves.
struct Explanation {
    let graph: Graph
    let decisions: [FusionDecision]
    /// Groups of layers that are computed again.
    var recomputed: [RecomputeDecision] = []
    /// Extents that the passes assumed.
    let costModel: CostModel
    /// Whether every decision is listed, rather than equal ones together.
    let isComplete: Bool

    private static let width = 100
    private static let patternWidth = 34

    var text: String {
        ([summary] + [true, false].flatMap(sections) + recomputation).joined(separator: "\n\n")
    }

    /// A line a group of layers.
    private var recomputation: [String] {
        guard !recomputed.isEmpty else { return [] }
        let rows = recomputed.map { group in
            let bytes = "\(signed(group.bytesHeld)) held instead of \(signed(group.bytesBefore))"
            return Formatted.clipped(
                "  \(bytes): \(group.first.label) to \(group.last.label), \(group.nodes.joined(separator: ", "))",
                Self.width)
        }
        return ["computed again just before the backward pass needs it\n" + rows.joined(separator: "\n")]
    }

    private var summary: String {
        let fused = decisions.filter(\.isFused)
        let saved = fused.reduce(0) { $0 + $1.bytesSaved }
        let extents = graph.symbols.map { "\($0) \(costModel.extent(.symbol($0)))" }.joined(separator: ", ")
        return """
            \(graph.name): \(fused.count) of \(decisions.count) candidates for fusion are fused, \
            which saves \(signed(saved)) of traffic a run
            \(extents.isEmpty ? "all shapes are fixed" : "bytes are for what the passes assume: \(extents)")
            """
    }

    /// One a reason, the one with the most bytes first.
    private func sections(_ isFused: Bool) -> [String] {
        let groups = Dictionary(
            grouping: DecisionGroup.groups(of: decisions.filter { $0.isFused == isFused })
        ) {
            $0.reason
        }
        let sizes = groups.mapValues { $0.reduce(0) { $0 + $1.bytesSaved } }
        return groups.sorted { (-(sizes[$0.key] ?? 0), $0.key) < (-(sizes[$1.key] ?? 0), $1.key) }.map {
            section($1, "\(isFused ? "fused" : "rejected"): \($0)")
        }
    }

    private func section(_ groups: [DecisionGroup], _ title: String) -> String {
        let rows = groups.flatMap { group in
            isComplete ? group.members.map { row([$0]) } : [row(group.members)]
        }
        return ([title] + rows).joined(separator: "\n")
    }

    /// How many, their bytes, their pattern, and where: the only one's place, or an example's.
    private func row(_ members: [FusionDecision]) -> String {
        let count = isComplete ? "" : aligned("\(members.count) x", 7)
        let bytes = aligned(signed(members.reduce(0) { $0 + $1.bytesSaved }), 10)
        let first = members[0]
        let pattern = Formatted.clipped(first.pattern, Self.patternWidth)
        let place =
            isComplete && !first.particulars.isEmpty ? "\(first.places): \(first.particulars)" : first.places
        let padding = String(repeating: " ", count: Self.patternWidth - pattern.count)
        let room = Self.width - count.count - bytes.count - Self.patternWidth - 4
        return
            "\(count)\(bytes)  \(pattern)\(padding)  \(isComplete ? place : Formatted.clipped(place, room))"
    }

    private func aligned(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private func signed(_ bytes: Int) -> String {
        bytes < 0 ? "-\(Formatted.bytes(-bytes))" : Formatted.bytes(bytes)
    }

    var json: JSONValue {
        .object([
            ("graph", .string(graph.name)),
            ("symbols", .object(graph.symbols.map { ($0, .integer(costModel.extent(.symbol($0)))) })),
            ("decisions", .array(decisions.map(\.json))),
            ("recomputed", .array(recomputed.map(\.json))),
        ])
    }
}

extension FusionDecision {
    var json: JSONValue {
        .object([
            ("pattern", .string(pattern)), ("fused", .bool(isFused)), ("reason", .string(reason)),
            ("bytes_saved", .integer(bytesSaved)), ("producer", producer.json), ("consumer", consumer.json),
        ])
    }
}

extension RecomputeDecision {
    fileprivate var json: JSONValue {
        .object([
            ("first", first.json), ("last", last.json), ("reader", reader.json),
            ("nodes", .array(nodes.map(JSONValue.string))), ("bytes_before", .integer(bytesBefore)),
            ("bytes_held", .integer(bytesHeld)), ("operations", .integer(operations)),
        ])
    }
}

extension FusionDecision.Site {
    fileprivate var json: JSONValue { .object([("op", .string(op)), ("label", .string(label))]) }
}
