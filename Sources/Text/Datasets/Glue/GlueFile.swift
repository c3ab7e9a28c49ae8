/// The examples of one GLUE file.
package struct GlueFile: Sendable {
    package let dataset: TextDataset
    /// The number of each example, as predictions of a test file are submitted; empty for other files.
    package let indices: [String]
    /// Rows of QQP that were left out because fields are missing.
    package let skippedCount: Int

    /// Reads a file in GLUE's format: tab-separated columns in which quotes are ordinary characters, so that they
    /// neither need a partner nor protect a tab.
    ///
    /// Some of QQP's questions held line ends, which broke their rows in two: rows with labels that are not complete
    /// are left out, as all readers do. Elsewhere they are errors. A test file may have labels; then every row has one.
    ///
    /// - Throws: a `TextError` that names file and line for a header that is not the task's, a row with too few or
    /// too many columns, and a label that is missing or not one of the task's.
    package init(path: String, task: GlueTask, split: GlueSplit) throws {
        var rows = try SourceFile(path: path, expected: "\(task.rawValue)'s \(task.fileName(of: split))")
            .lines
        while let last = rows.last, last.isEmpty { rows.removeLast() }
        let reader = try GlueRowReader(header: rows.first, task: task, split: split, path: path)
        var examples: [TextExample] = []
        var lines: [Int] = []
        var indices: [String] = []
        var skippedCount = 0
        for (offset, row) in rows.enumerated().dropFirst(reader.hasHeader ? 1 : 0) {
            guard let (example, index) = try reader.read(row, line: offset + 1) else {
                skippedCount += 1
                continue
            }
            if split.isTest { indices.append(index ?? "\(examples.count)") }
            examples.append(example)
            lines.append(offset + 1)
        }
        guard !examples.isEmpty else {
            throw TextError(.emptyDataset, file: path, "holds no examples; expected at least one")
        }
        dataset = TextDataset(examples, textFile: path, labelFile: path, lines: lines)
        self.indices = indices
        self.skippedCount = skippedCount
        guard dataset.hasLabels else { return }
        if task.labels.isEmpty {
            _ = try dataset.regressionTargets()
        } else {
            _ = try LabelMap(names: task.labels).ids(for: dataset)
        }
    }
}

/// Reads the rows of one GLUE file.
private struct GlueRowReader {
    let task: GlueTask
    let split: GlueSplit
    let path: String
    let hasHeader: Bool
    let columns: GlueColumns

    init(header: ArraySlice<UInt8>?, task: GlueTask, split: GlueSplit, path: String) throws(TextError) {
        self.task = task
        self.split = split
        self.path = path
        hasHeader = task != .cola || split.isTest
        guard hasHeader else {
            columns = .cola
            return
        }
        guard let header else {
            throw TextError(.emptyDataset, file: path, "is empty; expected a header and one example per line")
        }
        let names = Self.fields(header).map { TextDataset.trimmed($0) }
        columns = try GlueColumns(names, task: task, split: split, path: path)
    }

    /// The example of a row and the number that it has in the file; `nil` for a row that is left out.
    func read(_ row: ArraySlice<UInt8>, line: Int) throws(TextError) -> (TextExample, index: String?)? {
        let fields = Self.fields(row)
        let label = columns.label.flatMap { $0 < fields.count ? TextDataset.trimmed(fields[$0]) : nil }
        let hasAllColumns = fields.count == columns.count
        if task == .qqp, !split.isTest, !hasAllColumns || label?.isEmpty ?? true { return nil }
        guard hasAllColumns else {
            throw TextError(
                .invalidColumns, file: path, line: line,
                "has \(fields.count) tab-separated columns; expected \(columns.count), which "
                    + (hasHeader ? "the header names" : "are source, label, mark and sentence")
                    + (fields.count > columns.count ? " (a tab within quotes separates, too)" : ""))
        }
        if let label, label.isEmpty {
            let expected = task.labels.isEmpty ? "a number" : task.labels.joined(separator: " or ")
            throw TextError(
                .invalidLabel, file: path, line: line, "the example has no label; expected \(expected)")
        }
        let example = TextExample(
            text: String(utf8: fields[columns.text]), pair: columns.pair.map { String(utf8: fields[$0]) },
            label: label)
        return (example, columns.index.map { TextDataset.trimmed(fields[$0]) })
    }

    private static func fields(_ row: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        row.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
    }
}
