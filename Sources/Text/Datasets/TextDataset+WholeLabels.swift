import Support

extension String {
    /// A whole number that is spelled as a fraction (`1.0`) as an integer; `nil` for other texts and for integers.
    var wholeNumber: String? {
        guard Int(self) == nil, let number = Double(self).flatMap(Int.init(exactly:)) else { return nil }
        return "\(number)"
    }
}

extension TextDataset {
    /// The same examples with 1 for a label 1.0, where all labels are whole numbers: pandas writes them as fractions as
    /// soon as one is missing.
    func withWholeLabels(_ options: Options) -> TextDataset {
        guard options.labels == .classes else { return self }
        var whole: [TextKey: String] = [:]
        for label in Set(examples.lazy.map { TextKey($0.label ?? "") }) where !["", "-"].contains(label) {
            if Int(label.text) != nil { continue }
            guard !options.knownLabels.contains(label), let number = label.text.wholeNumber else {
                return self
            }
            whole[label] = number
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
