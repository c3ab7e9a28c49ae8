/// A column of a TSV file, by the name in its header or by its number counted from 0.
package enum ColumnSelector: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case name(String)
    case index(Int)

    /// Digits are a number, anything else is a name.
    package init(_ text: String) {
        self = Int(text).map(ColumnSelector.index) ?? .name(text)
    }

    package init(stringLiteral value: String) { self = .name(value) }
    package init(integerLiteral value: Int) { self = .index(value) }

    var name: String? { if case .name(let name) = self { name } else { nil } }
}

/// The names that well-known data sets give their columns; compared without regard to case.
enum ColumnNames {
    static let labels = ["label", "labels", "quality", "gold_label", "class", "category", "target", "score"]
    /// Text columns and their pairs; the first row whose names are all present wins.
    static let texts: [(text: String, pair: String?)] = [
        ("sentence1", "sentence2"), ("text_a", "text_b"), ("#1 string", "#2 string"),
        ("question1", "question2"), ("question", "sentence"), ("premise", "hypothesis"),
        ("text1", "text2"), ("text", "text_pair"), ("text", "text2"), ("text", "pair"),
        ("text", nil), ("sentence", nil), ("text_a", nil), ("sentence1", nil), ("review", nil),
    ]
    static let identifiers = ["id", "idx", "index", "guid", "pairid"]

    /// The positions of text, pair and label among the names of a header or an object.
    struct Match {
        var text: Int?
        var pair: Int?
        var label: Int?
    }

    static func match(_ names: [String]) -> Match {
        let names = names.map { $0.lowercased() }
        var match = Match()
        match.label = labels.lazy.compactMap { names.firstIndex(of: $0) }.first
        for candidate in texts {
            guard let text = names.firstIndex(of: candidate.text) else { continue }
            let pair = candidate.pair.flatMap { names.firstIndex(of: $0) }
            if candidate.pair != nil, pair == nil { continue }
            (match.text, match.pair) = (text, pair)
            break
        }
        return match
    }

    /// Whether a first row is a header: it names a text, and beside it a label, a pair or an identifier.
    static func isHeader(_ names: [String]) -> Bool {
        let match = match(names)
        guard match.text != nil else { return false }
        let hasIdentifier = names.contains { identifiers.contains($0.lowercased()) }
        return names.count == 1 || match.label != nil || match.pair != nil || hasIdentifier
    }
}
