import Support

/// The classes of a task: names and the ids 0, 1, 2 ... that the model's outputs have.
package struct LabelMap: Sendable {
    /// Names in the order of their ids.
    package let names: [String]
    /// What the data call the classes.
    private let ids: [TextKey: Int32]

    /// Takes names in the order of their ids, as a saved model has them.
    ///
    /// - Parameter spellings: what the data call them, in the same order; the names when nil.
    /// - Throws: `.invalidLabel` when there is none, or one occurs twice.
    package init(names: [String], spelt spellings: [String]? = nil) throws(TextError) {
        guard !names.isEmpty else {
            throw TextError(.invalidLabel, "a label map needs at least one label name")
        }
        var ids: [TextKey: Int32] = [:]
        for (id, name) in (spellings ?? names).enumerated() {
            if let first = ids.updateValue(Int32(id), forKey: TextKey(name)) {
                throw TextError(
                    .invalidLabel, "label \"\(name)\" has ids \(first) and \(id); names must differ")
            }
        }
        self.names = names
        self.ids = ids
    }

    /// Collects the labels of data sets, usually the training data alone.
    package init(labelsOf datasets: TextDataset...) throws(TextError) {
        try self.init(sorting: datasets.flatMap { $0.examples.compactMap(\.label) })
    }

    /// An order that does not depend on the data's: by value if all labels are integers, else by code points.
    init(sorting labels: some Sequence<String>) throws(TextError) {
        let names = Set(labels.lazy.map { TextKey($0) }).map(\.text)
        let numbers = names.compactMap { name in Int(name).map { (number: $0, name: name) } }
        if numbers.count == names.count {
            let sorted = numbers.sorted {
                $0.number == $1.number ? TextKey($0.name) < TextKey($1.name) : $0.number < $1.number
            }
            try self.init(names: sorted.map(\.name))
        } else {
            try self.init(names: names.sorted { TextKey($0) < TextKey($1) })
        }
    }

    package var count: Int { names.count }

    package func id(of name: String) -> Int32? { ids[TextKey(name)] }

    package func name(of id: Int32) -> String? {
        names.indices.contains(Int(id)) ? names[Int(id)] : nil
    }

    /// The class id of each example.
    ///
    /// - Throws: `.invalidLabel` with file, line, the label and the known labels.
    package func ids(for dataset: TextDataset) throws(TextError) -> [Int32] {
        var result: [Int32] = []
        result.reserveCapacity(dataset.count)
        for (example, line) in zip(dataset.examples, dataset.lines) {
            guard let label = example.label else { throw dataset.missingLabel(line: line) }
            result.append(try id(of: label, file: dataset.labelFile, line: line))
        }
        return result
    }

    /// The class id of a label in a file.
    ///
    /// - Throws: `.invalidLabel` with file, line, the label and the known labels.
    func id(of label: String, file: String, line: Int) throws(TextError) -> Int32 {
        guard let id = ids[TextKey(label)] else {
            throw TextError(
                .invalidLabel, file: file, line: line,
                "unknown label \"\(label)\"; known labels are \(knownLabels)")
        }
        return id
    }

    /// The names for a message, at most twenty.
    private var knownLabels: String { Formatted.list(names, most: 20) }
}

extension TextDataset {
    /// The labels as numbers, for a regression task.
    ///
    /// - Throws: `.invalidLabel` with file and line for a label that is not a finite number.
    package func regressionTargets() throws(TextError) -> [Float] {
        var targets: [Float] = []
        targets.reserveCapacity(count)
        for (example, line) in zip(examples, lines) {
            guard let label = example.label else { throw missingLabel(line: line) }
            guard let target = Float(label), target.isFinite else {
                throw TextError(
                    .invalidLabel, file: labelFile, line: line,
                    "label \"\(label)\" is not a finite number; regression needs numbers")
            }
            targets.append(target)
        }
        return targets
    }

    fileprivate func missingLabel(line: Int) -> TextError {
        TextError(.invalidLabel, file: labelFile, line: line, "the example has no label; expected one")
    }
}
