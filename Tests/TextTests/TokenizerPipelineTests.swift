import Foundation
import Support
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
            try Array(text.utf8).withUnsafeBufferPointer { bytes in
                try pattern.forEachMatch(in: bytes) { found.append($0) }
                ByteLevelSplitter.split(bytes, at: 0, into: &words)
            }
            #expect(words == found, "\(text.debugDescription)")
        }
    }

    /// Expressions that would take exponential time find what they should, and soon.
    @Test(arguments: [
        ("(a+)+$", "a", 1000, "b", []), ("(a+)+$", "a", 300, "b aaa", [302..<305]),
        ("(x+x+)+y", "x", 300, "", []), ("(a|aa|a\u{E9})+c|b", "a\u{E9}", 200, "b", [600..<601]),
        ("(?:[a-z]+ ?)*?!", "ab ", 300, "b!", [0..<902]), (#"\s+$"#, " ", 1000, "x", []),
    ])
    func expressionsThatBacktrack(
        expression: String, unit: String, count: Int, end: String, matches: [Range<Int>]
    ) throws {
        let text = String(repeating: unit, count: count) + end
        let pattern = try TextPattern(expression: expression)
        var found: [Range<Int>] = []
        try Array(text.utf8).withUnsafeBufferPointer { bytes in
            try pattern.forEachMatch(in: bytes) { found.append($0) }
        }
        #expect(found == matches)
    }

    /// Nothing changes when failures are remembered from the start.
    @Test(arguments: [
        "(a+)+b|a", "(?:ab)*", "(?:ab|a)+?b*", "(a|b|ab)+c?", "(?=(a+)+b)a", "(?>a+b?)+|b", "(a*b|c)+$",
        "(?<=a)b+|.{3}",
        "(?:[a-c]{2})+?c", "(?:a|b)++c|b", #"(?:\w+\s*)*c|\s"#,
    ])
    func rememberedFailures(expression: String) throws {
        let program = PatternProgram(try PatternParser.parse(expression))
        var random = SplitMix64(seed: 11)
        for _ in 0..<60 {
            let text = (0..<14).map { _ in UInt8(ascii: "a") + UInt8(random.next() % 4 % 3) }
            try text.withUnsafeBufferPointer { bytes in
                var plain = PatternMatcher(program, bytes, patience: .max)
                var remembering = PatternMatcher(program, bytes, patience: 1)
                for start in 0...text.count {
                    let expected = try plain.match(at: start)
                    let end = try remembering.match(at: start)
                    #expect(end == expected, "\(text) at \(start)")
                }
            }
        }
    }

    @Test func expressionsThatBacktrackWithoutEnd() throws {
        let pattern = try TextPattern(expression: "(?=(a+)+b)a")
        let error = try textError {
            try Array(repeating: UInt8(ascii: "a"), count: 30).withUnsafeBufferPointer { bytes in
                try pattern.forEachMatch(in: bytes, retryLimit: 10_000) { _ in }
            }
        }
        #expect(error.message.contains(#"expression "(?=(a+)+b)a" needs more than 10000 retries"#))
    }

    @Test(arguments: [
        (
            String(repeating: "(", count: 40_000) + "a" + String(repeating: ")", count: 40_000),
            "more than 1000"
        ),
        (String(repeating: "[", count: 100_000), "more than 1000"),
        ("((((a{1000}){1000}){1000}){1000})", "repeats too much"),
        (String(repeating: "(", count: 60) + "a" + String(repeating: ")+", count: 60), "repeats too much"),
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
