import Foundation
import Support

/// Examples in file order, each with the place it came from.
package struct TextDataset: Sendable, Equatable {
    package let examples: [TextExample]
    /// Path of the file with the texts, or a name for examples made in memory.
    package let textFile: String
    /// Path of the file with the labels; the same as `textFile` unless the labels have their own.
    package let labelFile: String
    /// One-based line of each example.
    package let lines: [Int]
    /// Which columns were read; `nil` where there are none.
    package var layout: ColumnLayout?
    /// What to know about how the file was read.
    package var notes: [String]

    /// Examples made in memory; `name` stands for the file in error messages.
    package init(_ examples: [TextExample], name: String = "examples") {
        self.init(examples, textFile: name, labelFile: name, lines: Array(1..<(examples.count + 1)))
    }

    init(
        _ examples: [TextExample], textFile: String, labelFile: String, lines: [Int],
        layout: ColumnLayout? = nil,
        notes: [String] = []
    ) {
        self.examples = examples
        self.textFile = textFile
        self.labelFile = labelFile
        self.lines = lines
        self.layout = layout
        self.notes = notes
    }

    package var count: Int { examples.count }
    /// Whether the examples have labels; a loaded data set has all of them or none.
    package var hasLabels: Bool { examples.contains { $0.label != nil } }
    package var hasPairs: Bool { examples.contains { $0.pair != nil } }

    package typealias Format = DataFormat

    /// Which columns to read and what to insist on.
    package struct Options: Sendable, Equatable {
        package var header = TableHeader.auto
        /// Columns or members; `nil` finds them by their usual names and by what they look like.
        package var textColumn: ColumnSelector?
        package var pairColumn: ColumnSelector?
        package var labelColumn: ColumnSelector?
        /// The column of weights; none when `nil`.
        package var weightColumn: ColumnSelector?
        package var labels = LabelUse.ifPresent
        /// What stands between the labels of an example that has several in a text.
        package var labelSeparator = ","
        /// The labels of a model that is measured: what else is in the data is an error of its own.
        package var knownLabels: Set<TextKey> = []
        /// Labels that mean that there is none; `nil` finds out.
        package var missingLabels: [String]?
        /// The columns of another file of the run, which this one has too if it has their names.
        package var like: ColumnLayout?

        package init(
            header: TableHeader = .auto, textColumn: ColumnSelector? = nil, pairColumn: ColumnSelector? = nil,
            labelColumn: ColumnSelector? = nil, labels: LabelUse = .ifPresent
        ) {
            self.header = header
            self.textColumn = textColumn
            self.pairColumn = pairColumn
            self.labelColumn = labelColumn
            self.labels = labels
        }

        var choosesColumns: Bool {
            [textColumn, pairColumn, labelColumn, weightColumn].contains { $0 != nil }
        }
    }

    /// Loads a data file; `-` is standard input.
    ///
    /// - Throws: a `FileError` for a file that cannot be read; a `TextError` that names file and line for invalid UTF-8, an empty data set, columns
    ///   that may mean several things, texts and labels that differ in number, a row with too few or too many columns,
    ///   and examples without a label when others have one.
    package static func load(
        path: String, format: Format = .auto, options: Options = Options()
    ) throws -> TextDataset {
        try load(SourceFile(path: path, expected: expectation), at: path, format: format, options: options)
    }

    static let expectation = "a data file (.tsv, .csv, .jsonl or .txt)"

    static func load(
        _ file: SourceFile, at path: String, format: Format, options: Options
    ) throws -> TextDataset {
        let dataset: TextDataset
        switch format == .auto ? try DataFormat.of(file, at: path) : format {
        case .tsv: dataset = try TableReader(DataTable(tsv: file), options: options).dataset()
        case .csv: dataset = try TableReader(DataTable(csv: file), options: options).dataset()
        case .json, .jsonl: dataset = try TableReader(DataTable(json: file), options: options).dataset()
        case .lines, .auto: dataset = try loadLines(file, at: path, options)
        case .conll:
            throw TextError(
                .unknownFormat, file: file.path,
                "is a CoNLL file, which holds words with a label each, for token classifiers; expected texts")
        }
        guard dataset.count > 0 else {
            throw TextError(.emptyDataset, file: file.path, "holds no examples; expected at least one")
        }
        if options.labels == .sets { return try dataset.withLabelSets(separator: options.labelSeparator) }
        try dataset.checkLabels()
        return dataset
    }

    /// The examples at some places, in that order.
    package func selecting(_ indices: [Int]) -> TextDataset {
        TextDataset(
            indices.map { examples[$0] }, textFile: textFile, labelFile: labelFile,
            lines: indices.map { lines[$0] }, layout: layout, notes: notes)
    }

    private func checkLabels() throws(TextError) {
        guard hasLabels, let missing = examples.firstIndex(where: { $0.label?.isEmpty ?? true }) else {
            return
        }
        throw TextError(
            .invalidLabel, file: labelFile, line: lines[missing],
            "the example has no label, although others have one")
    }
}
