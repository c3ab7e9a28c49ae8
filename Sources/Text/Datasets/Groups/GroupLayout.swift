import Support

/// Which columns of a table are the texts of an example, and which its numbers.
///
/// Names that sentence-transformers' data sets have are known: `anchor`, `positive` and `negative`, `negative_1`, …;
/// `query` or `question` with `answer`, `passage` or `document`; `sentence1` and `sentence2`; `score` or `label`. Of other
/// tables all columns are texts, in their order, but for one of labels by its name and for identifiers.
struct GroupLayout {
    /// Columns of the texts, the anchor's first.
    let texts: [Int]
    let numbers: Int?
    let names: [String]?
    /// The rows that are examples.
    let rows: Range<Int>
    private(set) var notes: [String] = []
    private let isJSON: Bool

    init(_ table: DataTable, _ options: GroupedDataset.Options) throws(TextError) {
        guard table.rowCount > 0 else {
            throw TextError(.emptyDataset, file: table.path, "holds no rows; expected at least one example")
        }
        isJSON = table.isObjects
        let hasHeader = Self.hasHeader(table, options)
        names = hasHeader ? table.names(inRow: 0) : table.memberNames
        rows = (hasHeader ? 1 : 0)..<table.rowCount
        guard !rows.isEmpty else {
            throw TextError(
                .emptyDataset, file: table.path, "holds a header and no rows; expected at least one example")
        }
        let selection = ColumnSelection(table: table, names: names)
        var chosen: [Int] = []
        for column in options.textColumns {
            if let column = try selection.position(column) { chosen.append(column) }
        }
        let label = try selection.position(options.labelColumn)
        let found = Self.found(table, names, rows)
        texts = chosen.isEmpty ? found.texts.filter { $0 != label } : chosen
        let number = label ?? found.numbers.flatMap { chosen.contains($0) ? nil : $0 }
        numbers = options.needsNumbers == false && label == nil ? nil : number
        guard !texts.isEmpty else {
            throw TextError(
                .invalidColumns, file: table.path, line: table.line(0),
                "has no columns of texts; name them in 'textColumns'")
        }
        if options.needsNumbers == true, numbers == nil {
            throw TextError(
                .invalidLabel, file: table.path, line: table.line(0),
                "has no column of numbers; call it \"score\" or \"label\", or name it in 'labelColumn'")
        }
        let unused = (0..<table.columnCount).filter { !texts.contains($0) && $0 != numbers }
        if !unused.isEmpty, chosen.isEmpty || label == nil && number != nil {
            notes.append(
                "\(table.path): texts are \(Formatted.list(texts.map(title))); not used: \(Formatted.list(unused.map(title)))"
            )
        }
    }

    /// A column as messages call it.
    func title(_ column: Int) -> String { ColumnLayout.title(column, names, isJSON: isJSON) }

    private static func hasHeader(_ table: DataTable, _ options: GroupedDataset.Options) -> Bool {
        guard table.memberNames == nil else { return false }
        switch options.header {
        case .present: return true
        case .absent: return false
        case .auto:
            let byName = (options.textColumns + [options.labelColumn].compactMap(\.self)).contains {
                $0.name != nil
            }
            let first = table.names(inRow: 0) ?? []
            return byName || first.contains { Role($0) == .anchor || Role($0) == .positive }
                || table.firstRowIsHeader()
        }
    }

    // MARK: Names

    /// What a column's name says that it is.
    private enum Role: Equatable {
        case anchor, positive
        case negative(Int)
        case numbers

        init?(_ name: String) {
            let name = ColumnNames.folded(name).text
            switch name {
            case "anchor", "query", "question", "sentence1", "sentencea", "text1", "texta", "premise":
                self = .anchor
            case "positive", "pos", "answer", "passage", "document", "documents", "docs",
                "response", "sentence2", "sentenceb",
                "text2",
                "textb", "hypothesis":
                self = .positive
            case "score", "scores", "label", "labels", "similarity", "similarityscore", "relatednessscore":
                self = .numbers
            default:
                for prefix in ["negative", "neg"] where name.hasPrefix(prefix) {
                    let rest = name.dropFirst(prefix.count)
                    guard let number = rest.isEmpty ? 0 : Int(rest) else { continue }
                    self = .negative(number)
                    return
                }
                return nil
            }
        }
    }

    private static func found(
        _ table: DataTable, _ names: [String]?, _ rows: Range<Int>
    ) -> (texts: [Int], numbers: Int?) {
        let columns = Array(0..<table.columnCount)
        guard let names else {
            let last = table.columnCount - 1
            let isScored = last > 1 && table.profiles(of: rows)[last].isNumeric
            return (isScored ? columns.dropLast() : columns, isScored ? last : nil)
        }
        let roles = names.map(Role.init)
        let numbers = roles.firstIndex(of: .numbers)
        if let anchor = roles.firstIndex(of: .anchor), let positive = roles.firstIndex(of: .positive) {
            let negatives = columns.compactMap { column -> (number: Int, column: Int)? in
                if case .negative(let number)? = roles[column] { (number, column) } else { nil }
            }.sorted { ($0.number, $0.column) < ($1.number, $1.column) }
            return ([anchor, positive] + negatives.map(\.column), numbers)
        }
        let label = numbers ?? columns.first { ColumnNames.isLabel(names[$0]) }
        return (columns.filter { $0 != label && !ColumnNames.isIdentifier(names[$0]) }, label)
    }
}
