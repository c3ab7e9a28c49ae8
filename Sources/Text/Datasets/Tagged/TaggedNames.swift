import Support

/// The names that well-known data sets give the columns and members of words and their labels, as `ColumnNames` folds
/// them; the most telling first.
enum TaggedNames {
    static let words: [TextKey] = ["tokens", "words", "token", "word", "form"]
    static let labels: [TextKey] = [
        "nertags", "ner", "nertag", "nerlabels", "nerlabel", "tags", "labels", "tokenlabels", "label", "tag",
        "bio",
        "iob", "postags", "chunktags", "upos",
    ]
    private static let others: Set<TextKey> = [
        "pos", "postag", "chunk", "chunktag", "lemma", "xpos", "feats", "head", "deprel", "misc", "id", "idx",
        "index",
        "sentence", "sentence#", "sentenceid", "sentid", "doc", "docid", "start", "end", "entity",
    ]

    /// Whether a row names columns: one of words and another one that goes with it.
    static func isHeader(_ names: [String]) -> Bool {
        let names = names.map(ColumnNames.folded)
        return names.contains(where: words.contains)
            && names.contains { labels.contains($0) || others.contains($0) }
    }
}

extension TextKey {
    /// `O`, or a prefix of a tagging scheme and a type: `B-PER`, `I-MISC`, `U-LOC`.
    var isTag: Bool { text == "O" || isPrefixedTag }

    /// A prefix of a tagging scheme and a type.
    var isPrefixedTag: Bool {
        let bytes = Array(text.utf8.prefix(3))
        return bytes.count == 3 && "BIESLUM".utf8.contains(bytes[0]) && (bytes[1] == 0x2D || bytes[1] == 0x5F)
    }
}
