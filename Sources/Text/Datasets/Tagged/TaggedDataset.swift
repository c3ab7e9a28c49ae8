import Support

/// A sentence whose words have a label each.
package struct TaggedSentence: Sendable, Equatable {
    package let words: [String]
    /// As many as `words`.
    package let labels: [String]
    /// One-based line of the first word; the others follow line by line.
    package let line: Int

    package init(words: [String], labels: [String], line: Int) {
        (self.words, self.labels, self.line) = (words, labels, line)
    }
}

/// Sentences in file order.
package struct TaggedDataset: Sendable, Equatable {
    package let sentences: [TaggedSentence]
    /// Path of the file.
    package let file: String

    package init(_ sentences: [TaggedSentence], file: String) {
        (self.sentences, self.file) = (sentences, file)
    }
}

extension LabelMap {
    /// Collects the labels of words, in the order of `LabelMap(labelsOf:)`.
    package init(labelsOf dataset: TaggedDataset) throws(TextError) {
        try self.init(sorting: Set(dataset.sentences.flatMap(\.labels).map { TextKey($0) }))
    }

    /// The class id of each word of a sentence.
    ///
    /// - Throws: `.invalidLabel` with file, line, the label and the known labels.
    package func ids(for sentence: TaggedSentence, in dataset: TaggedDataset) throws(TextError) -> [Int32] {
        var ids: [Int32] = []
        for (index, label) in sentence.labels.enumerated() {
            ids.append(try id(of: label, file: dataset.file, line: sentence.line + index))
        }
        return ids
    }
}
