import Support

extension Tokenizer {
    /// Tokenises every example of a data set, in order.
    ///
    /// - Parameter runner: shares the work; the result does not depend on it.
    /// - Throws: `.cannotTruncate` with file and line of the example that does not fit.
    package func encode(
        _ dataset: TextDataset, maxLength: Int? = nil, truncation: Truncation = .longestFirst,
        runner: any TaskRunner = CallingThread()
    ) throws(TextError) -> [Encoding] {
        let results = runner.map(dataset.count) { index -> Result<Encoding, TextError> in
            let example = dataset.examples[index]
            do throws(TextError) {
                return .success(
                    try encode(
                        example.text, pair: example.pair, maxLength: maxLength, truncation: truncation))
            } catch {
                return .failure(
                    TextError(
                        error.kind, file: dataset.textFile, line: dataset.lines[index], error.message))
            }
        }
        var encodings: [Encoding] = []
        encodings.reserveCapacity(results.count)
        for result in results { encodings.append(try result.get()) }
        return encodings
    }
}
