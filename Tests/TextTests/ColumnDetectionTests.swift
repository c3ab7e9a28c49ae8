import Support
import TestSupport
import Testing
import Text

/// Which column is what.
@Suite struct ColumnDetectionTests {
    private func load(
        _ name: String, _ contents: String, labels: LabelUse = .classes,
        header: TableHeader = .auto
    ) throws -> TextDataset {
        let scratch = try TemporaryDirectory()
        return try TextDataset.load(
            path: scratch.write(name, contents), options: TextDataset.Options(header: header, labels: labels))
    }

    @Test(arguments: PublicLayout.all)
    func publicLayout(_ layout: PublicLayout) throws {
        let use: LabelUse = layout.label == nil ? .unused : layout.numbers ? .numbers : .classes
        let dataset = try load(layout.csv ? "x.csv" : "x.tsv", layout.contents, labels: use)
        let last = layout.rows[layout.rows.count - 1].split(separator: "|", omittingEmptySubsequences: false)
        func cell(_ column: Int) -> String { String(last[column]) }
        let example = try #require(dataset.examples.last)
        #expect(example.text == cell(layout.text))
        #expect(example.pair == layout.pair.map(cell))
        #expect(example.label == layout.label.map(cell))
        #expect((layout.rows.count - 1...layout.rows.count).contains(dataset.count))
        // Without labels the same texts are read.
        let texts = try load(layout.csv ? "x.csv" : "x.tsv", layout.contents, labels: .unused)
        #expect(texts.examples.last?.text == example.text)
    }

    static let refused: [(contents: String, labels: LabelUse, parts: [String])] = [
        (
            "id,comment_text,toxic,severe_toxic,obscene\na1,you are bad,1,0,1\na2,how are you,0,0,0\na3,a fine day,0,0,0\na4,so bad,1,1,0\n",
            .classes, ["more than one column may be the label", "\"obscene\"", "labelColumn"]
        ),
        (
            "text,coarse_label,fine_label\nhow far is it,0,3\nwhat is a word,1,4\nhow far is the sun,0,3\n",
            .classes,
            ["more than one", "\"fine_label\""]
        ),
        (
            "id\ttext\n1\tI love it\n2\tI hate it\n3\tso good\n", .classes,
            ["no column looks like a label", "labelColumn"]
        ),
        ("1\tI love it\n2\tI hate it\n3\tso good\n", .classes, ["no column looks like a label"]),
        ("fine film\tbad film\nit is a plot\tthe plot is fine\n", .classes, ["no column looks like a label"]),
        (
            "text,target\n" + (0..<30).map { "a fine film,a long answer to the question \($0)\n" }.joined(),
            .classes,
            ["holds long texts"]
        ),
        (
            "text,label\n" + (0..<300).map { "a fine film,\($0 * 7 % 1000)\n" }.joined(), .classes,
            ["different numbers", "regression"]
        ),
        (
            "text,score\n" + (0..<40).map { "a fine film,\(Double($0) / 8)\n" }.joined(), .classes,
            ["different fractions", "regression"]
        ),
        (
            "text,label\na fine film,1\na bad film,0\ntext,label\nso so,1\n", .classes,
            ["repeats the header"]
        ),
        ("text,label\na fine film,-1\na bad film,-1\n", .classes, ["no example has a label"]),
    ]

    @Test(arguments: refused.indices)
    func refusedWithWhatToSet(index: Int) throws {
        let (contents, labels, parts) = Self.refused[index]
        let name = contents.contains("\t") ? "x.tsv" : "x.csv"
        let error = try textError { _ = try load(name, contents, labels: labels) }
        for part in parts { #expect(error.description.contains(part), "\(error)") }
    }

    @Test func oneReadingIsSaid() throws {
        let notes = try load("c.tsv", "id\tcomment\tsentiment\n7\tI love it\tpos\n8\tI hate it\tneg\n").notes
        #expect(notes.count == 1)
        #expect(
            notes[0].hasSuffix(
                "text is column 1 \"comment\", label is column 2 \"sentiment\" (from its header); not used: \"id\""
            ))
        #expect(try load("c.tsv", "pos\tI love it\nneg\tI hate it\n").notes.isEmpty)
        #expect(try load("c.tsv", "label\ttext\npos\tI love it\nneg\tI hate it\n").notes.isEmpty)
    }

    /// What stands for no label, and what is left.
    @Test(arguments: [
        (["entailment", "-", "neutral"], false, ["entailment", "neutral"]),
        (["+", "-", "+"], false, ["+", "-", "+"]),
        (["0", "-1", "1"], true, ["0", "1"]),
        (["0", "-1", "1"], false, ["0", "-1", "1"]),
        (["1", "-1", "1"], true, ["1", "-1", "1"]),
        (["0", "-1", "1", "2"], false, ["0", "1", "2"]),
        (["a", "", "b"], false, ["a", "b"]),
    ])
    func rowsWithoutGoldLabel(labels: [String], arePairs: Bool, left: [String]) throws {
        let rows = labels.enumerated().map { index, label in
            "{\"text\": \"a fine film \(index)\", \"label\": \"\(label)\"\(arePairs ? ", \"text_pair\": \"b \(index)\"" : "")}\n"
        }
        let dataset = try load("x.jsonl", rows.joined())
        #expect(dataset.examples.map(\.label) == left)
        let isSaid = dataset.notes.contains {
            $0.contains("\(labels.count - left.count) of \(labels.count) examples")
        }
        #expect(isSaid == (left.count < labels.count))
    }

    /// Other files of a run are laid out as the training data.
    @Test func filesOfARunAgree() throws {
        let scratch = try TemporaryDirectory()
        let train = try TextDataset.load(
            path: scratch.write("t.tsv", "I love it\tpos\nI hate it\tneg\nso good\tpos\n"),
            options: TextDataset.Options(labels: .classes))
        var options = TextDataset.Options(labels: .classes)
        options.like = train.layout
        let valid = try TextDataset.load(path: scratch.write("v.tsv", "fine\tpos\n"), options: options)
        #expect(valid.examples == [TextExample(text: "fine", label: "pos")])
        options.like = try load("t.csv", "id,text,target\n1,a fine film,1\n2,a bad film,0\n").layout
        let error = try textError {
            _ = try TextDataset.load(path: scratch.write("v.csv", "id,text\n1,a film\n"), options: options)
        }
        #expect(
            error.message.contains("has no labels: the training data's are in column 2 \"target\""),
            "\(error)")
    }
}
