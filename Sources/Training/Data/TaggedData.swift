import GraphCompiler
import Pipelines
import Support
import Text

/// A tokenised data set whose words have labels.
struct TaggedData: LabelledExamples {
    let path: String
    let encodings: [Encoding]
    /// For each sentence the tokens that are labelled, counted from its first: the first piece of each word.
    let positions: [[Int32]]
    /// As many as `positions`.
    let labels: [[Int32]]
    /// How much the words of each label count in training; all alike when nil.
    var classWeights: [Float]?
    /// Sentences that were cut, and words that were cut off.
    let cut: (sentences: Int, words: Int)

    /// - Throws: `TextError` with file and line of an unknown label.
    init(
        _ dataset: TaggedDataset, tokenizer: any Tokenizer, labels map: LabelMap, maxLength: Int
    ) throws {
        // Labels first: a mistake in one is found before the long work.
        let labels = try dataset.sentences.map { try map.ids(for: $0, in: dataset) }
        let sentences = try dataset.sentences.map {
            try tokenizer.encode(words: $0.words, maxLength: maxLength)
        }
        path = dataset.file
        encodings = sentences.map(\.encoding)
        positions = sentences.map(\.firstPieces)
        self.labels = zip(labels, sentences).map { Array($1.kept(of: $0)) }
        let lost = zip(labels, positions).map { $0.count - $1.count }.filter { $0 > 0 }
        cut = (lost.count, lost.reduce(0, +))
    }

    /// What was cut off, if anything was.
    func cutNote(maxLength: Int) -> String? {
        guard cut.sentences > 0 else { return nil }
        let sentences = Formatted.count(cut.sentences, "sentence is", "sentences are")
        return
            "\(path): \(sentences) cut to \(maxLength) tokens, and \(Formatted.count(cut.words, "word is", "words are")) left out; blank lines end "
            + "sentences, and 'maxLength' says how long one may be"
    }

    var fingerprint: String {
        var fingerprint = Fingerprint(of: encodings)
        for (positions, labels) in zip(positions, labels) {
            fingerprint.add(positions)
            fingerprint.add(labels)
        }
        if let classWeights { fingerprint.add(classWeights.map { Int32(bitPattern: $0.bitPattern) }) }
        return fingerprint.text
    }

    /// What the labelled tokens of some sentences weigh together.
    func weight(of indices: [Int]) -> Float { indices.reduce(0) { $0 + weights(of: $1).reduce(0, +) } }

    /// The weights of a sentence's labelled tokens.
    func weights(of index: Int) -> [Float] { labels[index].map { classWeights?[Int($0)] ?? 1 } }

    /// Labelled tokens of some sentences.
    func labelledCount(_ indices: [Int]) -> Int { indices.reduce(0) { $0 + labels[$1].count } }
}

extension StepInputs {
    /// A batch of labelled sentences.
    ///
    /// - Parameter stepTokens: labelled tokens of the whole step.
    init(_ batch: Batch, of data: TaggedData, stepTokens: Int) {
        let inputs = EncoderInputs(batch)
        let positions = zip(batch.offsets, batch.exampleIndices).flatMap { offset, index in
            data.positions[index].map { offset + $0 }
        }
        let labels = [
            "labelled_positions": TensorData(positions),
            "labels": TensorData(batch.exampleIndices.flatMap { data.labels[$0] }),
        ]
        self.init(
            inputs.tensors.merging(labels) { $1 }, symbols: inputs.symbols,
            lossWeights: [Float(positions.count) / Float(stepTokens)])
    }
}
