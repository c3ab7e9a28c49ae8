import Support

/// Decides which column is what: chosen columns first, then known names, then what the first rows look like.
///
/// It never guesses between two sensible readings: it throws, with the columns shown and what to set.
struct ColumnDetector {
    let path: String
    /// Names from a header or from JSON's members.
    let names: [String]?
    /// What columns are called: "column" or "member".
    let isJSON: Bool
    let profiles: [ColumnProfile]
    let options: TextDataset.Options

    private var use: LabelUse { options.labels }

    /// - Parameter chosen: positions of the columns that were chosen.
    /// - Throws: `.invalidColumns`.
    func layout(
        text chosenText: Int?, pair chosenPair: Int?, label chosenLabel: Int?
    ) throws(TextError) -> ColumnLayout {
        var found = Found(text: chosenText, pair: chosenPair, label: chosenLabel)
        if found.text == nil, found.label == nil, let order = documentedOrder() {
            found = Found(text: order.text, pair: chosenPair ?? order.pair, label: order.label)
        }
        if found.text == nil { findTextByName(&found) }
        if found.label == nil, use != .unused { try findLabelByName(&found) }
        if found.label == nil, use.isRequired || use == .ifPresent && found.text == nil {
            try findLabelByLook(&found)
        }
        if found.text == nil { try findTextByLook(&found) }
        guard let text = found.text else { throw noText() }
        if found.label == nil, use.isRequired { throw noLabel(found) }
        return ColumnLayout(
            names: names, count: profiles.count, text: text, pair: found.pair,
            label: use == .unused ? nil : found.label, isJSON: isJSON)
    }

    private struct Found {
        var text: Int?
        var pair: Int?
        var label: Int?

        func has(_ column: Int) -> Bool { text == column || pair == column || label == column }
    }

    // MARK: Names

    private func findTextByName(_ found: inout Found) {
        guard let names else { return }
        func mayBeText(_ column: Int) -> Bool {
            let profile = profiles[column]
            return !found.has(column) && !profile.isEmpty && !profile.isNested && !profile.isNumeric
                && !profile.isConstant
        }
        if let (text, pair) = ColumnNames.pair(names), mayBeText(text), mayBeText(pair), found.pair == nil {
            (found.text, found.pair) = (text, pair)
            return
        }
        let taken = found
        let free = names.indices.filter { !taken.has($0) }
        let ranked = free.compactMap { column in
            ColumnNames.textRank(names[column]).map { (column: column, rank: $0) }
        }.sorted { $0.rank < $1.rank }
        let likely = ranked.first { mayBeText($0.column) } ?? ranked.first
        if let likely {
            found.text = likely.column
            return
        }
        let others = free.filter { mayBeText($0) && ColumnNames.endsAsText(names[$0]) && profiles[$0].isText }
        if others.count == 1 { found.text = others[0] }
        guard found.text == nil else { return }
        let titles = free.filter { mayBeText($0) && ColumnNames.isTitle(names[$0]) }
        let hasLonger = free.contains { profiles[$0].isText && !titles.contains($0) }
        if titles.count == 1, !hasLonger { found.text = titles[0] }
    }

    private func findLabelByName(_ found: inout Found) throws(TextError) {
        guard let names else { return }
        let taken = found
        let free = names.indices.filter { !taken.has($0) }
        func mayBeLabel(_ column: Int) -> Bool {
            let profile = profiles[column]
            return !profile.isEmpty && !profile.isNested && !profile.isText && profile.longest <= 200
        }
        let gold = free.compactMap { column in
            ColumnNames.goldRank(names[column]).map { (column: column, rank: $0) }
        }.sorted { $0.rank < $1.rank }.map(\.column)
        if let column = gold.first(where: mayBeLabel) ?? gold.first {
            found.label = column
            return
        }
        for isNamed in [ColumnNames.isOtherLabel, ColumnNames.resemblesLabel] {
            let columns = suited(free.filter { isNamed(names[$0]) && mayBeLabel($0) })
            if columns.count > 1 {
                guard use.isRequired else { return }
                throw ambiguous("more than one column may be the label", columns, "label")
            }
            if let column = columns.first {
                found.label = column
                return
            }
        }
        // A column of the right name with the wrong contents: the error about these helps more.
        if use.isRequired {
            found.label = free.first { ColumnNames.isOtherLabel(names[$0]) && !profiles[$0].isEmpty }
        }
    }

    /// Among the columns named as labels, those that suit the task best.
    private func suited(_ columns: [Int]) -> [Int] {
        guard columns.count > 1 else { return columns }
        let best: [Int]
        switch use {
        case .numbers:
            let numbers = columns.filter { profiles[$0].isNumeric }
            let fractions = numbers.filter { !profiles[$0].isInteger }
            best = fractions.isEmpty ? numbers : fractions
        case .classes, .sets, .ifPresent, .unused:
            best = columns.filter {
                profiles[$0].labelStrength > 0 && (profiles[$0].isInteger || !profiles[$0].isNumeric)
            }
        }
        return best.isEmpty ? columns : best
    }

    // MARK: Looks

    /// How much a column looks like the labels that are wanted.
    private func strength(_ column: Int) -> Int {
        let profile = profiles[column]
        if !options.knownLabels.isEmpty, !profile.isEmpty,
            profile.values.keys.allSatisfy(options.knownLabels.contains)
        {
            return 9
        }
        return use == .numbers
            ? profile.numberStrength * 2 + min(1, profile.labelStrength) : profile.labelStrength
    }

    /// The columns of a file without header, when they look as documented: `text`, `label text` or `label text text2`.
    func documentedOrder() -> (text: Int, pair: Int?, label: Int?)? {
        guard names == nil, (1...3).contains(profiles.count) else { return nil }
        if profiles.count == 1 { return (0, nil, nil) }
        let others = 1..<profiles.count
        var first = strength(0)
        // Of three columns, the numbers 0, 1, 2 or 1, 2, 3 before a label number the rows.
        if profiles.count == 3, profiles[0].numbersRows, others.contains(where: { strength($0) > 0 }) {
            first = 0
        }
        let isOther = others.contains { column in
            let other = strength(column)
            return other > first
                || other == first && other == 3 && profiles[column].distinct * 2 <= profiles[0].distinct
        }
        guard first > 0, !isOther else { return nil }
        guard profiles.count == 3, !profiles[2].isEmpty else { return (1, nil, 0) }
        // Numbers, keys, names and dates beside a text are no second text.
        let (second, third) = (profiles[1].distanceFromText, profiles[2].distanceFromText)
        return second == third ? (1, 2, 0) : (second < third ? 1 : 2, nil, 0)
    }

    /// Columns that may be something: not taken, with values, and no numbering.
    private func free(_ found: Found) -> [Int] {
        profiles.indices.filter { column in
            let profile = profiles[column]
            return !found.has(column) && !profile.isEmpty && !profile.isNested && !profile.isNumbering
                && !(names.map { ColumnNames.isIdentifier($0[column]) } ?? false)
        }
    }

    private func findLabelByLook(_ found: inout Found) throws(TextError) {
        let candidates = free(found).filter { strength($0) > 0 }
        let best = candidates.map(strength).max() ?? 0
        let strongest = candidates.filter { strength($0) == best }
        if strongest.count > 1, use.isRequired {
            throw ambiguous("more than one column may be the label", strongest, "label")
        }
        // A column of the same value throughout labels nothing; it may do only where it is documented.
        if strongest.count == 1, best > 1 || use == .numbers { found.label = strongest[0] }
    }

    private func findTextByLook(_ found: inout Found) throws(TextError) {
        let free = free(found)
        var texts = free.filter { profiles[$0].isText }
        let longest = texts.map { profiles[$0].meanLength }.max() ?? 0
        // Two columns without names are two texts, however short one is.
        if texts.count > 1, names != nil || profiles.count > 2 {
            // Names of people, places and the like beside real texts.
            texts.removeAll { profiles[$0].meanWords <= 4 && profiles[$0].meanLength * 3 < longest }
        }
        switch texts.count {
        case 1: found.text = texts[0]
        case 2 where found.pair == nil: (found.text, found.pair) = (texts[0], texts[1])
        case 0:
            let words = free.filter { !profiles[$0].isNumeric }
            if found.label != nil || names == nil, words.count == 1 { found.text = words[0] }
        default: throw ambiguous("\(texts.count) columns may be the text", texts, "text")
        }
    }

    // MARK: Errors

    private func noText() -> TextError {
        let list = (names ?? []).joined(separator: ", ")
        let problem =
            isJSON
            ? "no text among the members \(list)"
            : names == nil
                ? "has \(Formatted.count(profiles.count, "column")) and no known header"
                : "no text column among \(list)"
        return error("\(problem); \(shown); set the text column ('textColumn', --text-column)")
    }

    private func noLabel(_ found: Found) -> TextError {
        let numbers = profiles.indices.filter { !found.has($0) && profiles[$0].numberStrength == 2 }
        let advice =
            use == .classes && !numbers.isEmpty
            ? "; numbers such as those of \(title(numbers[0])) need the task \"regression\""
            : ""
        let what =
            use == .numbers ? "no column looks like the numbers to learn" : "no column looks like a label"
        return error("\(what); \(shown); set the label column ('labelColumn', --label-column)\(advice)")
    }

    private func ambiguous(_ problem: String, _ columns: [Int], _ what: String) -> TextError {
        let titles = columns.prefix(6).map { title($0) }.joined(separator: ", ")
        return error(
            "\(problem): \(titles)\(columns.count > 6 ? " …" : ""); \(shown); "
                + "set the \(what) column ('\(what)Column', --\(what)-column)")
    }

    private func error(_ message: String) -> TextError {
        TextError(.invalidColumns, file: path, line: 1, message)
    }

    private func title(_ column: Int) -> String { ColumnLayout.title(column, names, isJSON: isJSON) }

    /// The columns with their first values.
    var shown: String {
        let columns = profiles.indices.map { column in
            let values = profiles[column].shown.map { $0.count > 24 ? $0.prefix(23) + "…" : $0[...] }
            return "\(title(column)) (\(values.joined(separator: " | ")))"
        }
        return "the \(isJSON ? "members" : "columns") are \(Formatted.list(columns, most: 8))"
    }
}
