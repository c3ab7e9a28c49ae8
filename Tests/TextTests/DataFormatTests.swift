import Foundation
import TestSupport
import Testing
import Text

/// The same two examples in every format that is read.
@Suite struct DataFormatTests {
    private static let examples = [
        TextExample(text: "I love it, \"really\"", label: "pos"), TextExample(text: "so\nbad", label: "neg"),
    ]
    private static let csv = "label,text\r\npos,\"I love it, \"\"really\"\"\"\r\nneg,\"so\nbad\"\r\n"

    static let files: [(name: String, contents: String)] = [
        ("x.csv", csv), ("x.csv", "\u{FEFF}" + csv), ("x", csv), ("x.tsv", csv),
        (
            "x.csv",
            csv.replacing("label,", with: "label;").replacing("pos,", with: "pos;").replacing(
                "neg,", with: "neg;")
        ),
        ("x.tsv", "label\ttext\n\"pos\"\t\"I love it, \"\"really\"\"\"\n\"neg\"\t\"so\nbad\"\n"),
        (
            "x.jsonl",
            #"{"label": "pos", "text": "I love it, \"really\""}"# + "\n"
                + #"{"label": "neg", "text": "so\nbad"}"#
        ),
        (
            "x.json",
            "[\n" + #"{"label": "pos", "text": "I love it, \"really\""},"# + "\n"
                + #"{"label": "neg", "text": "so\nbad"}"#
                + "\n]"
        ),
        (
            "x.json",
            #"{"version": 1, "data": [{"label": "pos", "text": "I love it, \"really\""}, {"label": "neg", "text": "so\nbad"}]}"#
        ),
        ("x.json", #"{"label": ["pos", "neg"], "text": ["I love it, \"really\"", "so\nbad"]}"#),
        (
            "x.json",
            #"{"label": {"0": "pos", "1": "neg"}, "text": {"0": "I love it, \"really\"", "1": "so\nbad"}}"#
        ),
        (
            "x.json",
            #"{"columns": ["label", "text"], "data": [["pos", "I love it, \"really\""], ["neg", "so\nbad"]]}"#
        ),
    ]

    @Test(arguments: files.indices)
    func sameExamples(index: Int) throws {
        let scratch = try TemporaryDirectory()
        let path = try scratch.write(Self.files[index].name, Self.files[index].contents)
        let dataset = try TextDataset.load(path: path, options: TextDataset.Options(labels: .classes))
        #expect(dataset.examples == Self.examples)
    }

    /// `printf 'pos\tfine\nneg\tbad\n' | gzip -n`, whole, cut short, and with a byte changed.
    @Test func gzip() throws {
        let whole: [UInt8] = Array(
            Data(base64Encoded: "H4sIAAAAAAAAAyvIL+ZMy8xL5cpLTedMSkzhAgASZFglEQAAAA==") ?? Data())
        let scratch = try TemporaryDirectory()
        let dataset = try TextDataset.load(path: scratch.write("x.tsv.gz", whole))
        #expect(dataset.examples.map(\.text) == ["fine", "bad"])
        let twice = try TextDataset.load(path: scratch.write("x.tsv.gz", whole + whole))
        #expect(twice.count == 4)
        let padded = whole + [UInt8](repeating: 0, count: 9)
        #expect(try TextDataset.load(path: scratch.write("x.tsv.gz", padded)).count == 2)
        let followed = try textError {
            _ = try TextDataset.load(
                path: scratch.write("x.tsv.gz", whole + [0x1E] + whole.dropFirst()))
        }
        #expect(followed.kind == .damagedFile, "\(followed)")
        let cut = try textError {
            _ = try TextDataset.load(path: scratch.write("x.tsv.gz", Array(whole.prefix(20))))
        }
        #expect(cut.kind == .damagedFile && cut.message.contains("ends in the middle"), "\(cut)")
        var changed = whole
        changed[14] ^= 0xFF
        let broken = try textError {
            _ = try TextDataset.load(path: scratch.write("x.tsv.gz", changed))
        }
        #expect(broken.kind == .damagedFile, "\(broken)")
    }

    @Test(
        arguments: [
            (Array("PAR1".utf8) + [0x15, 0, 0x15], "a Parquet file"),
            ([0x50, 0x4B, 3, 4, 0x14, 0], "a ZIP archive"),
            (Array("ARROW1".utf8) + [0, 0], "an Arrow file"), ([0xFF, 0xFE, 0x61, 0], "UTF-16 text"),
        ] as [([UInt8], String)])
    func otherFormatsAreNamed(bytes: [UInt8], name: String) throws {
        let scratch = try TemporaryDirectory()
        let error = try textError { _ = try TextDataset.load(path: scratch.write("x.csv", bytes)) }
        #expect(error.kind == .unknownFormat && error.message.contains(name), "\(error)")
    }

    /// Errors name the line of the file, not of the row.
    @Test(arguments: [
        ("x.csv", "label,text\npos,\"a\nb\"\nneg,c,d\n", 4, "has 3 comma-separated columns; expected 2"),
        ("x.csv", "label,text\npos,\"a\nneg,b\n", 2, "a quoted field begins here and never ends"),
        ("x.json", "[\n{\"text\": \"a\"},\n{\"text\": }\n]", 3, "not valid JSON at byte 9"),
        (
            "x.json", "{\"a\": [{\"text\": \"a\"}], \"b\": [{\"text\": \"b\"}]}", nil,
            "several lists of examples: \"a\", \"b\""
        ),
    ])
    func mistakesHaveTheirLine(name: String, contents: String, line: Int?, part: String) throws {
        let scratch = try TemporaryDirectory()
        let error = try textError { _ = try TextDataset.load(path: scratch.write(name, contents)) }
        #expect(error.line == line && error.message.contains(part), "\(error)")
    }
}
