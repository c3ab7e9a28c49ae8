import Foundation
import Support

/// Whether the first row of a file with columns names them.
public enum TableHeader: String, Sendable, CaseIterable { case auto, present, absent }

/// How a data file is laid out.
public enum DataFormat: String, Sendable, CaseIterable {
    /// By the ending of the name, else by the first lines. A further ending `.gz` does not count.
    case auto
    /// Columns separated by tabs; quotes are ordinary characters unless all of a column is quoted.
    case tsv
    /// Columns separated by commas (or semicolons, tabs or bars, whichever fits), quoted as RFC 4180 has it.
    case csv
    /// JSON: an array of objects, objects one after another, or an object of columns.
    case json
    /// One JSON object per line; read as `json` is.
    case jsonl
    /// One text per line; the labels of `X.txt` are the lines of `X_labels.txt` beside it.
    case lines
    /// A word and its label per line, sentences ended by blank lines.
    case conll

    private static let endings: [TextKey: DataFormat] = [
        "tsv": .tsv, "tab": .tsv, "csv": .csv, "json": .json, "jsonl": .json, "ndjson": .json, "txt": .lines,
        "conll": .conll, "conllu": .conll, "iob": .conll, "iob2": .conll, "bio": .conll, "bioes": .conll,
    ]

    /// The format that the ending of a file's name says.
    static func named(by path: String) -> DataFormat? { endings[TextKey(DataPath.ending(of: path))] }

    /// The format of a file for which none was chosen.
    ///
    /// - Throws: `.unknownFormat` for an ending that is not known and contents that have no columns.
    static func of(_ file: SourceFile, at path: String) throws(TextError) -> DataFormat {
        if let format = named(by: path) { return format }
        let ending = DataPath.ending(of: path)
        if let format = sniffed(file) { return format }
        guard ending.isEmpty || !file.isRepeatable else {
            throw TextError(
                .unknownFormat, file: file.path,
                "cannot tell the format from the ending \"\(ending)\"; name the file .tsv, .csv, .jsonl or .txt, "
                    + "or set the format to tsv, csv, jsonl or lines")
        }
        return .lines
    }

    /// What the first lines look like; `nil` for plain lines.
    static func sniffed(_ file: SourceFile) -> DataFormat? {
        let lines = file.lines.prefix(50)
        let sample = lines.filter { !$0.isEmpty }
        guard let first = sample.first else { return nil }
        if JSONRecords.beginsWithJSON(file) { return .json }
        let tabs = first.count { $0 == UInt8(ascii: "\t") }
        if tabs > 0, sample.allSatisfy({ line in line.count { $0 == UInt8(ascii: "\t") } == tabs }) {
            return .tsv
        }
        let whole = withoutOpenQuote(lines)
        let isCSV = DelimitedCells.looksLikeCSV(Array(whole.joined(separator: [UInt8(ascii: "\n")])))
        return isCSV ? .csv : nil
    }

    /// The first lines up to one that ends outside of quotes, so that no quoted field is cut.
    private static func withoutOpenQuote(_ lines: ArraySlice<ArraySlice<UInt8>>) -> ArraySlice<
        ArraySlice<UInt8>
    > {
        var (quotes, end) = (0, lines.startIndex)
        for (index, line) in zip(lines.indices, lines) {
            quotes += line.count { $0 == UInt8(ascii: "\"") }
            if quotes.isMultiple(of: 2) { end = index + 1 }
        }
        return lines[..<end]
    }
}
