import GraphCompiler

/// Decisions that a person would call equal: one pattern, one outcome, one reason but for its particulars.
struct DecisionGroup {
    let pattern: String
    let isFused: Bool
    /// Without what comes after the colon.
    let reason: String
    private(set) var members: [FusionDecision]

    /// Bytes saved by all members together.
    var bytesSaved: Int { members.reduce(0) { $0 + $1.bytesSaved } }

    private init(_ first: FusionDecision) {
        pattern = first.pattern
        isFused = first.isFused
        reason = first.headline
        members = [first]
    }

    /// Fused ones first, and of these and of the rejected ones those first that save the most or would have.
    static func groups(of decisions: [FusionDecision]) -> [DecisionGroup] {
        var places: [[String]: Int] = [:]
        var groups: [DecisionGroup] = []
        for decision in decisions {
            let key = [decision.pattern, "\(decision.isFused)", decision.headline]
            if let place = places[key] {
                groups[place].members.append(decision)
            } else {
                places[key] = groups.count
                groups.append(DecisionGroup(decision))
            }
        }
        let sizes = groups.map(\.bytesSaved)
        let order = groups.indices.sorted { a, b in
            if groups[a].isFused != groups[b].isFused { return groups[a].isFused }
            return (sizes[b], a) < (sizes[a], b)
        }
        return order.map { groups[$0] }
    }
}

extension FusionDecision {
    /// The reason, and the particulars after its colon, which are empty without one.
    var headline: String { String(reason.prefix { $0 != ":" }) }
    var particulars: String { String(reason.dropFirst(headline.count + 2)) }

    /// The pattern's kernels, and the parts of each.
    var patternParts: [[String]] {
        pattern.split(separator: "|").map { kernel in
            kernel.split(separator: "+").map { $0.filter { $0 != " " } }
        }
    }

    /// `matmul to add, encoder.layer.0.ffn`: both nodes, and where they stand.
    var places: String {
        let labels = [producer.label, consumer.label].filter { !$0.isEmpty }
        let place = labels.count == 2 && labels[0] == labels[1] ? labels[0] : labels.joined(separator: " to ")
        return "\(producer.op) to \(consumer.op)" + (place.isEmpty ? "" : ", \(place)")
    }
}
