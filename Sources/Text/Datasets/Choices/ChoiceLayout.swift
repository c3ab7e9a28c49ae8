import Support

/// Which columns of a table are a text, its choices, and what says which is right.
///
/// The names of SWAG (`sent1`, `sent2`, `ending0` …) and of other public data sets are known; see docs/multiple-choice.md.
struct ChoiceLayout {
    /// The first text.
    let text: Int
    /// What choices start with; nil without such a column.
    let start: Int?
    /// A column for each choice, or the one with lists of them.
    let choices: [Int]
    let label: Int?
    /// The rows that are examples.
    let rows: Range<Int>
    private(set) var notes: [String] = []
    private let names: [String]?
    private let isJSON: Bool

    /// Names of first texts, and of what choices start with, the most telling first.
    private static let texts = [
        "sent1", "ctxa", "context", "ctx", "article", "passage", "premise", "story", "question", "goal",
        "prompt",
        "query", "text", "sentence",
    ]
    private static let starts = ["sent2", "ctxb", "question", "questionstem", "stem"]
    /// Names of columns with lists.
    private static let lists = ["endings", "choices", "options", "answers", "candidates", "alternatives"]
    /// Columns of single choices are called so, with a number or a letter behind.
    private static let prefixes = ["ending", "choice", "option", "answer", "solution", "sol", "candidate"]
    private static let labels = [
        "label", "labels", "answer", "answerkey", "goldlabel", "gold", "target", "correct", "correctanswer",
    ]

    init(_ table: DataTable, _ options: ChoiceDataset.Options) throws(TextError) {
        func failure(_ problem: String) -> TextError {
            TextError(
                .invalidColumns, file: table.path, line: table.rowCount > 0 ? table.line(0) : nil, problem)
        }
        guard table.rowCount > 0 else {
            throw TextError(.emptyDataset, file: table.path, "holds no rows; expected at least one example")
        }
        isJSON = table.isObjects
        let hasHeader = Self.hasHeader(table, options)
        let names = hasHeader ? table.names(inRow: 0) : table.memberNames
        self.names = names
        rows = (hasHeader ? 1 : 0)..<table.rowCount
        guard !rows.isEmpty else {
            throw TextError(
                .emptyDataset, file: table.path, "holds a header and no rows; expected at least one example")
        }
        let selection = ColumnSelection(table: table, names: names)
        let folded = (names ?? []).map { ColumnNames.folded($0).text }
        var chosen: [Int] = []
        for column in options.choiceColumns {
            if let column = try selection.position(column) { chosen.append(column) }
        }
        choices = chosen.isEmpty ? Self.choices(table, folded, row: rows.lowerBound) : chosen
        guard !choices.isEmpty else {
            let list = names.map { "its columns are \($0.joined(separator: ", "))" } ?? "there is no header"
            throw failure(
                "has no columns of choices such as ending0, ending1, …, or a list \"choices\"; \(list); name them in "
                    + "'textColumns'")
        }
        var taken = Set(choices)
        func found(_ known: [String]) -> Int? {
            known.lazy.compactMap { name in
                folded.indices.first { folded[$0] == name && !taken.contains($0) }
            }.first
        }
        let named = (
            label: try selection.position(options.labelColumn),
            text: try selection.position(options.textColumn),
            start: try selection.position(options.startColumn)
        )
        let usual = found(Self.labels)
        label = named.label ?? (options.needsLabels ? usual : nil)
        guard label != nil || !options.needsLabels else {
            throw failure(
                "has no column that says which choice is right; call it \"label\", or name it in 'labelColumn'"
            )
        }
        taken.formUnion([named.label ?? usual].compactMap(\.self))
        let known = named.text ?? found(Self.texts)
        let other = (0..<table.columnCount).first { column in
            !taken.contains(column)
                && !(names.map { ColumnNames.isIdentifier($0[column]) || ColumnNames.isLabel($0[column]) }
                    ?? false)
        }
        guard let text = known ?? other else {
            throw failure("has no column of texts beside the choices; name it in 'textColumn'")
        }
        taken.insert(text)
        start = named.start ?? found(Self.starts)
        self.text = text
        taken.formUnion([start].compactMap(\.self))
        let unused = (0..<table.columnCount).filter { !taken.contains($0) }
        if !unused.isEmpty || known == nil {
            notes = [
                "\(table.path): the text is \(title(text)), choices are \(Formatted.list(choices.map(title)))"
                    + (start.map { " behind \(title($0))" } ?? "")
                    + (label.map { ", the label is \(title($0))" } ?? "")
                    + (unused.isEmpty ? "" : "; not used: \(Formatted.list(unused.map(title)))")
            ]
        }
    }

    /// A column as messages call it.
    func title(_ column: Int) -> String { ColumnLayout.title(column, names, isJSON: isJSON) }

    private static func hasHeader(_ table: DataTable, _ options: ChoiceDataset.Options) -> Bool {
        guard table.memberNames == nil else { return false }
        switch options.header {
        case .present: return true
        case .absent: return false
        case .auto:
            let chosen =
                options.choiceColumns
                + [options.textColumn, options.startColumn, options.labelColumn]
                .compactMap(\.self)
            let first = (table.names(inRow: 0) ?? []).map { ColumnNames.folded($0).text }
            return chosen.contains { $0.name != nil } || !numbered(first).isEmpty || table.firstRowIsHeader()
        }
    }

    /// The columns of single choices by their names, else the one with lists.
    private static func choices(_ table: DataTable, _ names: [String], row: Int) -> [Int] {
        let single = numbered(names)
        if !single.isEmpty { return single }
        let list = lists.lazy.compactMap { name in
            names.indices.first { column in
                guard names[column] == name else { return false }
                return table.json(row, column)?.array != nil || table.json(row, column)?["text"]?.array != nil
            }
        }.first
        return list.map { [$0] } ?? []
    }

    /// The columns whose names are a known word with a number or a letter, in the order of these; at least two.
    private static func numbered(_ names: [String]) -> [Int] {
        for prefix in prefixes {
            let found = names.enumerated().compactMap { column, name -> (place: Int, column: Int)? in
                guard name.hasPrefix(prefix) else { return nil }
                let rest = name.dropFirst(prefix.count)
                if let number = Int(rest) { return (number, column) }
                guard rest.utf8.count == 1, let letter = rest.utf8.first, (0x61...0x7A).contains(letter)
                else {
                    return nil
                }
                return (Int(letter), column)
            }
            if found.count > 1 { return found.sorted { $0 < $1 }.map(\.column) }
        }
        return []
    }
}
