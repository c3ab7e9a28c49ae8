import Foundation
import TestSupport
import Testing

@testable import Text

/// Files of random parts give the ids and offsets of Hugging Face's tokenizers; `Fixtures/make_tokenizer_pipelines.py`
/// made them.
@Suite struct TokenizerPipelineTests {
    private struct Entry: Decodable {
        let file: String
        let cases: [Case]
    }

    private struct Case: Decodable {
        let text: String
        let ids: [Int32]
        let offsets: [[Int]]
    }

    @Test func idsAndOffsets() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Place.fixture("pipelines.json")))
        let entries = try JSONDecoder().decode([Entry].self, from: data)
        #expect(entries.count >= 40)
        for (index, entry) in entries.enumerated() {
            let scratch = try TemporaryDirectory()
            let file = try scratch.write("tokenizer.json", entry.file)
            let tokenizer = try TokenizerSource(contentsOf: file).tokenizer()
            for example in entry.cases {
                let what = "\(index): \(example.text.debugDescription)"
                let spans = try tokenizer.spans(of: example.text)
                #expect(spans.map(\.id) == example.ids, "\(what)")
                #expect(spans.map { $0.offsets(in: example.text) } == example.offsets, "\(what)")
                #expect(try tokenizer.tokenize(example.text) == example.ids, "\(what)")
            }
        }
    }

    /// A word comes from the cache the second time, also after the cache was emptied.
    @Test func cachedWordsAreTheSame() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Place.fixture("pipelines.json")))
        let entry = try #require(
            JSONDecoder().decode([Entry].self, from: data).first { $0.file.contains(#""type":"BPE""#) })
        let scratch = try TemporaryDirectory()
        let file = try scratch.write("tokenizer.json", entry.file)
        let tokenizer = try TokenizerSource(contentsOf: file).tokenizer()
        let words = (0..<3000).map { "film\($0) \($0 * 7)" }
        let first = try words.map { try tokenizer.tokenize($0) }
        let long = String(repeating: "film isn't", count: 30_000)
        #expect(try tokenizer.tokenize(long) == tokenizer.tokenize(long))
        #expect(try words.map { try tokenizer.tokenize($0) } == first)
    }

    /// GPT-2's words are what its regular expression finds.
    @Test func byteLevelWordsAreThoseOfTheExpression() throws {
        let expression =
            #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
        let pattern = try TextPattern(expression: expression)
        for text in [
            "it's they've I'll we'd 'tis '' 's", "  a   b\n\n c \t", "1½ x²y ٣ Ⅷ", "a,b;  !? (c)",
            "\u{3000}x \u{A0}\u{A0}y  ",
        ] {
            var found: [Range<Int>] = []
            var words: [Range<Int>] = []
            Array(text.utf8).withUnsafeBufferPointer { bytes in
                pattern.forEachMatch(in: bytes) { found.append($0) }
                ByteLevelSplitter.split(bytes, at: 0, into: &words)
            }
            #expect(words == found, "\(text.debugDescription)")
        }
    }

    @Test(arguments: [
        ("(a)\\1", "escape \\1"), ("a(b", "lacks a ')'"), ("[[:alpha:]]", "POSIX"),
        ("[a-z&&b]", "intersection"),
        ("(?<=a+)b", "different lengths"), ("\\p{Han}", "property Han"), ("(a?)*", "may be empty"),
        ("+a", "repeats nothing"),
    ])
    func expressionsThatAreRefused(expression: String, reason: String) throws {
        let failure = #expect(throws: PatternParser.Failure.self) {
            _ = try TextPattern(expression: expression)
        }
        #expect(failure?.reason.contains(reason) == true, "\(failure?.reason ?? "")")
    }
}
