import ArgumentParser
import Text

/// Which columns of a data file are read; the same for every command that reads one.
struct ColumnOptions: ParsableArguments {
    @Option(help: "The layout of the file; by its name or its first lines by default.")
    var format: TextDataset.Format = .auto

    @Option(
        name: .customLong("text-column"), parsing: .unconditional,
        help: "The column with the text: a name, or a number from 0.")
    var textColumn: String?

    @Option(
        name: [.customLong("pair-column"), .customLong("text-pair-column")], parsing: .unconditional,
        help: "The column with the second text.")
    var pairColumn: String?

    @Option(name: .customLong("label-column"), parsing: .unconditional, help: "The column with the label.")
    var labelColumn: String?

    @Option(
        name: .customLong("label-separator"), parsing: .unconditional,
        help: "What stands between the labels of an example that has several; a comma by default.")
    var labelSeparator: String?

    @Option(help: "Whether the first row names the columns.")
    var header: TableHeader = .auto

    var areUsual: Bool {
        format == .auto && header == .auto
            && [textColumn, pairColumn, labelColumn, labelSeparator].allSatisfy { $0 == nil }
    }

    /// With these columns.
    func options(_ options: TextDataset.Options) -> TextDataset.Options {
        var options = options
        options.header = header
        options.textColumn = textColumn.map { ColumnSelector($0) }
        options.pairColumn = pairColumn.map { ColumnSelector($0) }
        options.labelColumn = labelColumn.map { ColumnSelector($0) }
        if let labelSeparator { options.labelSeparator = labelSeparator }
        return options
    }
}

extension ColumnOptions {
    /// The columns of a text, of what choices start with (`--pair-column`), and of the right choice.
    var choiceOptions: ChoiceDataset.Options {
        var options = ChoiceDataset.Options()
        (options.format, options.header) = (format, header)
        options.textColumn = textColumn.map { ColumnSelector($0) }
        options.startColumn = pairColumn.map { ColumnSelector($0) }
        options.labelColumn = labelColumn.map { ColumnSelector($0) }
        return options
    }
}

extension TextDataset.Format: ExpressibleByArgument {}
extension TableHeader: ExpressibleByArgument {}
