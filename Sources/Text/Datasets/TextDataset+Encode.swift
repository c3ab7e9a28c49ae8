extension Tokenizer {
    /// Tokenises every example of a data set, in order.
    ///
    /// - Throws: `.cannotTruncate` with file and line of the example that does not fit.
    package func encode(
        _ dataset: TextDataset, maxLength: Int? = nil, truncation: Truncation = .longestFirst
    ) throws(TextError) -> [Encoding] {
        var encodings: [Encoding] = []
        encodings.reserveCapacity(dataset.count)
        for (example, line) in zip(dataset.examples, dataset.lines) {
            do {
                encodings.append(
                    try encode(
                        example.text, pair: example.pair, maxLength: maxLength, truncation: truncation))
            } catch {
                throw TextError(error.kind, file: dataset.textFile, line: line, error.message)
            }
        }
        return encodings
    }
}
