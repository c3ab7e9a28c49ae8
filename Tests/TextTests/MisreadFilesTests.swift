import Foundation
import TestSupport
import Testing
import Text

/// Files that a careless reader takes for something else: each is read as it is meant, and what is left out is said.
@Suite struct MisreadFilesTests {
    struct File: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var name = "x.tsv"
        let contents: String
        var labels = LabelUse.classes
        let first: TextExample
        let count: Int
        /// Part of a note.
        var note: String?
    }

    private static let fine = TextExample(text: "I love it so", label: "pos")

    static let files: [File] = [
        .init(
            testDescription: "a number before the text",
            contents: "pos\t3\tI love it so\nneg\t7\tI hate it so\npos\t3\tso good a film\n", first: fine,
            count: 3, note: "not used: 1"),
        .init(
            testDescription: "a confidence after the text", name: "x.csv",
            contents: "pos,I love it so,0.91\nneg,I hate it so,0.4\npos,so good a film,0.77\n", first: fine,
            count: 3, note: "not used: 2"),
        .init(
            testDescription: "a place",
            contents: "pos\tI love it so\tLondon\nneg\tI hate it so\tLondon\npos\tso good a film\tLondon\n",
            first: fine, count: 3, note: "not used: 2"),
        .init(
            testDescription: "names of users, without labels",
            contents: "pos\tann_7\tI love it so\nneg\tbob\tI hate it so\npos\tcarl\tso good a film\n",
            labels: .unused,
            first: TextExample(text: "I love it so"), count: 3, note: "text is column 2"),
        .init(
            testDescription: "addresses",
            contents: "pos\thttp://a.b/c\tI love it so\nneg\thttp://a.b/d\tI hate it so\n", first: fine,
            count: 2, note: "not used: 1"),
        .init(
            testDescription: "numbers of two spellings, without header",
            contents: "1\tI love it so\n1.0\tfine film\n0\tbad film it is\n0.0\tbad bad bad\n",
            first: TextExample(text: "I love it so", label: "1"), count: 4),
        .init(
            testDescription: "dates",
            contents: "pos\t2020-01-02\tI love it so\nneg\t2020-01-03\tI hate it so\n",
            first: fine, count: 2, note: "not used: 1"),
        .init(
            testDescription: "two texts", contents: "pos\tI love it so\tbad\nneg\tI hate it so\tvery good\n",
            first: TextExample(text: "I love it so", pair: "bad", label: "pos"), count: 2),
        .init(
            testDescription: "pandas' numbers of columns",
            contents: "0\t1\npos\tI love it so\nneg\tI hate it so\n",
            first: fine, count: 2, note: "numbers the columns"),
        .init(
            testDescription: "pandas' numbers of columns and index", name: "x.csv",
            contents: ",0,1\n0,I love it so,pos\n1,I hate it so,neg\n2,so good a film,pos\n", first: fine,
            count: 3,
            note: "numbers the columns"),
        .init(
            testDescription: "a short text before a long one",
            contents: "fine film\tthe plot is very very good and not at all bad\n", labels: .unused,
            first: TextExample(text: "fine film", pair: "the plot is very very good and not at all bad"),
            count: 1, note: "second text is column 1"),
        .init(
            testDescription: "ends of lines of old systems",
            contents: "label\ttext\rpos\tI love it so\rneg\tbad\r",
            first: fine, count: 2),
        .init(
            testDescription: "a list of objects beside a text", name: "x.jsonl",
            contents: #"{"text":"I love it so","label":"pos","entities":[{"text":"it"}]}"#, first: fine,
            count: 1),
        .init(
            testDescription: "a description beside the examples", name: "x.json",
            contents: #"{"description":"films","data":[{"text":"I love it so","label":"pos"}]}"#, first: fine,
            count: 1),
        .init(
            testDescription: "Excel's separator", name: "x.csv",
            contents: "sep=^\nlabel^text\npos^I love it so\nneg^bad\n", first: fine, count: 2),
        .init(
            testDescription: "whole numbers as fractions", name: "x.csv",
            contents: "text,label\na,1.0\nb,0\nc,1\nd,-1.0\ne,2\n", first: TextExample(text: "a", label: "1"),
            count: 4),
    ]

    @Test(arguments: files) func isReadAsMeant(_ file: File) throws {
        let scratch = try TemporaryDirectory()
        let dataset = try TextDataset.load(
            path: scratch.write(file.name, file.contents), options: TextDataset.Options(labels: file.labels))
        #expect(dataset.examples.first == file.first)
        #expect(dataset.count == file.count)
        if let note = file.note { #expect(dataset.notes.contains { $0.contains(note) }, "\(dataset.notes)") }
    }

    static let refused: [(name: String, bytes: [UInt8], line: Int?, part: String)] = [
        (
            "x.tsv",
            Array(
                "etiqueta\ttexto\npos\tI love it so\nneg\tI hate it so\netiqueta\ttexto\npos\tso good\n".utf8),
            4, "repeats the header"
        ),
        ("x.txt", Array("fine film\nbad\n".utf8).flatMap { [$0, 0] }, nil, "is UTF-16 text"),
        ("x.txt", Array("fine film\nbad\n".utf8).flatMap { [0, $0] }, nil, "iconv -f utf-16be"),
        ("x.txt", Array("fine film\nbad\n".utf8).flatMap { [$0, 0, 0, 0] }, nil, "iconv -f utf-32le"),
        ("x.txt", [0xFF, 0xFE, 0, 0, 0x61, 0, 0, 0], nil, "is UTF-32 text"),
        ("x.txt", Array("fine film\n".utf8), nil, "has one text per line and no labels"),
    ]

    @Test(arguments: refused.indices) func isRefused(index: Int) throws {
        let (name, bytes, line, part) = Self.refused[index]
        let scratch = try TemporaryDirectory()
        let path = try scratch.write(name, bytes)
        let error = try textError {
            _ = try TextDataset.load(path: path, options: TextDataset.Options(labels: .classes))
        }
        #expect(error.file == path && error.line == line && error.message.contains(part), "\(error)")
    }
}
