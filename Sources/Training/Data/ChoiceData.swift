import GraphCompiler
import Pipelines
import Text

/// Tokenised examples of multiple choice: each text with each of its choices, and which of them is right.
struct ChoiceData: LabelledExamples {
    let path: String
    /// A text with each of its choices, example by example.
    let encodings: [Encoding]
    let groups: ExampleGroups
    /// The right choice of each example, counted from 0.
    let labels: [Int]
    let notes: [String]

    /// - Throws: `TextError` with file and line.
    init(
        contentsOf path: String, _ training: TrainingConfig, _ source: ModelSource, maxLength: Int
    ) throws {
        var options = ChoiceDataset.Options()
        options.format = training.data.format
        options.header = training.data.header
        options.textColumn = training.data.textColumn.map { ColumnSelector($0) }
        options.startColumn = training.data.pairColumn.map { ColumnSelector($0) }
        options.choiceColumns = training.data.textColumns.map { ColumnSelector($0) }
        options.labelColumn = training.data.labelColumn.map { ColumnSelector($0) }
        let dataset = try ChoiceDataset(contentsOf: path, options: options)
        let places = dataset.examples.indices.flatMap { example in
            dataset.examples[example].choices.indices.map { (example, $0) }
        }
        encodings = try source.encode(places.count, file: dataset.file, training, maxLength: maxLength) {
            let (example, choice) = places[$0]
            let texts = dataset.examples[example]
            return (TextPair(texts.text, pair: texts.second(choice)), dataset.lines[example])
        }
        groups = ExampleGroups(sizes: dataset.examples.map(\.choices.count))
        (labels, notes, self.path) = (dataset.labels, dataset.notes, dataset.file)
    }

    var count: Int { groups.count }
    /// Choices of the example that has most.
    var mostChoices: Int { (0..<count).reduce(1) { max($0, groups[$1].count) } }

    var fingerprint: String {
        var fingerprint = Fingerprint(of: encodings)
        fingerprint.add(groups.offsets.map(Int32.init))
        fingerprint.add(labels.map(Int32.init))
        return fingerprint.text
    }
}
