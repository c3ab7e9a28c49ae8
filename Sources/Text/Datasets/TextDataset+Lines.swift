import Foundation

extension TextDataset {
    /// Where the labels of `X.txt` are: `X_labels.txt`.
    package static func labelPath(forText path: String) -> String {
        let name = path as NSString
        let ending = name.pathExtension
        return name.deletingPathExtension + "_labels" + (ending.isEmpty ? "" : "." + ending)
    }

    /// One text a line, and the labels, if their file exists, line by line beside them.
    static func loadLines(path: String) throws(TextError) -> TextDataset {
        let texts = try SourceFile(path: path, expected: "a text file with one example a line").lines
        let labelPath = labelPath(forText: path)
        guard FileManager.default.fileExists(atPath: labelPath) else {
            return TextDataset(
                texts.map { TextExample(text: String(utf8: $0)) }, textFile: path, labelFile: labelPath,
                lines: Array(1..<(texts.count + 1)))
        }
        let labels = try SourceFile(path: labelPath, expected: "a file with one label a line").lines
        guard texts.count == labels.count else {
            throw TextError(
                .countMismatch, file: path,
                "has \(texts.count) texts but \(labelPath) has \(labels.count) labels; "
                    + "expected one line in each for every example")
        }
        let examples = zip(texts, labels).map { text, label in
            TextExample(text: String(utf8: text), label: trimmed(label))
        }
        return TextDataset(
            examples, textFile: path, labelFile: labelPath, lines: Array(1..<(texts.count + 1)))
    }

    /// A label without the white space around it.
    static func trimmed(_ label: some Collection<UInt8>) -> String {
        String(utf8: label).trimmingCharacters(in: .whitespaces)
    }
}
