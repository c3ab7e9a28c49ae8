import Foundation
import Support

extension TokenFile {
    /// Tokenises some text files into one file of tokens, or opens the one that is there when it was made of the same
    /// texts with the same tokeniser. A damaged one is made again.
    ///
    /// A text file holds documents, which blank lines separate; each line holds one or more sentences, which
    /// `SentenceSplitter` takes apart. A document also ends with its file. Sentences without tokens are left out, and
    /// so are documents without sentences.
    ///
    /// - Throws: `FileError` for a file that cannot be read or written, `TextError` for a text that is not UTF-8 or holds no words.
    package static func prepare(
        _ texts: [String], tokenizer: any Tokenizer, at path: String
    ) throws -> TokenFile {
        // A pipe gives its text once.
        var pipes: [TextKey: SourceFile] = [:]
        let sources = try hash(of: texts, pipes: &pipes)
        if let file = try? TokenFile(contentsOf: path), file.sources == sources,
            file.tokenizer == tokenizer.contentHash
        {
            return file
        }
        var writer = TokenFileWriter(idSize: tokenizer.vocabularySize <= 1 << 16 ? 2 : 4)
        for text in texts {
            let file: SourceFile
            if let pipe = pipes[TextKey(text)] {
                file = pipe
            } else {
                file = try SourceFile(path: text, expected: "a text file")
            }
            for line in try PlainText.lines(of: file, at: text) {
                let sentences = SentenceSplitter.split(line)
                if sentences.isEmpty { writer.endDocument() }
                for sentence in sentences {
                    writer.add(try tokenizer.tokenize(String(utf8: line[sentence]), of: text))
                }
            }
            writer.endDocument()
        }
        guard writer.hasDocuments else {
            throw TextError(.emptyDataset, file: texts.first, "holds no words; expected lines of text")
        }
        try writer.write(to: path, sources: sources, tokenizer: tokenizer.contentHash)
        return try TokenFile(contentsOf: path)
    }

    private static func hash(
        of texts: [String], pipes: inout [TextKey: SourceFile]
    ) throws -> UInt64 {
        var hash = Fingerprint()
        for text in texts {
            let file = try SourceFile(path: text, expected: "a text file")
            file.bytes.withUnsafeBytes { hash.addWords($0) }
            if !file.isRepeatable { pipes[TextKey(text)] = file }
        }
        return hash.value
    }
}

extension Tokenizer {
    /// - Throws: what `tokenize` throws, with the file.
    fileprivate func tokenize(_ text: String, of file: String) throws(TextError) -> [Int32] {
        do {
            return try tokenize(text)
        } catch {
            throw TextError(error.kind, file: error.file ?? file, error.message)
        }
    }
}
