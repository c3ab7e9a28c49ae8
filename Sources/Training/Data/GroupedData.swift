import GraphCompiler
import Pipelines
import Support
import Text

/// Tokenised examples of several texts each, with what the data or a teacher say of them.
struct GroupedData: LabelledExamples {
    let path: String
    /// The texts of all examples, one after another.
    let encodings: [Encoding]
    /// Texts of an example.
    let textCount: Int
    /// Equal texts have equal keys; for each example.
    let keys: [[Int]]
    /// Numbers of each example; `nil` when the data have none.
    var numbers: [[Float]]?
    /// A teacher's vector for each text; `nil` without a teacher.
    var teacherVectors: [[Float]]?

    /// Examples of as many texts each.
    var groups: ExampleGroups { ExampleGroups(of: textCount, count: keys.count) }
    var count: Int { keys.count }

    /// Tokenises a data set; texts that are too long are cut.
    ///
    /// - Throws: `TextError` with file and line.
    init(_ dataset: GroupedDataset, _ training: TrainingConfig, _ source: ModelSource, maxLength: Int) throws
    {
        let prompts = dataset.columns.map(training.loss.prompts.prompt)
        let count = dataset.textCount
        encodings = try Compiler.tasks(threads: training.machine.threads).map(
            dataset.count * count,
            throwing: { index in
                let (example, text) = (index / count, index % count)
                do throws(TextError) {
                    return try source.tokenizer.encode(
                        prompts[text] + dataset.texts[example][text], maxLength: maxLength)
                } catch {
                    throw TextError(
                        error.kind, file: dataset.file, line: dataset.lines[example], error.message)
                }
            })
        path = dataset.file
        textCount = count
        numbers = dataset.numbers
        var known: [TextKey: Int] = [:]
        keys = dataset.texts.map { texts in
            texts.map { text in
                let key = known[TextKey(text)] ?? known.count
                known[TextKey(text)] = key
                return key
            }
        }
    }

    /// The encodings of an example.
    func encodings(of example: Int) -> ArraySlice<Encoding> {
        encodings[(example * textCount)..<((example + 1) * textCount)]
    }

    var fingerprint: String {
        var fingerprint = Fingerprint(of: encodings)
        fingerprint.add(CollectionOfOne(Int32(textCount)))
        for numbers in [numbers, teacherVectors].compactMap(\.self).joined() {
            fingerprint.add(numbers.map { Int32(bitPattern: $0.bitPattern) })
        }
        return fingerprint.text
    }
}
