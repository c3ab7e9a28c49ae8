import Support

/// The names that well-known data sets give their columns, without regard to case, spaces and punctuation.
enum ColumnNames {
    /// Names of texts, the most telling first.
    private static let texts = ranks(
        """
        text sentence review tweet comment reviewtext reviewbody reviewcontent commenttext commentbody tweettext
        tweetcontent texta text1 sentence1 sentencea content body utterance message messagetext sms email document
        documenttext post posttext selftext phrase passage paragraph article articlebody articletext statement fulltext
        cleantext textclean cleanedtext originaltweet sentimenttext newstext transcript transcription feedback verbatim
        description abstract snippet premise question questiontext query querytext prompt input inputtext response reply
        dialogue utt shortdescription plot lyrics v2
        """)
    /// Names of texts that are less than the whole when something longer is beside them.
    private static let titles = ranks("headline title subject summary newsheadline newstitle name")
    /// Names of texts and their second texts; the first two that are there win.
    private static let pairs = [
        "sentence1 sentence2", "texta textb", "#1string #2string", "question1 question2",
        "premise hypothesis",
        "context hypothesis", "question sentence", "text1 text2", "text textpair", "text text2", "text pair",
        "sentence sentence2", "sentencea sentenceb", "sent1 sent2", "s1 s2", "q1 q2", "string1 string2",
        "input1 input2", "question passage", "question context", "question answer", "query passage",
        "query document",
        "query doc", "query answer", "query response", "anchor positive", "claim evidence", "text hypothesis",
        "headline articlebody", "headline body", "headline shortdescription", "title description",
        "title abstract",
        "title body", "title selftext", "context response", "title1 title2", "title1en title2en",
        "query title",
        "searchterm producttitle", "query producttitle",
    ].map { (pair: String) in pair.split(separator: " ").map { TextKey($0) } }
    /// Names of the list of examples in an object that wraps it.
    static let examples: Set<TextKey> = [
        "data", "examples", "rows", "records", "items", "instances", "train",
    ]
    /// Names of labels that say so by themselves, the most telling first.
    private static let goldLabels = ranks(
        "label labels goldlabel gold class target y quality isduplicate labelid labeltext")
    private static let otherLabels = ranks(
        """
        category score sentiment emotion intent topic polarity rating ratings stars star starrating overall
        airlinesentiment sentimentlabel duplicate entailment entailmentlabel entailmentjudgment relatednessscore
        relatedness similarity similarityscore liked spam isspam toxicity stance classindex classlabel classid classname
        tag judgment judgement annotation acceptability clickbait recommended cyberbullyingtype v1 type targets sarcastic
        """)
    /// Names of columns with any number of labels, the most telling first.
    static let labelSets: [TextKey] = [
        "labels", "label", "tags", "categories", "topics", "classes", "emotions", "genres", "targets",
    ]
    private static let labelWords: Set<TextKey> = [
        "label", "labels", "class", "category", "sentiment", "emotion", "intent", "topic", "polarity",
        "rating",
        "stars", "target", "score", "stance", "type",
    ]
    private static let identifiers: Set<TextKey> = [
        "", "id", "ids", "idx", "index", "guid", "uid", "uuid", "pairid", "row", "rowid", "qid1", "qid2",
        "number",
    ]
    private static let identifierWords: Set<TextKey> = ["id", "ids", "idx", "index"]

    /// Lower case, letters and digits only, so that `Gold Label`, `gold_label` and `goldLabel` are one name.
    static func folded(_ name: String) -> TextKey {
        TextKey(name.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "#" })
    }

    /// The words of a name: of `reviewText`, `review_text` and `Review text` two.
    private static func words(_ name: String) -> [TextKey] {
        var words: [String] = [""]
        var previous: Character = " "
        for character in name {
            let isInWord = character.isLetter || character.isNumber
            if !isInWord || character.isUppercase && previous.isLowercase { words.append("") }
            if isInWord { words[words.count - 1] += character.lowercased() }
            previous = character
        }
        return words.filter { !$0.isEmpty }.map { TextKey($0) }
    }

    private static func ranks(_ names: String) -> [TextKey: Int] {
        var ranks: [TextKey: Int] = [:]
        for (rank, name) in names.split(whereSeparator: \.isWhitespace).enumerated() {
            ranks[TextKey(name)] = rank
        }
        return ranks
    }

    // MARK: What a name says

    static func textRank(_ name: String) -> Int? { texts[folded(name)] }
    static func isTitle(_ name: String) -> Bool { titles[folded(name)] != nil }
    static func goldRank(_ name: String) -> Int? { goldLabels[folded(name)] }
    static func isOtherLabel(_ name: String) -> Bool { otherLabels[folded(name)] != nil }
    static func isLabel(_ name: String) -> Bool { goldRank(name) != nil || isOtherLabel(name) }

    /// Whether the last word of the name is that of a text, as in `user_review`.
    static func endsAsText(_ name: String) -> Bool { words(name).last.map { texts[$0] != nil } ?? false }

    /// Whether the name is made of a label's, as `news_category` and `is_sarcastic` are.
    static func resemblesLabel(_ name: String) -> Bool {
        let words = words(name)
        return words.last.map(labelWords.contains) ?? false || words.count > 1 && words[0] == "is"
    }

    static func isIdentifier(_ name: String) -> Bool {
        if isLabel(name) { return false }
        let words = words(name)
        return identifiers.contains(folded(name)) || words.first == "unnamed"
            || words.count > 1 && words.last.map(identifierWords.contains) ?? false
            || name.utf8.count > 2 && name.hasSuffix("ID")
    }

    /// The positions of a text and its second text.
    static func pair(_ names: [String]) -> (text: Int, pair: Int)? {
        let names = names.map(folded)
        for pair in pairs {
            if let text = names.firstIndex(of: pair[0]), let second = names.firstIndex(of: pair[1]) {
                return (text, second)
            }
        }
        return nil
    }

    /// Whether a first row is a header: it names a text, and beside it a label, a second text or an identifier.
    static func isHeader(_ names: [String]) -> Bool {
        if pair(names) != nil { return true }
        if names.count == 1 { return textRank(names[0]) != nil }
        return names.indices.contains { text in
            (textRank(names[text]) != nil || isTitle(names[text]) || endsAsText(names[text]))
                && names.indices.contains {
                    $0 != text
                        && (isLabel(names[$0]) || isIdentifier(names[$0])
                            || labelSets.contains(folded(names[$0])))
                }
        }
    }
}
