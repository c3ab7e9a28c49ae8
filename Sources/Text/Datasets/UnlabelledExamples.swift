import Support

extension TextDataset {
    /// Without the examples that have no gold label, with a note of how many they are.
    ///
    /// An empty label is none. For classes `-` is none, as SNLI writes it for pairs whose annotators disagreed, and so
    /// is -1, as Hugging Face's data sets write it; but where the labels are numbers around 0, as of sentiment, -1 is a
    /// class like the others.
    ///
    /// - Throws: `.invalidLabel` when no example has a label.
    func leavingOutUnlabelled(_ options: Options, labelName: String? = nil) throws(TextError) -> TextDataset {
        let marks = UnlabelledMarks(self, options, labelName: labelName)
        var kept: [Int] = []
        var left: [TextKey: Int] = [:]
        for index in examples.indices {
            let label = TextKey(examples[index].label ?? "")
            if marks.contains(label) { left[label, default: 0] += 1 } else { kept.append(index) }
        }
        let count = examples.count - kept.count
        let spelled = left.keys.sorted().map { $0.text.isEmpty ? "none" : "\"\($0)\"" }.joined(
            separator: " or ")
        guard !kept.isEmpty else {
            throw TextError(
                .invalidLabel, file: labelFile, line: lines.first,
                "no example has a label (all have \(spelled)); expected a label for every text")
        }
        var notes = notes + (marks.note.map { ["\(labelFile): \($0)"] } ?? [])
        if count > 0 {
            notes.append(
                "\(labelFile): \(count) of \(examples.count) examples have no gold label (\(spelled)) and are left out"
            )
        }
        return TextDataset(
            kept.map { examples[$0] }, textFile: textFile, labelFile: labelFile,
            lines: kept.map { lines[$0] },
            layout: layout, notes: notes)
    }
}

/// What stands for no label in a data set.
private struct UnlabelledMarks {
    private var marks: Set<TextKey> = [""]
    /// Said when -1 might be either.
    private(set) var note: String?

    init(_ dataset: TextDataset, _ options: TextDataset.Options, labelName: String?) {
        guard options.labels == .classes else { return }
        if let chosen = options.missingLabels {
            marks.formUnion(chosen.map { TextKey($0) })
            return
        }
        guard options.knownLabels.isEmpty else {
            marks.formUnion((["-", "-1"] as [TextKey]).filter { !options.knownLabels.contains($0) })
            return
        }
        var labels = Set(dataset.examples.map { TextKey($0.label ?? "") })
        labels.remove("")
        if labels.contains("-"), !labels.contains("+") {
            labels.remove("-")
            marks.insert("-")
        }
        guard labels.remove("-1") != nil else { return }
        let numbers = labels.compactMap { Int($0.text) }
        guard numbers.count == labels.count, !numbers.isEmpty else {
            marks.insert("-1")
            return
        }
        let (least, greatest) = (numbers.min() ?? 0, numbers.max() ?? 0)
        if least == 0, greatest > 1 || greatest == 1 && dataset.hasPairs {
            marks.insert("-1")
        } else if least == 0, greatest == 1, !Self.isOfSentiment(labelName) {
            note =
                "-1 is taken as a class like 0 and 1; if it means that there is no label, set 'missingLabels' to [\"-1\"]"
        }
    }

    func contains(_ label: TextKey) -> Bool { marks.contains(label) }

    private static func isOfSentiment(_ name: String?) -> Bool {
        guard let name = name.map({ ColumnNames.folded($0).text }) else { return false }
        return ["sentiment", "polarity", "stance", "score"].contains { name.hasSuffix($0) }
    }
}
