import Support

extension TextDataset {
    /// The same examples with 1 for a label 1.0, where all labels are whole numbers: pandas writes them as fractions as
    /// soon as one is missing.
    func withWholeLabels(_ options: Options) -> TextDataset {
        guard options.labels == .classes else { return self }
        var whole: [TextKey: String] = [:]
        for label in Set(examples.lazy.map { TextKey($0.label ?? "") }) where !["", "-"].contains(label) {
            guard !options.knownLabels.contains(label) || Int(label.text) != nil,
                let number = Double(label.text).flatMap(Int.init(exactly:))
            else { return self }
            if Int(label.text) == nil { whole[label] = "\(number)" }
        }
        guard !whole.isEmpty else { return self }
        let examples = examples.map { example in
            var example = example
            example.label = example.label.map { whole[TextKey($0)] ?? $0 }
            return example
        }
        return TextDataset(
            examples, textFile: textFile, labelFile: labelFile, lines: lines, layout: layout, notes: notes)
    }
}
