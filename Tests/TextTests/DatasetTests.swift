import Foundation
import TestSupport
import Testing
import Text

@Suite struct DatasetTests {
    private typealias Options = TextDataset.Options

    private func load(
        _ name: String, _ contents: String, format: TextDataset.Format = .auto,
        options: TextDataset.Options = TextDataset.Options()
    ) throws -> TextDataset {
        let scratch = try TemporaryDirectory()
        return try TextDataset.load(path: scratch.write(name, contents), format: format, options: options)
    }

    // MARK: Lines

    @Test func textsAndLabelsInTwoFiles() throws {
        let scratch = try TemporaryDirectory()
        let path = try scratch.write("train.txt", "good film\n\tquoted \"text\"\r\n\nlast")
        _ = try scratch.write("train_labels.txt", "1\n0 \n1\n0\n")
        let dataset = try TextDataset.load(path: path)
        #expect(
            dataset.examples == [
                TextExample(text: "good film", label: "1"),
                TextExample(text: "\tquoted \"text\"", label: "0"),
                TextExample(text: "", label: "1"), TextExample(text: "last", label: "0"),
            ])
        #expect(dataset.lines == [1, 2, 3, 4])
        #expect(dataset.labelFile.hasSuffix("train_labels.txt"))
    }

    @Test func textsWithoutLabels() throws {
        let dataset = try load("input.txt", "a\tb\nc\n")
        #expect(dataset.examples.map(\.text) == ["a\tb", "c"])
        #expect(!dataset.hasLabels)
        let error = try textError {
            _ = try load("input.txt", "a\nb\n", options: Options(labels: .classes))
        }
        #expect(error.kind == .invalidLabel)
        #expect(error.line == nil && error.file?.hasSuffix("input.txt") ?? false)
    }

    @Test func numbersOfTextsAndLabelsDiffer() throws {
        let scratch = try TemporaryDirectory()
        let path = try scratch.write("valid.txt", "a\nb\nc\n")
        _ = try scratch.write("valid_labels.txt", "0\n1\n")
        let error = try textError { _ = try TextDataset.load(path: path) }
        #expect(error.kind == .countMismatch)
        for part in ["3 texts", "2 labels", "valid.txt", "valid_labels.txt"] {
            #expect(error.description.contains(part), "\(error)")
        }
    }

    @Test func blankLabelLine() throws {
        let scratch = try TemporaryDirectory()
        let path = try scratch.write("valid.txt", "a\nb\nc\n")
        _ = try scratch.write("valid_labels.txt", "0\n\n1\n")
        let error = try textError { _ = try TextDataset.load(path: path) }
        #expect(error.kind == .invalidLabel)
        #expect(error.line == 2)
        #expect(error.file?.hasSuffix("valid_labels.txt") == true)
    }

    // MARK: TSV

    static let tables: [(contents: String, options: TextDataset.Options, example: TextExample)] = [
        ("pos\tfine\n", Options(), TextExample(text: "fine", label: "pos")),
        ("pos\tfine\tfilm\r\n\r\n", Options(), TextExample(text: "fine", pair: "film", label: "pos")),
        ("fine\n", Options(), TextExample(text: "fine")),
        ("label\ttext\npos\tfine\n", Options(), TextExample(text: "fine", label: "pos")),
        ("\u{FEFF}sentence\tlabel\nfine\tpos\n", Options(), TextExample(text: "fine", label: "pos")),
        ("index\tsentence\n7\tfine\n", Options(), TextExample(text: "fine")),
        (
            "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t5\t6\t\"a\" b\tc\"\r\n", Options(),
            TextExample(text: "\"a\" b", pair: "c\"", label: "1")
        ),
        (
            "index\tquestion\tsentence\tlabel\n0\tq?\ts\tentailment\n", Options(),
            TextExample(text: "q?", pair: "s", label: "entailment")
        ),
        ("text\tx\n", Options(header: .absent), TextExample(text: "x", label: "text")),
        ("label\ttext\n", Options(header: .absent), TextExample(text: "text", label: "label")),
        (
            "y\tbody\tnote\n1\tfine\tn\n", Options(textColumn: "body", labelColumn: "y"),
            TextExample(text: "fine", label: "1")
        ),
        (
            "y\tbody\tnote\n1\tfine\tn\n", Options(header: .present, textColumn: 1, pairColumn: 2),
            TextExample(text: "fine", pair: "n", label: "1")
        ),
        ("fine\tfilm\n", Options(textColumn: 0, pairColumn: 1), TextExample(text: "fine", pair: "film")),
        (
            "a\tb\tc\tfine\tpos\n", Options(textColumn: 3, labelColumn: 4),
            TextExample(text: "fine", label: "pos")
        ),
    ]

    @Test(arguments: tables.indices)
    func table(index: Int) throws {
        let table = DatasetTests.tables[index]
        let dataset = try load("x.tsv", table.contents, options: table.options)
        #expect(dataset.examples == [table.example])
    }

    static let badTables: [(contents: String, options: TextDataset.Options, line: Int, part: String)] = [
        ("1\ta\n0\tb\tc\n", Options(), 2, "has 3 tab-separated columns; expected 2"),
        ("label\ttext\n1\n", Options(), 2, "has 1 tab-separated columns; expected 2"),
        ("1\ta\n\n0\tb\n", Options(), 2, "has 1 tab-separated columns"),
        ("a\tb\tc\td\n", Options(), 1, "has 4 columns and no known header"),
        ("a\tb\n1\tx\n", Options(header: .present), 1, "no text column among a, b"),
        ("a\tb\n1\tx\n", Options(textColumn: "c"), 1, "no column named \"c\"; columns are a, b"),
        ("a\tb\n1\tx\n", Options(header: .absent, textColumn: "b"), 1, "there is no header"),
        ("a\tb\n", Options(textColumn: 2), 1, "column 2 was asked for"),
        ("a\tb\n", Options(textColumn: -1), 1, "column -1 was asked for"),
    ]

    @Test(arguments: badTables.indices)
    func badTable(index: Int) throws {
        let table = DatasetTests.badTables[index]
        let error = try textError { _ = try load("x.tsv", table.contents, options: table.options) }
        #expect(error.kind == .invalidColumns)
        #expect(error.line == table.line)
        #expect(error.message.contains(table.part), "\(error)")
    }

    @Test func emptyLabelField() throws {
        let error = try textError { _ = try load("x.tsv", "1\ta\n\tb\n") }
        #expect(error.kind == .invalidLabel)
        #expect(error.line == 2)
    }

    // MARK: JSONL

    @Test func jsonLines() throws {
        let dataset = try load(
            "x.jsonl",
            """
            {"text": "fine \\u00e9\\ud83d\\ude00\\n", "label": "pos"}

            {"label": 1, "sentence1": "a", "sentence2": "b"}
            {"text": "c", "text_pair": null, "label": 2.50}
            {"text": "d", "label": 3.0}
            {"text": "e", "label": true}
            """)
        #expect(
            dataset.examples == [
                TextExample(text: "fine é😀\n", label: "pos"), TextExample(text: "a", pair: "b", label: "1"),
                TextExample(text: "c", label: "2.50"), TextExample(text: "d", label: "3"),
                TextExample(text: "e", label: "true"),
            ])
        #expect(dataset.lines == [1, 3, 4, 5, 6])
    }

    @Test func jsonMembersByName() throws {
        let options = Options(textColumn: "body", pairColumn: "note", labelColumn: "y")
        let dataset = try load(
            "x.json", #"{"text": "no", "body": "a", "note": "b", "y": 0}"#, options: options)
        #expect(dataset.examples == [TextExample(text: "a", pair: "b", label: "0")])
    }

    @Test(arguments: [
        ("{\"text\": \"a\"}\n{\"text\": }", TextError.Kind.invalidJSON, 2, "byte 9"),
        ("{\"text\": \"a\"} x", .invalidJSON, 1, "after the value"),
        ("{\"text\": 01}", .invalidJSON, 1, "expected a value"),
        ("[1]", .invalidJSON, 1, "is a number; expected an object"),
        ("{\"label\": 1}", .invalidColumns, 1, "no text among the members label"),
        ("{\"text\": 5}", .invalidColumns, 1, "the text is a number"),
        (
            "{\"text\": \"a\", \"text_pair\": \"b\"}\n{\"text\": \"a\", \"text_pair\": 5}", .invalidColumns,
            2,
            "second text is a number"
        ),
        ("{\"text\": \"a\", \"label\": [1]}", .invalidLabel, 1, "label is an array"),
        ("{\"text\": \"a\", \"label\": 1}\n{\"text\": \"a\"}", .invalidLabel, 2, "others have one"),
        ("{\"text\": \"a\"}\n{\"text\": \"a\", \"label\": 1}", .invalidLabel, 1, "others have one"),
    ])
    func badJSONLine(contents: String, kind: TextError.Kind, line: Int, part: String) throws {
        let error = try textError { _ = try load("x.jsonl", contents) }
        #expect(error.kind == kind)
        #expect(error.line == line)
        #expect(error.message.contains(part), "\(error)")
    }

    // MARK: Any format

    @Test(arguments: ["x.txt", "x.tsv", "x.jsonl"])
    func missingEmptyAndInvalid(name: String) throws {
        let scratch = try TemporaryDirectory()
        let missing = try fileError { _ = try TextDataset.load(path: scratch.path + "/" + name) }
        #expect(missing.description.contains(name))
        let empty = try scratch.write(name, "")
        #expect(try textError { _ = try TextDataset.load(path: empty) }.kind == .emptyDataset)
        let invalid = try scratch.write(name, Array("a\nb".utf8) + [0xFF] + Array("\n".utf8))
        let error = try textError { _ = try TextDataset.load(path: invalid) }
        #expect(error.kind == .invalidUTF8)
        #expect(error.line == 2)
        #expect(error.message.contains("byte offset 3"))
    }

    @Test func headerAloneIsEmpty() throws {
        #expect(try textError { _ = try load("x.tsv", "label\ttext\n") }.kind == .emptyDataset)
    }

    @Test func directoryAndUnknownEnding() throws {
        let scratch = try TemporaryDirectory()
        let directory = try fileError { _ = try TextDataset.load(path: scratch.path, format: .tsv) }
        #expect(directory.message.hasPrefix("is a directory; expected"))
        #expect(try textError { _ = try load("x.dat", "a\n") }.kind == .unknownFormat)
        #expect(try load("x.dat", "1\ta\n", format: .tsv).count == 1)
    }

    // MARK: Labels

    private func labelled(_ labels: String...) -> TextDataset {
        TextDataset(labels.map { TextExample(text: "t", label: $0) }, name: "x.tsv")
    }

    @Test func labelOrder() throws {
        #expect(try LabelMap(labelsOf: labelled("10", "9", "-1", "9")).names == ["-1", "9", "10"])
        #expect(
            try LabelMap(labelsOf: labelled("b", "B", "10", "9", "é")).names == ["10", "9", "B", "b", "é"])
        let map = try LabelMap(labelsOf: labelled("rotten"), labelled("fresh"))
        #expect(map.names == ["fresh", "rotten"])
        #expect(try map.ids(for: labelled("rotten", "fresh")) == [1, 0])
        #expect(map.id(of: "fresh") == 0)
        #expect(map.name(of: 1) == "rotten")
        #expect(map.name(of: 2) == nil)
    }

    @Test func badLabels() throws {
        let map = try LabelMap(names: ["fresh", "rotten"])
        let unknown = try textError { _ = try map.ids(for: labelled("fresh", "stale")) }
        #expect(unknown.description == "x.tsv:2: unknown label \"stale\"; known labels are fresh, rotten")
        let none = TextDataset([TextExample(text: "t")], name: "x.tsv")
        #expect(try textError { _ = try map.ids(for: none) }.line == 1)
        #expect(try textError { _ = try LabelMap(names: ["a", "a"]) }.kind == .invalidLabel)
        #expect(try textError { _ = try LabelMap(labelsOf: none) }.kind == .invalidLabel)
    }

    @Test func regression() throws {
        #expect(try labelled("1", "2.5", "-3e-1").regressionTargets() == [1, 2.5, -0.3])
        for label in ["good", "nan", "inf", "1e99"] {
            let error = try textError { _ = try labelled("1", label).regressionTargets() }
            #expect(error.line == 2)
            #expect(error.message.contains(label))
        }
    }
}
