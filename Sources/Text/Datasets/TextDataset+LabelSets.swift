import Support

extension TextDataset {
    /// The same examples with any number of labels each: those of a list, else what separators of a text stand between. A text
    /// may be a list of JSON.
    ///
    /// - Throws: `.invalidLabel` for an example whose labels are not known, which is not the same as none.
    func withLabelSets(separator: String) throws(TextError) -> TextDataset {
        var examples = examples
        for index in examples.indices {
            if examples[index].labels == nil {
                guard let text = examples[index].label else {
                    throw TextError(
                        .invalidLabel, file: labelFile, line: lines[index],
                        "the labels are not there or null; expected a list, which is empty for none")
                }
                examples[index].labels = Self.labels(in: text, separator)
            }
            examples[index].label = nil
        }
        return TextDataset(
            examples, textFile: textFile, labelFile: labelFile, lines: lines, layout: layout, notes: notes)
    }

    private static func labels(in text: String, _ separator: String) -> [String] {
        if text.hasPrefix("["), let list = (try? JSONValue(parsing: text.utf8))?.array {
            let labels = list.compactMap { DataCell($0).label }
            if labels.count == list.count { return labels }
        }
        return text.split(separator: separator, omittingEmptySubsequences: true).map { String($0).trimmed }
            .filter { !$0.isEmpty }
    }
}

extension LabelMap {
    /// Collects the labels of examples with any number of them, in the order of `LabelMap(labelsOf:)`.
    package init(labelSetsOf dataset: TextDataset) throws(TextError) {
        guard dataset.examples.contains(where: { $0.labels?.isEmpty == false }) else {
            throw TextError(
                .invalidLabel, file: dataset.labelFile, line: dataset.lines.first ?? 1,
                "no example has any label; expected some that have")
        }
        try self.init(sorting: dataset.examples.lazy.flatMap { $0.labels ?? [] })
    }

    /// The class ids of each example, ascending.
    ///
    /// - Throws: `.invalidLabel` with file, line, the label and the known labels.
    package func sets(for dataset: TextDataset) throws(TextError) -> [[Int32]] {
        var sets: [[Int32]] = []
        for (example, line) in zip(dataset.examples, dataset.lines) {
            var ids: Set<Int32> = []
            for label in example.labels ?? [] {
                ids.insert(try id(of: label, file: dataset.labelFile, line: line))
            }
            sets.append(ids.sorted())
        }
        return sets
    }
}
