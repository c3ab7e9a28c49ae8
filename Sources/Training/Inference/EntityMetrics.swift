/// How well entities are found: an entity is right when its first and last word and its type are.
///
/// The counts over all types are those of seqeval's default mode, and precision, recall and F1 its micro averages.
/// Where a quotient is 0 / 0, it is 0.
public struct EntityMetrics: Hashable, Sendable {
    public private(set) var actualCount = 0
    public private(set) var predictedCount = 0
    public private(set) var rightCount = 0

    package init() {}

    /// Counts a sentence.
    /// - Parameters:
    ///   - actual: the label of each word.
    ///   - predicted: as many.
    package mutating func add(actual: [String], predicted: [String]) {
        let (actual, predicted) = (EntitySpan.all(in: actual), EntitySpan.all(in: predicted))
        actualCount += actual.count
        predictedCount += predicted.count
        rightCount += Set(actual).intersection(predicted).count
    }

    /// Share of the entities found that are right.
    public var precision: Double { quotient(rightCount, predictedCount) }
    /// Share of entities that are found.
    public var recall: Double { quotient(rightCount, actualCount) }
    /// 2 right / (actual + predicted), the harmonic mean of both.
    public var f1: Double { quotient(2 * rightCount, actualCount + predictedCount) }

    private func quotient(_ part: Int, _ whole: Int) -> Double {
        whole == 0 ? 0 : Double(part) / Double(whole)
    }
}

/// Words of a sentence that make up one entity.
struct EntitySpan: Hashable {
    let type: String
    let words: Range<Int>

    /// The entities that labels such as `B-PER`, `I-PER` and `O` mark.
    ///
    /// A label is a tag (its first letter) and a type (what follows its first hyphen). As in the shared tasks' script
    /// `conlleval` and seqeval's `get_entities`, whatever the labels' scheme, B and S begin an entity and E and S end one;
    /// so does another type, and O, so that an I after either begins an entity too.
    static func all(in labels: [String]) -> [EntitySpan] {
        var spans: [EntitySpan] = []
        var start = 0
        var last = Label("O")
        for (index, name) in (labels + ["O"]).enumerated() {
            let label = Label(name)
            if last.ends(before: label) { spans.append(EntitySpan(type: last.type, words: start..<index)) }
            if label.begins(after: last) { start = index }
            last = label
        }
        return spans
    }
}

/// A word's label in two parts.
private struct Label {
    let tag: Character
    let type: String

    init(_ name: String) {
        tag = name.first ?? "O"
        let rest = name.dropFirst()
        type = String(rest.firstIndex(of: "-").map { rest[rest.index(after: $0)...] } ?? rest)
    }

    private var isOutside: Bool { tag == "O" || tag == "." }

    func ends(before next: Label) -> Bool {
        switch tag {
        case "E", "S": true
        case "B", "I": "BSO".contains(next.tag) || type != next.type
        default: !isOutside && type != next.type
        }
    }

    func begins(after last: Label) -> Bool {
        switch tag {
        case "B", "S": true
        case "E", "I": "ESO".contains(last.tag) || type != last.type
        default: !isOutside && type != last.type
        }
    }
}
