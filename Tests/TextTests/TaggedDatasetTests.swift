import Foundation
import TestSupport
import Testing
import Text

/// CoNLL files, and words with their pieces.
@Suite struct TaggedDatasetTests {
    private func load(_ contents: String) throws -> TaggedDataset {
        let scratch = try TemporaryDirectory()
        return try TaggedDataset(contentsOf: scratch.write("x.conll", contents))
    }

    @Test func firstAndLastColumns() throws {
        let dataset = try load(
            """
            -DOCSTART- -X- -X- O

            EU NNP B-NP B-ORG\r
            rejects   VBZ B-VP O

            \t
            -DOCSTART- -X- -X- O
            Peter NNP B-NP B-PER
            -DOCSTART- -X- -X- O
            Blackburn NNP I-NP I-PER
            """)
        #expect(
            dataset.sentences == [
                TaggedSentence(words: ["EU", "rejects"], labels: ["B-ORG", "O"], line: 3),
                TaggedSentence(words: ["Peter"], labels: ["B-PER"], line: 8),
                TaggedSentence(words: ["Blackburn"], labels: ["I-PER"], line: 10),
            ])
    }

    @Test func tabsKeepSpaces() throws {
        let sentences = try load("\u{FEFF}New York\tB-LOC \n1 1/2\tO\n\n\nnaïve\tO\n").sentences
        #expect(sentences.map(\.words) == [["New York", "1 1/2"], ["naïve"]])
        #expect(sentences[0].labels == ["B-LOC", "O"] && sentences[1].line == 5)
    }

    @Test(arguments: [
        ("a O\nb\n", 2, "has 1 column; expected 2, the word first and its label last"),
        ("a\n", 1, "has 1 column; expected 2"),
        ("a X O\n\nb O\n", 3, "has 2 columns; expected 3"),
        ("a\tO\nb c\td\tO\n", 2, "has 3 columns; expected 2"),
        ("a\tO\n\tO\n", 2, "has an empty column; expected 2"),
        ("a\tO\nb\t\n", 2, "has an empty column; expected 2"),
    ])
    func malformedLines(contents: String, line: Int, message: String) throws {
        let error = try textError { _ = try load(contents) }
        #expect(error.kind == .invalidColumns && error.line == line, "\(error)")
        #expect(error.message.hasPrefix(message) && error.file?.hasSuffix("x.conll") == true, "\(error)")
    }

    @Test func filesWithoutWords() throws {
        for contents in ["", "\n \n", "-DOCSTART- O\n\n"] {
            #expect(try textError { _ = try load(contents) }.kind == .emptyDataset)
        }
        #expect(try fileError { _ = try TaggedDataset(contentsOf: "no/file") }.operation == .read)
    }

    @Test func labelsHaveIDsAndUnknownOnesALine() throws {
        let dataset = try load("a O\nb B-X\n\nc I-X\n")
        let map = try LabelMap(labelsOf: dataset)
        #expect(map.names == ["B-X", "I-X", "O"])
        #expect(try dataset.sentences.map { try map.ids(for: $0, in: dataset) } == [[2, 0], [1]])
        let few = try LabelMap(names: ["O", "I-X"])
        let error = try textError { _ = try few.ids(for: dataset.sentences[0], in: dataset) }
        #expect(error.description.hasSuffix("x.conll:2: unknown label \"B-X\"; known labels are O, I-X"))
    }

    // MARK: Pieces

    private static let vocabulary = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##able", "good", "-", ".",
    ]

    private func encode(_ words: [String], _ maxLength: Int? = nil) throws -> WordEncoding {
        let scratch = try TemporaryDirectory()
        let file = try scratch.write("vocab.txt", Self.vocabulary.joined(separator: "\n") + "\n")
        return try TokenizerSource(contentsOf: file).tokenizer().encode(words: words, maxLength: maxLength)
    }

    @Test func firstPiecesOfWords() throws {
        let sentence = try encode(["Unable", "good-good", "what", "\u{200B}\u{0}", "."])
        #expect(sentence.encoding.ids == [2, 5, 6, 7, 8, 7, 1, 1, 9, 3])
        #expect(sentence.encoding.typeIDs == [Int32](repeating: 0, count: 10))
        #expect(sentence.firstPieces == [1, 3, 6, 7, 8])
        #expect(try encode([]).encoding.ids == [2, 3])
    }

    /// The same tokens as of the text, where spaces separate the words.
    @Test func wordsAreTheTextsTokens() throws {
        let scratch = try TemporaryDirectory()
        let file = try scratch.write("vocab.txt", Self.vocabulary.joined(separator: "\n") + "\n")
        let tokenizer = try TokenizerSource(contentsOf: file).tokenizer()
        for maxLength in 3...9 {
            let words = try tokenizer.encode("unable good - good .", maxLength: maxLength)
            #expect(
                try tokenizer.encode(words: ["unable", "good", "-", "good", "."], maxLength: maxLength)
                    .encoding
                    == words)
        }
    }

    /// A word that is cut off has no label; of one that is cut through the first piece keeps it.
    @Test(
        arguments: [
            (3, [2, 5, 3], [1]), (4, [2, 5, 6, 3], [1]), (5, [2, 5, 6, 5, 3], [1, 3]),
            (6, [2, 5, 6, 5, 6, 3], [1, 3]), (7, [2, 5, 6, 5, 6, 7, 3], [1, 3, 5]),
            (8, [2, 5, 6, 5, 6, 7, 3], [1, 3, 5]),
        ] as [(Int, [Int32], [Int32])])
    func truncationDropsTheRest(maxLength: Int, ids: [Int32], firstPieces: [Int32]) throws {
        let sentence = try encode(["unable", "unable", "good"], maxLength)
        #expect(sentence.encoding.ids == ids && sentence.firstPieces == firstPieces)
    }
}

/// Files of words whose columns are in other places, and JSON.
@Suite struct TaggedLayoutTests {
    private func load(
        _ name: String, _ contents: String, labels: LabelUse = .classes, word: ColumnSelector? = nil
    ) throws -> TaggedDataset {
        let scratch = try TemporaryDirectory()
        let options = TextDataset.Options(textColumn: word, labels: labels)
        return try TaggedDataset(contentsOf: scratch.write(name, contents), options: options)
    }

    static let layouts: [(name: String, contents: String, words: [[String]], labels: [[String]])] = [
        (
            "x.conll", "1 EU NNP B-ORG\n2 rejects VBZ O\n\n1 Anna NNP B-PER\n",
            [["EU", "rejects"], ["Anna"]],
            [["B-ORG", "O"], ["B-PER"]]
        ),
        (
            "x.conllu", "# sent_id = 1\n1-2\tdu\t_\t_\n1\tde\tADP\tO\n2\tle\tDET\tO\n2.1\t_\t_\t_\n",
            [["de", "le"]],
            [["O", "O"]]
        ),
        (
            "x.conll", "B-ORG\tEU\nO\trejects\n\nB-PER\tAnna\n", [["EU", "rejects"], ["Anna"]],
            [["B-ORG", "O"], ["B-PER"]]
        ),
        ("x.conll", "EU B-ORG doc1\nrejects O doc1\n", [["EU", "rejects"]], [["B-ORG", "O"]]),
        ("x.conll", "# a comment\n#nlp O\n# O\nacme ORG\n", [["#nlp", "#", "acme"]], [["O", "O", "ORG"]]),
        ("x.conll", "\u{A0} O\na O\n\u{A0}\nb O\n", [["\u{A0}", "a"], ["b"]], [["O", "O"], ["O"]]),
        (
            "x.jsonl",
            "{\"tokens\": [\"EU\"], \"ner_tags\": [3]}\n{\"tokens\": [\"a\", \"b\"], \"ner_tags\": [0, 0]}\n",
            [["EU"], ["a", "b"]], [["3"], ["0", "0"]]
        ),
        ("x.json", "[{\"words\": [\"EU\"], \"labels\": [\"B-ORG\"]}]", [["EU"]], [["B-ORG"]]),
        ("x.tsv", "word\ttag\nEU\tB-ORG\nrejects\tO\n", [["EU", "rejects"]], [["B-ORG", "O"]]),
        ("x.conll", "Wort Marke\n\nEU B-ORG\nrejects O\n", [["EU", "rejects"]], [["B-ORG", "O"]]),
        (
            "x.tsv", "1\tEU\tB-ORG\n1\trejects\tO\n\n2\tAnna\tB-PER\n2\tsleeps\tO\n",
            [["EU", "rejects"], ["Anna", "sleeps"]], [["B-ORG", "O"], ["B-PER", "O"]]
        ),
        (
            "x.tsv", "S1\tEU\tNNP\tB-ORG\nS1\tx\tNN\tO\nS2\tAnna\tNNP\tB-PER\n", [["EU", "x"], ["Anna"]],
            [["B-ORG", "O"], ["B-PER"]]
        ),
        (
            "x.conll", "t1 EU B-ORG\nt2 rejects O\n\nt1 Anna B-PER\n", [["EU", "rejects"], ["Anna"]],
            [["B-ORG", "O"], ["B-PER"]]
        ),
        (
            "x.conll", "90 EU B-ORG\n90 x O\n41 Anna B-PER\n", [["EU", "x"], ["Anna"]],
            [["B-ORG", "O"], ["B-PER"]]
        ),
        ("x.conll", "0 2 EU B-ORG\n3 10 rejects O\n", [["EU", "rejects"]], [["B-ORG", "O"]]),
        (
            "x.csv",
            "Sentence #,Word,POS,Tag\nSentence: 1,EU,NNP,B-org\n,\",\",\",\",O\nSentence: 2,Anna,NNP,B-per\n",
            [["EU", ","], ["Anna"]], [["B-org", "O"], ["B-per"]]
        ),
        (
            "x.json",
            "{\"tokens\": [[\"EU\", \"x\"], [\"Anna\"]], \"ner_tags\": [[\"B-ORG\", \"O\"], [\"B-PER\"]]}",
            [["EU", "x"], ["Anna"]], [["B-ORG", "O"], ["B-PER"]]
        ),
        (
            "x.jsonl", "{\"tokens\": [\"EU\"], \"tags\": [\"N\"], \"ner_tags\": [\"B-ORG\"]}", [["EU"]],
            [["B-ORG"]]
        ),
    ]

    @Test(arguments: layouts.indices)
    func layout(index: Int) throws {
        let layout = Self.layouts[index]
        let dataset = try load(layout.name, layout.contents)
        #expect(dataset.sentences.map(\.words) == layout.words)
        #expect(dataset.sentences.map(\.labels) == layout.labels)
        #expect(
            try load(layout.name, layout.contents, labels: .unused).sentences.map(\.words) == layout.words)
    }

    @Test func whatCannotBeToldIsRefused() throws {
        let words = (0..<20).map { "NN word\($0)\n" }.joined()
        let reversed = try textError { _ = try load("x.conll", words) }
        #expect(
            reversed.message.contains("the columns are 0 (NN | NN | NN), 1 (word0 | word1 | word2)"),
            "\(reversed)")
        let uneven = try textError { _ = try load("x.jsonl", "{\"tokens\": [\"a\"], \"tags\": []}") }
        #expect(
            uneven.description.hasSuffix("x.jsonl:1: has 1 word but 0 labels; expected one for each word"))
    }

    @Test(arguments: [
        ("x.conll", "word tag\nEU B-ORG\nx O\n", "x.conll:1: is a header (\"word\", \"tag\") and not a word"),
        ("x.conll", "7 EU B-ORG\n7 x O\n\n8 y O\n", "word is column 1, label is column 2 (of 3"),
        (
            "x.jsonl", "{\"tokens\": [\"EU\"], \"pos_tags\": [\"N\"], \"chunk_tags\": [\"O\"]}",
            "the labels are \"pos_tags\"; not used: \"chunk_tags\""
        ),
    ])
    func whatIsNotReadIsNoted(name: String, contents: String, note: String) throws {
        #expect(try load(name, contents).notes.contains { $0.contains(note) })
    }

    @Test(arguments: [
        (
            "1\tEU\teu\tPROPN\tN\t_\t2\tx\t_\tSpaceAfter=No\n2\tx\tx\tX\tX\t_\t0\tx\t_\t_\n",
            "the last column does not look like labels; the columns are 0 (1 | 2), 1 (EU | x)"
        ),
        ("word tag\nEU B-ORG\n\nword tag\nx O\n", "repeats the header of line 1"),
        ("label\ttext\nI love it so\tgood\nI hate it so\tbad\n", "has a text and not a word in column 0"),
    ])
    func whatIsNotWordsIsRefused(contents: String, message: String) throws {
        let error = try textError { _ = try load("x.conllu", contents) }
        #expect(error.message.contains(message), "\(error)")
    }

    @Test func columnsHaveTheNamesOfTheirHeader() throws {
        let dataset = try load("x.conll", "tag form word\nO A a\nB-X B b\n", word: "word")
        #expect(dataset.sentences.map(\.words) == [["a", "b"]])
        #expect(dataset.sentences.map(\.labels) == [["O", "B-X"]])
    }

    /// What predict reads as words, and what as texts.
    @Test(arguments: [
        ("x", "Anna B-PER\nsees O\n\nBob B-PER\n", ["Anna", "sees", "Bob"]),
        ("x.txt", "Anna B-PER\nsees O\n", ["Anna", "sees"]),
        ("x.tsv", "B-PER\tAnna\nO\tsees\nB-PER\tBob\n", ["Anna", "sees", "Bob"]),
        ("x", "1\tEU\teu\tN\tN\t_\t2\tx\t_\t_\n2\tx\tx\tX\tX\t_\t0\tx\t_\t_\n", ["EU", "x"]),
        ("x.csv", "Sentence #,Word,Tag\nSentence: 1,EU,B-org\n,x,O\n", ["EU", "x"]),
        ("x.txt", "O Romeo\nO Juliet\n", nil), ("x.txt", "O, Romeo\nO, Juliet\n", nil),
        ("x.txt", "I-95 is closed\nI-80 is open\n", nil),
        ("x.txt", "good film\nbad film\n\nfine plot\n", nil),
        ("x.tsv", "good\tfine film\nbad\tso bad a film\n", nil),
    ])
    func wordsAreToldFromTexts(name: String, contents: String, words: [String]?) throws {
        let scratch = try TemporaryDirectory()
        let read = try TextsOrWords(
            contentsOf: scratch.write(name, contents), unnamed: .auto,
            options: TextDataset.Options(labels: .unused))
        switch read {
        case .words(let dataset): #expect(dataset.sentences.flatMap(\.words) == words)
        case .texts: #expect(words == nil)
        }
    }
}
