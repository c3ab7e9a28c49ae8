/// Text to learn a vocabulary or a language from.
enum PlainText {
    /// The lines of a text file, or those of the texts in a file with columns or JSON objects, each text a document that
    /// an empty line ends.
    static func lines(of file: SourceFile, at path: String) throws -> [ArraySlice<UInt8>] {
        let format = DataFormat.named(by: path)
        guard let format, [.tsv, .csv, .json].contains(format) else { return file.lines }
        let options = TextDataset.Options(labels: .unused)
        let dataset = try TextDataset.load(file, at: path, format: format, options: options)
        return dataset.examples.flatMap { example in
            [example.text, example.pair].compactMap(\.self).flatMap { text in
                Array(text.utf8).split(separator: UInt8(ascii: "\n"))
            } + [[]]
        }
    }
}
