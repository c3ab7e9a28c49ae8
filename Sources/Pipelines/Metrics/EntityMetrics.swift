/// How well entities are found: an entity is right when its first and last word and its type are.
///
/// The counts over all types are those of seqeval's default mode, and precision, recall and F1 its micro averages.
/// Where a quotient is 0 / 0, it is 0.
public struct EntityMetrics: Hashable, Sendable {
    /// Entities of the data.
    public private(set) var actualCount = 0
    /// Entities that the model found.
    public private(set) var predictedCount = 0
    /// Entities that it found with their exact words and type.
    public private(set) var rightCount = 0
    private let tags: EntityTags

    /// - Parameter tags: what the labels say.
    package init(_ tags: EntityTags) { self.tags = tags }

    /// Counts a sentence.
    /// - Parameters:
    ///   - actual: the index of each word's label.
    ///   - predicted: as many.
    package mutating func add(actual: [Int], predicted: [Int]) {
        let (actual, predicted) = (tags.spans(in: actual), tags.spans(in: predicted))
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
    let type: Int
    let words: Range<Int>
}

extension EntityTags {
    /// The entities that the labels of a sentence mark.
    ///
    /// As in the shared tasks' script `conlleval` and seqeval's `get_entities`, whatever the labels' scheme, B and S begin
    /// an entity and E and S end one; so does another type, and O, so that an I after either begins an entity too.
    func spans(in labels: [Int]) -> [EntitySpan] {
        var spans: [EntitySpan] = []
        var start = 0
        var last = Tag.outside
        for (index, tag) in (labels.map { tags[$0] } + [.outside]).enumerated() {
            if last.ends(before: tag) { spans.append(EntitySpan(type: last.type, words: start..<index)) }
            if tag.begins(after: last) { start = index }
            last = tag
        }
        return spans
    }
}

extension EntityTags.Tag {
    fileprivate func ends(before next: Self) -> Bool {
        switch place {
        case .outside: false
        case .end, .single: true
        case .begin, .inside: next.startsAnew || type != next.type
        }
    }

    fileprivate func begins(after last: Self) -> Bool {
        switch place {
        case .outside: false
        case .begin, .single: true
        case .inside: last.place == .outside || last.isOver || type != last.type
        case .end: last.place == .outside || last.isOver || type != last.type
        }
    }

    /// Whether what comes before it is over.
    private var startsAnew: Bool { place == .begin || place == .single || place == .outside }

    /// Whether nothing goes on after it.
    private var isOver: Bool { place == .end || place == .single }
}
