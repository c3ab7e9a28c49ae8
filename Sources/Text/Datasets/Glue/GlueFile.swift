/// The examples of one GLUE file.
package struct GlueFile: Sendable {
    package let dataset: TextDataset
    /// The number of each example, as predictions of a test file are submitted.
    package let indices: [String]
    /// Rows of QQP that were left out because fields are missing.
    package let skippedCount: Int

    /// Reads a file in GLUE's format: tab-separated columns in which quotes are ordinary characters, so that they
    /// neither need a partner nor protect a tab.
    ///
    /// Some of QQP's questions held line ends, which broke their rows in two: rows with labels that are not complete
    /// are left out, as all readers do. Elsewhere they are errors.
    ///
    /// - Throws: a `TextError` that names file and line for a header that is not the task's, a row with too few or
    ///   too many columns, and a missing label.
    package init(path: String, task: GlueTask, split: GlueSplit) throws(TextError) {
        var rows = try SourceFile(path: path, expected: "\(task.rawValue)'s \(task.fileName(of: split))")
            .lines
        while let last = rows.last, last.isEmpty { rows.removeLast() }
        let hasHeader = task != .cola || split.isTest
        let columns: GlueColumns
        if hasHeader {
            guard let first = rows.first else {
                throw TextError(
                    .emptyDataset, file: path, "is empty; expected a header and one example a line")
            }
            let names = Self.fields(first).map { TextDataset.trimmed($0) }
            columns = try GlueColumns(names, task: task, split: split, path: path)
        } else {
            columns = .cola
        }
        var examples: [TextExample] = []
        var lines: [Int] = []
        var indices: [String] = []
        var skippedCount = 0
        for (offset, row) in rows.enumerated().dropFirst(hasHeader ? 1 : 0) {
            let fields = Self.fields(row)
            let label = columns.label.flatMap { $0 < fields.count ? TextDataset.trimmed(fields[$0]) : nil }
            let isComplete = fields.count == columns.count && label?.isEmpty != true
            if !isComplete, task == .qqp, !split.isTest {
                skippedCount += 1
                continue
            }
            guard fields.count == columns.count else {
                throw TextError(
                    .invalidColumns, file: path, line: offset + 1,
                    "has \(fields.count) tab-separated columns; expected \(columns.count), which "
                        + (hasHeader ? "the header names" : "are source, label, mark and sentence")
                        + (fields.count > columns.count ? " (a tab within quotes separates, too)" : ""))
            }
            guard isComplete else {
                throw TextError(
                    .invalidLabel, file: path, line: offset + 1,
                    "the example has no label; expected "
                        + (task.labels.isEmpty ? "a number" : task.labels.joined(separator: " or ")))
            }
            if split.isTest {
                indices.append(columns.index.map { TextDataset.trimmed(fields[$0]) } ?? "\(examples.count)")
            }
            examples.append(
                TextExample(
                    text: String(utf8: fields[columns.text]),
                    pair: columns.pair.map { String(utf8: fields[$0]) }, label: label))
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

    private static func fields(_ row: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        row.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
    }
}
