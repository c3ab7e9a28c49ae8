import Support

/// Whether the values of a column that was taken for the label can be one: texts, keys and measurements are not.
struct LabelCheck {
    let dataset: TextDataset
    /// How messages call the column.
    let column: String
    /// Its name, if it has one.
    let name: String?
    /// Whether the file has no header and its label before its text.
    let isDocumentedOrder: Bool

    /// The data set, with a note when every example has a label of its own.
    ///
    /// - Throws: `.invalidLabel` with what to set.
    func checked() throws(TextError) -> TextDataset {
        var profile = ColumnProfile()
        for example in dataset.examples { profile.add(.text(example.label ?? "")) }
        if let name,
            let row = dataset.examples.firstIndex(where: { $0.label?.hasSameCodePoints(as: name) ?? false })
        {
            throw TextError(
                .invalidLabel, file: dataset.labelFile, line: dataset.lines[row],
                "the label \"\(name)\" is the name of its column: is this a second header? Remove the line")
        }
        guard profile.rows > 2 else { return dataset }
        if profile.longest > 200 || profile.meanWords >= 4 && profile.distinct * 2 > profile.rows {
            throw refusal("holds long texts", profile)
        }
        try checkNumbers(profile)
        let isNearlyAll = profile.rows > 20 && profile.distinct * 10 > profile.rows * 9
        guard profile.areAllDifferent || isNearlyAll else { return dataset }
        let isNamed = name.map(ColumnNames.isLabel) ?? false
        guard isNamed && profile.rows <= 10 || isDocumentedOrder && profile.labelStrength > 0 else {
            throw refusal("has \(profile.distinct) different values in \(profile.rows) examples", profile)
        }
        var dataset = dataset
        dataset.notes.append(
            "\(dataset.labelFile): the label, \(column), has \(profile.distinct) different values in \(profile.rows) examples"
        )
        return dataset
    }

    private func checkNumbers(_ profile: ColumnProfile) throws(TextError) {
        guard profile.isNumeric else { return }
        if !profile.isInteger, profile.values.keys.contains(where: { $0.isFraction }) {
            guard profile.distinct > 20 || profile.areAllDifferent else { return }
            throw refusal("holds \(profile.distinct) different fractions", profile, isMeasurement: true)
        }
        guard profile.distinct >= 100 else { return }
        let numbers = profile.values.keys.compactMap { Int($0.text) }
        let areIDs =
            (numbers.min() ?? 0) >= 0 && (numbers.max() ?? 0) <= profile.distinct + profile.distinct / 10
        let isNamed = name.map { ColumnNames.isLabel($0) || ColumnNames.resemblesLabel($0) } ?? false
        guard isNamed, areIDs, profile.rows >= 5 * profile.distinct else {
            throw refusal("holds \(profile.distinct) different numbers", profile, isMeasurement: true)
        }
    }

    private func refusal(_ problem: String, _ profile: ColumnProfile, isMeasurement: Bool = false)
        -> TextError
    {
        let values = profile.shown.map { $0.count > 24 ? $0.prefix(23) + "…" : $0[...] }.joined(
            separator: " | ")
        return TextError(
            .invalidLabel, file: dataset.labelFile, line: dataset.lines.first,
            "\(column) (\(values)) cannot be the label of a class: it \(problem); "
                + (isMeasurement ? "set the task \"regression\" to learn numbers, or " : "")
                + "set the label column ('labelColumn', --label-column; this one, if it is meant)")
    }
}

extension TextKey {
    fileprivate var isFraction: Bool { Double(text).map { $0 != $0.rounded() } ?? false }
}
