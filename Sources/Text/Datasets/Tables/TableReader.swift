import Support

/// Makes examples of the rows of a table.
struct TableReader {
    let table: DataTable
    let options: TextDataset.Options
    let layout: ColumnLayout
    /// The rows that are examples.
    let rows: Range<Int>
    private(set) var notes: [String]
    /// Whether the label's column was guessed, so that its values have to look like labels.
    private let guessesLabel: Bool
    private let isDocumentedOrder: Bool
    /// Whether the columns are `label text` or `label text text2` and nothing else, without header.
    private let isAsDocumented: Bool

    /// - Throws: `.invalidColumns` when it is not clear which column is what.
    init(_ table: DataTable, options: TextDataset.Options) throws(TextError) {
        self.table = table
        self.options = options
        notes = table.notes
        guard table.rowCount > 0 else {
            throw TextError(.emptyDataset, file: table.path, "holds no rows; expected at least one example")
        }
        let hasHeader = try Self.hasHeader(table, options)
        let isCounted = hasHeader && options.header == .auto && table.firstRowCountsColumns()
        // Numbers without an index before them say nothing about the columns.
        let names =
            !hasHeader
            ? table.memberNames : isCounted && table.cell(0, 0).label == "0" ? nil : table.names(inRow: 0)
        if isCounted {
            notes.append("\(table.path): the first row numbers the columns, and is taken for a header")
        }
        rows = (hasHeader ? 1 : 0)..<table.rowCount
        guard !rows.isEmpty else {
            throw TextError(
                .emptyDataset, file: table.path, "holds a header and no rows; expected at least one example")
        }
        if hasHeader, let row = rows.first(where: table.repeatsFirstRow) {
            throw TextError(
                .invalidColumns, file: table.path, line: table.line(row),
                "repeats the header; remove the line, or set the header to absent if the first row is an example"
            )
        }
        if let like = options.like?.applied(to: names, count: table.columnCount) {
            if options.labels.isRequired, like.label == nil {
                let label = options.like.flatMap { old in old.label.map(old.title) } ?? "label"
                throw TextError(
                    .invalidLabel, file: table.path, line: table.line(0),
                    "has no labels: the training data's are in \(label), which is not among "
                        + "\((names ?? []).joined(separator: ", ")); use a file with labels")
            }
            (layout, guessesLabel, isDocumentedOrder, isAsDocumented) = (like, false, false, false)
            return
        }
        let selection = ColumnSelection(table: table, names: names)
        let chosen = (
            text: try selection.position(options.textColumn),
            pair: try selection.position(options.pairColumn),
            label: try selection.position(options.labelColumn) ?? Self.labelSets(names, options)
        )
        let weight = try selection.position(options.weightColumn)
        let detector = ColumnDetector(
            path: table.path, names: names, isJSON: table.isObjects, profiles: table.profiles(of: rows),
            options: options)
        var layout = try detector.layout(text: chosen.text, pair: chosen.pair, label: chosen.label)
        layout.weight = weight
        self.layout = layout
        guessesLabel = chosen.label == nil
        isDocumentedOrder = names == nil && layout.label == 0 && layout.text == 1
        let documented = detector.documentedOrder()
        isAsDocumented =
            layout.text == 1 && layout.label ?? 0 == 0 && documented?.text == 1
            && layout.pair == documented?.pair && layout.count == (layout.pair == nil ? 2 : 3)
        let isGuessed = chosen.text == nil || layout.label != nil && chosen.label == nil
        if isGuessed, !isPlain { notes.append(description(hasHeader: hasHeader, isJSON: table.isObjects)) }
    }

    private static func hasHeader(_ table: DataTable, _ options: TextDataset.Options) throws(TextError)
        -> Bool
    {
        guard table.memberNames == nil else { return false }
        switch options.header {
        case .present: return true
        case .absent: return false
        case .auto: break
        }
        if let names = options.like?.names, let first = table.names(inRow: 0) {
            let folded = Set(names.map(ColumnNames.folded))
            if first.allSatisfy({ folded.contains(ColumnNames.folded($0)) }) { return true }
        }
        let chosen = [options.textColumn, options.pairColumn, options.labelColumn, options.weightColumn]
        let byName = chosen.contains { $0?.name != nil }
        return byName || table.firstRowIsHeader()
    }

    /// The column that is named as one of labels, where examples have several.
    private static func labelSets(_ names: [String]?, _ options: TextDataset.Options) -> Int? {
        guard options.labels == .sets, let names else { return nil }
        let folded = names.map(ColumnNames.folded)
        return ColumnNames.labelSets.lazy.compactMap { folded.firstIndex(of: $0) }.first
    }

    // MARK: Notes

    /// Whether the columns are those that the documentation names, so that nobody needs to be told.
    private var isPlain: Bool {
        guard let names = layout.names else { return layout.count == 1 || isAsDocumented }
        let usual = ["label", "text", "text2", "sentence", "sentence1", "sentence2", "textpair"]
        return names.indices.allSatisfy { column in
            let isRead =
                options.labels == .unused || [layout.text, layout.pair, layout.label].contains(column)
            return isRead && usual.contains(ColumnNames.folded(names[column]).text)
        }
    }

    private func description(hasHeader: Bool, isJSON: Bool) -> String {
        var parts = ["text is \(layout.title(layout.text))"]
        if let pair = layout.pair { parts.append("second text is \(layout.title(pair))") }
        if let label = layout.label { parts.append("label is \(layout.title(label))") }
        if let weight = layout.weight { parts.append("weight is \(layout.title(weight))") }
        let used = [layout.text, layout.pair, layout.label, layout.weight]
        let others = (0..<layout.count).filter { !used.contains($0) }
        let unused = others.prefix(6).map { column in layout.names.map { "\"\($0[column])\"" } ?? "\(column)"
        }
        let source =
            hasHeader ? "from its header" : isJSON ? "from its members" : "from its rows, counted from 0"
        let rest =
            others.isEmpty || options.labels == .unused
            ? "" : "; not used: \(unused.joined(separator: ", "))\(others.count > 6 ? " …" : "")"
        return "\(table.path): \(parts.joined(separator: ", ")) (\(source))\(rest)"
    }

    // MARK: Examples

    func dataset() throws(TextError) -> TextDataset {
        var examples: [TextExample] = []
        var lines: [Int] = []
        examples.reserveCapacity(rows.count)
        for row in rows {
            examples.append(try example(row))
            lines.append(table.line(row))
        }
        let all = TextDataset(
            examples, textFile: table.path, labelFile: table.path, lines: lines, layout: layout, notes: notes)
        guard options.labels.isRequired, options.labels != .sets else { return all }
        let labelName = layout.label.flatMap { layout.names?[$0] }
        let labelled = try all.withWholeLabels(options).leavingOutUnlabelled(options, labelName: labelName)
        guard guessesLabel, options.labels == .classes, options.knownLabels.isEmpty else { return labelled }
        return try LabelCheck(
            dataset: labelled, column: layout.label.map(layout.title) ?? "", name: labelName,
            isDocumentedOrder: isDocumentedOrder
        ).checked()
    }

    private func example(_ row: Int) throws(TextError) -> TextExample {
        let columns = rowLayout(row)
        var labels: [String]?
        if options.labels == .sets, let column = columns.label { labels = try labelSet(row, column) }
        let label: String? =
            switch columns.label.map({ table.cell(row, $0) }) {
            case .nested where labels != nil: nil
            case .nested(let kind):
                throw failure(.invalidLabel, row, "the label is \(kind); expected a string or a number")
            case let cell: cell?.label
            }
        return TextExample(
            text: try text(row, columns.text, "the text"),
            pair: try columns.pair.flatMap { pair throws(TextError) in
                table.cell(row, pair) == .missing ? nil : try text(row, pair, "the second text")
            }, label: label, labels: labels,
            weight: try columns.weight.flatMap { column throws(TextError) in try weight(row, column) })
    }

    private func weight(_ row: Int, _ column: Int) throws(TextError) -> Float? {
        guard options.labels.isRequired else { return nil }
        let spelled = table.cell(row, column).label ?? ""
        guard let weight = Float(spelled.trimmingPrefix { $0 == " " }), weight.isNormal, weight > 0 else {
            throw failure(
                .invalidLabel, row,
                "the weight is \"\(spelled)\"; expected a positive number, and no row for an example that counts nothing"
            )
        }
        return weight
    }

    /// The labels of a list; nil for what is none.
    private func labelSet(_ row: Int, _ column: Int) throws(TextError) -> [String]? {
        guard let list = table.list(row, column) else { return nil }
        var labels: [String] = []
        for value in list {
            guard let label = DataCell(value).label, !label.isEmpty else {
                let problem = DataCell(value).label == "" ? "an empty string" : value.kind
                throw failure(
                    .invalidLabel, row,
                    "a label is \(problem); expected a string with characters, or a number")
            }
            labels.append(label)
        }
        return labels
    }

    private func text(_ row: Int, _ column: Int, _ what: String) throws(TextError) -> String {
        switch table.cell(row, column) {
        case .text(let text): return text
        case .scalar(_, let kind), .nested(let kind):
            throw failure(.invalidColumns, row, "\(what) is \(kind); expected a string")
        case .missing:
            throw failure(
                .invalidColumns, row,
                "has no text: \(layout.title(column)) is not there or null")
        }
    }

    /// The columns of a row. An object without the member of most texts is read by its own names.
    private func rowLayout(_ row: Int) -> ColumnLayout {
        guard table.isObjects, options.textColumn == nil, table.cell(row, layout.text) == .missing,
            let all = layout.names, let own = table.members(inRow: row)
        else { return layout }
        func position(_ name: String) -> Int? { all.firstIndex { $0.hasSameCodePoints(as: name) } }
        var columns = layout
        if let pair = ColumnNames.pair(own) {
            (columns.text, columns.pair) = (position(own[pair.text]) ?? layout.text, position(own[pair.pair]))
        } else if let text = own.filter({ ColumnNames.textRank($0) != nil }).first.flatMap(position) {
            (columns.text, columns.pair) = (text, nil)
        }
        return columns
    }

    private func failure(_ kind: TextError.Kind, _ row: Int, _ message: String) -> TextError {
        TextError(kind, file: table.path, line: table.line(row), message)
    }
}

extension DataTable {
    var isObjects: Bool { if case .objects = storage { true } else { false } }
}

extension ColumnLayout {
    /// The same columns of another file of a run; `nil` when that file is laid out otherwise. Columns with names are
    /// found by them, others by their place.
    fileprivate func applied(to other: [String]?, count otherCount: Int) -> ColumnLayout? {
        guard let names, let other else {
            guard names == nil, other == nil, count == otherCount else { return nil }
            return self
        }
        let folded = other.map(ColumnNames.folded)
        func position(_ column: Int?) -> Int? {
            column.flatMap { folded.firstIndex(of: ColumnNames.folded(names[$0])) }
        }
        guard let text = position(text), pair == nil || position(pair) != nil else { return nil }
        return ColumnLayout(
            names: other, count: otherCount, text: text, pair: position(pair), label: position(label),
            weight: position(weight), isJSON: isJSON)
    }
}
