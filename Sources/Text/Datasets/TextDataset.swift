import Foundation

/// Examples in file order, each with the place it came from.
package struct TextDataset: Sendable, Equatable {
    package let examples: [TextExample]
    /// Path of the file with the texts, or a name for examples made in memory.
    package let textFile: String
    /// Path of the file with the labels; the same as `textFile` unless the labels have their own.
    package let labelFile: String
    /// One-based line of each example.
    package let lines: [Int]

    /// Examples made in memory; `name` stands for the file in error messages.
    package init(_ examples: [TextExample], name: String = "examples") {
        self.init(examples, textFile: name, labelFile: name, lines: Array(1..<(examples.count + 1)))
    }

    init(_ examples: [TextExample], textFile: String, labelFile: String, lines: [Int]) {
        self.examples = examples
        self.textFile = textFile
        self.labelFile = labelFile
        self.lines = lines
    }

    package var count: Int { examples.count }
    /// Whether the examples have labels; a loaded data set has all of them or none.
    package var hasLabels: Bool { examples.contains { $0.label != nil } }
    package var hasPairs: Bool { examples.contains { $0.pair != nil } }

    /// How a data file is laid out.
    package enum Format: String, Sendable, CaseIterable {
        /// By the ending of the name: `.tsv`, `.jsonl`/`.ndjson`/`.json`, `.txt`.
        case auto
        /// Columns separated by tabs, without quoting.
        case tsv
        /// One JSON object a line.
        case jsonl
        /// One text a line; the labels of `X.txt` are the lines of `X_labels.txt` beside it.
        case lines
    }

    /// Which columns to read and what to insist on.
    package struct Options: Sendable, Equatable {
        /// Whether the first row of a TSV file names the columns.
        package enum Header: String, Sendable, CaseIterable { case auto, present, absent }

        package var header = Header.auto
        /// Columns (TSV) or members (JSONL, by name only); `nil` finds them by their usual names, and in a
        /// TSV file without header by their number: `text`, `label text`, or `label text text2`.
        package var textColumn: ColumnSelector?
        package var pairColumn: ColumnSelector?
        package var labelColumn: ColumnSelector?
        /// Refuse data without labels; set it for training and evaluation.
        package var requireLabels = false

        package init(
            header: Header = .auto, textColumn: ColumnSelector? = nil, pairColumn: ColumnSelector? = nil,
            labelColumn: ColumnSelector? = nil, requireLabels: Bool = false
        ) {
            self.header = header
            self.textColumn = textColumn
            self.pairColumn = pairColumn
            self.labelColumn = labelColumn
            self.requireLabels = requireLabels
        }
    }

    /// Loads a data file.
    ///
    /// - Throws: a `TextError` that names file and line for a missing file, invalid UTF-8, an empty data
    ///   set, texts and labels that differ in number, a row with too few or too many columns, and examples
    ///   without a label when labels are required or others have one.
    package static func load(
        path: String, format: Format = .auto, options: Options = Options()
    ) throws(TextError) -> TextDataset {
        let dataset: TextDataset
        switch try resolve(format, path: path) {
        case .tsv: dataset = try loadTSV(path: path, options: options)
        case .jsonl: dataset = try loadJSONL(path: path, options: options)
        case .lines, .auto: dataset = try loadLines(path: path)
        }
        guard dataset.count > 0 else {
            throw TextError(.emptyDataset, file: path, "holds no examples; expected at least one")
        }
        try dataset.checkLabels(required: options.requireLabels)
        return dataset
    }

    private static func resolve(_ format: Format, path: String) throws(TextError) -> Format {
        guard format == .auto else { return format }
        switch (path as NSString).pathExtension.lowercased() {
        case "tsv": return .tsv
        case "jsonl", "ndjson", "json": return .jsonl
        case "txt": return .lines
        case let other:
            throw TextError(
                .unknownFormat, file: path,
                "cannot tell the format from the ending \"\(other)\"; name the file .tsv, .jsonl or .txt, "
                    + "or set the format to tsv, jsonl or lines")
        }
    }

    private func checkLabels(required: Bool) throws(TextError) {
        guard let missing = examples.firstIndex(where: { $0.label?.isEmpty ?? true }) else { return }
        guard required || hasLabels else { return }
        throw TextError(
            .invalidLabel, file: labelFile, line: lines[missing],
            hasLabels
                ? "the example has no label, although others have one"
                : "the example has no label; expected a label for every text")
    }
}
