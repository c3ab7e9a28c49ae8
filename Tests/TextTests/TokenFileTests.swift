import Foundation
import Support
import TestSupport
import Testing

@testable import Text

@Suite struct TokenFileTests {
    static let text = """
        The cat sat. "Did it?" It did!

        One two three.
        Four five six
        \u{20}

        The end of e.g. this.
        """

    static func tokenizer(_ scratch: TemporaryDirectory) throws -> PipelineTokenizer {
        try PipelineTokenizer(trainedOn: [scratch.write("text.txt", text)], size: 200)
    }

    static func prepared(_ scratch: TemporaryDirectory) throws -> TokenFile {
        try TokenFile.prepare(
            [scratch.path + "/text.txt"], tokenizer: tokenizer(scratch), at: scratch.path + "/a/text.tokens")
    }

    @Test(arguments: [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("no capitals. here it is", ["no capitals. here it is"]),
        (#"He said: "No." (So?) It is."#, [#"He said: "No.""#, "(So?)", "It is."]),
        ("3.75 is 3.75. 4 is 4.", ["3.75 is 3.75.", "4 is 4."]), ("  ", []), (" a ", ["a"]),
        ("Wait... What?!  Yes", ["Wait...", "What?!", "Yes"]),
    ])
    func sentences(line: String, expected: [String]) {
        let bytes = Array(line.utf8)[...]
        #expect(SentenceSplitter.split(bytes).map { String(utf8: bytes[$0]) } == expected)
    }

    @Test func documentsSentencesAndTokens() throws {
        let scratch = try TemporaryDirectory()
        let file = try Self.prepared(scratch)
        let tokenizer = try Self.tokenizer(scratch)
        #expect(file.documentCount == 3 && file.sentenceCount == 6)
        let texts = try (0..<3).map { document in
            try file.sentences(ofDocument: document).map {
                try tokenizer.decode(file.ids(file.tokens(ofSentence: $0)))
            }
        }
        #expect(texts[1] == ["one two three.", "four five six"])
        #expect(texts[0].count == 3 && texts[2].count == 1)
        #expect(file.tokenCount == file.tokens(ofSentence: 5).upperBound)
        #expect(file.idSize == 2)
    }

    @Test func isReusedUntilTextOrVocabularyChange() throws {
        let scratch = try TemporaryDirectory()
        let first = try Self.prepared(scratch)
        func modified() throws -> Date {
            let attributes = try FileManager.default.attributesOfItem(atPath: first.path)
            return try #require(attributes[.modificationDate] as? Date)
        }
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1000)], ofItemAtPath: first.path)
        _ = try Self.prepared(scratch)
        #expect(try modified() == Date(timeIntervalSince1970: 1000))
        let other = try PipelineTokenizer(trainedOn: [scratch.path + "/text.txt"], size: 45)
        let smaller = try TokenFile.prepare(
            [scratch.path + "/text.txt"], tokenizer: other, at: first.path)
        #expect(try modified() > Date(timeIntervalSince1970: 1000))
        #expect(smaller.tokenizer != first.tokenizer && smaller.sources == first.sources)
    }

    @Test func shardsAreOneCorpus() throws {
        let scratch = try TemporaryDirectory()
        let tokenizer = try Self.tokenizer(scratch)
        let files = [
            try scratch.write("a.txt", "One two.\n"), try scratch.write("b.txt", "The cat.\n\nThe end."),
        ]
        let tokens = try TokenFile.prepare(files, tokenizer: tokenizer, at: scratch.path + "/x.tokens")
        #expect(tokens.documentCount == 3 && tokens.sentenceCount == 3)
    }

    /// Any damaged byte, and any missing or added one.
    @Test func damageIsFoundAndRepaired() throws {
        let scratch = try TemporaryDirectory()
        let path = try Self.prepared(scratch).path
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        func isRefused(_ data: Data) throws -> Bool {
            try data.write(to: URL(fileURLWithPath: path))
            do {
                _ = try TokenFile(contentsOf: path)
                return false
            } catch let error as TextError {
                return error.kind == .damagedFile && !error.description.contains("\n")
            }
        }
        for offset in whole.indices {
            var data = whole
            data[offset] ^= 0x10
            #expect(try isRefused(data), "byte \(offset)")
        }
        for data in [whole.dropLast(), whole + [0], Data(), whole.prefix(64)] { #expect(try isRefused(data)) }
        #expect(try Self.prepared(scratch).sentenceCount == 6)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
    }

    @Test func textsWithoutWords() throws {
        let scratch = try TemporaryDirectory()
        let tokenizer = try Self.tokenizer(scratch)
        let empty = try scratch.write("empty.txt", "\n\n \n")
        #expect(throws: TextError.self) {
            try TokenFile.prepare([empty], tokenizer: tokenizer, at: scratch.path + "/e.tokens")
        }
        #expect(throws: FileError.self) {
            try TokenFile.prepare(["nowhere.txt"], tokenizer: tokenizer, at: scratch.path + "/e.tokens")
        }
    }
}
