import Foundation
import Support

extension TextDataset {
    /// Where the labels of `X.txt` are: `X_labels.txt`. Either may have a further ending `.gz`.
    package static func labelPath(forText path: String) -> String {
        let isCompressed = path.lowercased().hasSuffix(".gz")
        let name = (isCompressed ? String(path.dropLast(3)) : path) as NSString
        let ending = name.pathExtension
        let labels = name.deletingPathExtension + "_labels" + (ending.isEmpty ? "" : "." + ending)
        let compressed = labels + ".gz"
        return isCompressed && FileManager.default.fileExists(atPath: compressed) ? compressed : labels
    }

    /// One text per line, and the labels, if they are wanted and their file exists, line by line beside them.
    static func loadLines(_ file: SourceFile, at path: String, _ options: Options) throws
        -> TextDataset
    {
        let texts = file.lines
        guard !texts.isEmpty else {
            throw TextError(.emptyDataset, file: file.path, "holds no texts; expected at least one line")
        }
        let labelPath = labelPath(forText: path)
        let hasLabels = path != DataPath.standardInput && FileManager.default.fileExists(atPath: labelPath)
        guard options.labels != .unused, hasLabels, !options.choosesColumns else {
            return try loadLines(file, texts, at: path, options)
        }
        let labels = try SourceFile(path: labelPath, expected: "a file with one label per line").lines
        guard texts.count == labels.count else {
            throw TextError(
                .countMismatch, file: file.path,
                "has \(Formatted.count(texts.count, "text")) but \(labelPath) has \(Formatted.count(labels.count, "label")); "
                    + "expected one line in each for every example")
        }
        let examples = zip(texts, labels).map { text, label in
            TextExample(text: String(utf8: text), label: trimmed(label))
        }
        let dataset = TextDataset(
            examples, textFile: file.path, labelFile: labelPath, lines: Array(1..<(texts.count + 1)))
        return options.labels.isRequired && options.labels != .sets
            ? try dataset.withWholeLabels(options).leavingOutUnlabelled(options) : dataset
    }

    /// Lines alone. Where every line has a tab they are columns if labels are wanted, which texts alone do not have.
    private static func loadLines(
        _ file: SourceFile, _ texts: [ArraySlice<UInt8>], at path: String, _ options: Options
    ) throws(TextError) -> TextDataset {
        let tabs = texts.first.map { line in line.count { $0 == UInt8(ascii: "\t") } } ?? 0
        let haveColumns =
            tabs > 0 && texts.count > 1
            && texts.allSatisfy { line in line.count { $0 == UInt8(ascii: "\t") } == tabs }
        if haveColumns, options.labels.isRequired || options.choosesColumns {
            var dataset = try TableReader(DataTable(tsv: file), options: options).dataset()
            dataset.notes.insert("\(file.path): every line has tabs, and is read as columns", at: 0)
            return dataset
        }
        guard !options.choosesColumns else {
            throw TextError(
                .invalidColumns, file: file.path, line: 1,
                "has one text per line and no columns, but one was chosen; name the file .tsv or .csv, or set the format"
            )
        }
        guard !options.labels.isRequired else {
            let labelPath = labelPath(forText: path)
            throw TextError(
                .invalidLabel, file: file.path,
                "has one text per line and no labels; expected "
                    + (file.path == path ? "the label of every line in \(labelPath), or " : "")
                    + "columns (.tsv, .csv or .jsonl)")
        }
        let look = haveColumns ? .tsv : DataFormat.sniffed(file)
        let notes =
            look.map {
                [
                    "\(file.path): every line is a text as it stands, though the file looks like \($0.rawValue); set the format "
                        + "to \($0.rawValue) to read it so"
                ]
            } ?? []
        return TextDataset(
            texts.map { TextExample(text: String(utf8: $0)) }, textFile: file.path, labelFile: file.path,
            lines: Array(1..<(texts.count + 1)), notes: notes)
    }

    /// A label without the white space around it.
    static func trimmed(_ label: some Collection<UInt8>) -> String {
        String(utf8: label).trimmingCharacters(in: .whitespaces)
    }
}
