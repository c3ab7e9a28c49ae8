import Foundation
import TestSupport
import Testing
import Text

@Suite struct TokenizerTests {
    static let words = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##able", "##a", "good", "é", "e\u{301}",
    ]

    private func tokenizer(
        _ words: [String] = words, config: String? = nil
    ) throws -> (tokenizer: any Tokenizer, scratch: TemporaryDirectory) {
        let scratch = try TemporaryDirectory()
        _ = try scratch.write("vocab.txt", words.joined(separator: "\n") + "\n")
        if let config { _ = try scratch.write("tokenizer_config.json", config) }
        return (try TokenizerSource(contentsOf: scratch.path).tokenizer(), scratch)
    }

    @Test func looksTokensUp() throws {
        let (tokenizer, _) = try tokenizer()
        #expect(tokenizer.vocabularySize == 11)
        let vocabulary = try #require(tokenizer as? PipelineTokenizer).vocabulary
        #expect(vocabulary.id(of: "good") == 8)
        #expect(vocabulary.id(of: "goo") == nil)
        #expect(tokenizer.token(of: 6) == "##able")
        #expect(tokenizer.token(of: 11) == nil)
        #expect(tokenizer.token(of: -1) == nil)
        #expect([tokenizer.special[.padding], tokenizer.special[.mask]] == [0, 4])
    }

    /// Composed and decomposed spellings are equal as Swift strings but are different tokens.
    @Test func comparesTokensByBytes() throws {
        let (tokenizer, _) = try tokenizer(config: #"{"do_lower_case": false}"#)
        #expect(try tokenizer.tokenize("\u{E9} e\u{301}") == [9, 10])
    }

    @Test func greedyLongestMatchFallsBackToUnknown() throws {
        let (tokenizer, _) = try tokenizer()
        #expect(try tokenizer.tokenize("unable una unb good") == [5, 6, 5, 7, 1, 8])
    }

    @Test func toleratesCarriageReturnsAndByteOrderMark() throws {
        let scratch = try TemporaryDirectory()
        let file = try scratch.write("vocab.txt", "\u{FEFF}" + TokenizerTests.words.joined(separator: "\r\n"))
        #expect(try TokenizerSource(contentsOf: file).tokenizer().tokenize("good") == [8])
    }

    @Test func readsSpellingsOfSpecialTokens() throws {
        let config = #"{"unk_token": {"content": "<unk>", "lstrip": false}, "mask_token": "<mask>"}"#
        let words = ["[PAD]", "<unk>", "[CLS]", "[SEP]", "<mask>", "a"]
        let (tokenizer, _) = try tokenizer(words, config: config)
        #expect(try tokenizer.encode("a b<mask>").ids == [2, 5, 1, 4, 3])
    }

    @Test func decodeRefusesUnknownIDs() throws {
        let (tokenizer, _) = try tokenizer()
        #expect(try tokenizer.decode([2, 5, 6, 8, 3]) == "unable good")
        #expect(try tokenizer.decode([2, 5, 6, 8, 3], skipSpecialTokens: false) == "[CLS] unable good [SEP]")
        let error = try textError { _ = try tokenizer.decode([2, 11]) }
        #expect(error.kind == .unknownTokenID)
        #expect(error.description == "token id 11 is not in the vocabulary; expected 0 to 10")
    }

    @Test(arguments: ["small-uncased", "small-cased", "small-accents", "small-added"])
    func savedTokenizerLoadsEqual(name: String) throws {
        let original = try TokenizerSource(contentsOf: Place.fixture(name)).tokenizer()
        let scratch = try TemporaryDirectory()
        let directory = scratch.path + "/deep/er"
        try original.save(to: directory)
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        let vocabulary = name == "small-added" ? ["tokenizer.json"] : ["vocab.txt"]
        #expect(names == (vocabulary + ["tokenizer_config.json"]).sorted())
        let loaded = try TokenizerSource(contentsOf: directory).tokenizer()
        #expect(loaded.contentHash == original.contentHash)
        let text = "A wonderful Café naïve <ent> BRANDNAME 中文 [MASK]!"
        #expect(try loaded.encode(text) == original.encode(text))
        try original.save(to: directory)
    }

    @Test func longTextHasNoQuadraticCost() throws {
        let (tokenizer, _) = try tokenizer()
        let text = String(repeating: "un", count: 500_000)
        #expect(try tokenizer.tokenize(text) == [1])
        #expect(try tokenizer.tokenize(String(repeating: "good ", count: 20_000)).count == 20_000)
    }

    // MARK: Bad input

    @Test func missingFiles() throws {
        let scratch = try TemporaryDirectory()
        let nowhere = try fileError {
            _ = try TokenizerSource(contentsOf: scratch.path + "/none").tokenizer()
        }
        #expect(nowhere.file == scratch.path + "/none")
        let empty = try fileError { _ = try TokenizerSource(contentsOf: scratch.path).tokenizer() }
        #expect(empty.message.contains("vocab.txt"))
    }

    /// Without the two that stand around every text there is no tokeniser; the others are needed where they are used.
    @Test(arguments: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    func missingSpecialToken(name: String) throws {
        let words = TokenizerTests.words.filter { $0 != name }
        if name == "[CLS]" || name == "[SEP]" {
            let error = try textError { _ = try self.tokenizer(words) }
            #expect(error.kind == .missingSpecialToken)
            #expect(error.message.contains(name))
            #expect(error.file?.hasSuffix("vocab.txt") == true)
            return
        }
        let (tokenizer, _) = try self.tokenizer(words)
        #expect(try tokenizer.encode("good").ids.count == 3)
        #expect(tokenizer.special.padding == 0)
        if name == "[UNK]" {
            let error = try textError { _ = try tokenizer.encode("good bad") }
            #expect(error.kind == .missingSpecialToken && error.message.contains("[UNK]"))
            #expect(throws: TextError.self) { try tokenizer.encode(words: ["bad"]) }
        }
        if name == "[MASK]" {
            let error = try textError {
                _ = try TokenMasking(share: 0.1, maxPredictions: 5, wholeWords: false, tokenizer: tokenizer)
            }
            #expect(error.kind == .missingSpecialToken && error.message.contains("[MASK]"))
        }
    }

    /// Lines that are blank or come again, as HF reads them: ids are line numbers, and the last of equal lines counts.
    @Test(
        arguments: [
            (["", "", "zug"], "zug good", 13, [8]), (["good", "zug"], "zug good", 12, [11]),
            ([""], "good", nil, [8]),
        ] as [([String], String, Int32?, [Int32])])
    func blankAndRepeatedLines(extra: [String], text: String, zug: Int32?, good: [Int32]) throws {
        let (tokenizer, _) = try tokenizer(TokenizerTests.words + extra)
        #expect(try tokenizer.tokenize(text) == (zug.map { [$0] } ?? []) + good)
    }

    /// A vocabulary may be larger than the model; texts may not have the tokens that it has no rows for.
    @Test func tokensWithoutARow() throws {
        let tokenizer = try tokenizer(TokenizerTests.words + [""]).tokenizer.limited(toRows: 8, types: 2)
        #expect(tokenizer.vocabularySize == 8)
        #expect(try tokenizer.encode("unable").ids == [2, 5, 6, 3])
        let error = try textError { _ = try tokenizer.encode("unable good") }
        #expect(error.kind == .unknownTokenID)
        #expect(error.message.contains("\"good\" has id 8, but the model only has rows for 8 tokens"))
        #expect(throws: TextError.self) { try tokenizer.limited(toRows: 3, types: 2) }
    }

    @Test func emptyVocabulary() throws {
        let scratch = try TemporaryDirectory()
        let file = try scratch.write("vocab.txt", "")
        #expect(
            try textError { _ = try TokenizerSource(contentsOf: file).tokenizer() }.kind == .invalidVocabulary
        )
    }

    @Test func invalidUTF8NamesLineAndOffset() throws {
        let scratch = try TemporaryDirectory()
        let file = try scratch.write("vocab.txt", Array("[PAD]\n[UNK]\nab".utf8) + [0xC3, 0x28, 0x0A])
        let error = try textError { _ = try TokenizerSource(contentsOf: file).tokenizer() }
        #expect(error.kind == .invalidUTF8)
        #expect(error.line == 3)
        #expect(error.description == "\(file):3: invalid UTF-8 at byte offset 14; save the file as UTF-8")
    }

    private static let normalizer = #""normalizer":{"type":"BertNormalizer"}"#

    @Test(arguments: [
        ("{", TextError.Kind.invalidJSON, "byte offset 1"),
        (#"{"model":{"vocab":{"a":0}}"#, .invalidJSON, "expected ',' or '}'"),
        ("[]", .unsupportedTokenizer, "no model.vocab"),
        (#"{"model":{"type":"CTC","vocab":{}}}"#, .unsupportedTokenizer, "'model.type' is \"CTC\""),
        (#"{"model":{"type":"Unigram","vocab":{"a":0}}}"#, .unsupportedTokenizer, "'model.vocab'"),
        (
            #"{"model":{"type":"BPE","dropout":0.1,"vocab":{"a":0},"merges":[]}}"#, .unsupportedTokenizer,
            "'model.dropout' is 0.1"
        ),
        (
            #"{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}"#, .invalidVocabulary,
            "merge 1 needs the token \"b\""
        ),
        (
            #"{"normalizer":{"type":"Sequence","normalizers":[{"type":"Nfk"}]},"model":{"vocab":{"a":0}}}"#,
            .unsupportedTokenizer, "'normalizer.normalizers[0].type' is \"Nfk\""
        ),
        (
            #"{"pre_tokenizer":{"type":"UnicodeScripts"},"model":{"vocab":{"a":0}}}"#, .unsupportedTokenizer,
            "UnicodeScripts"
        ),
        (
            #"{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a)\\1"},"behavior":"Isolated"},"#
                + #""model":{"vocab":{"a":0}}}"#, .unsupportedTokenizer, "pre_tokenizer.pattern"
        ),
        (
            #"{"post_processor":{"type":"TemplateProcessing","single":[]},"model":{"vocab":{"a":0}}}"#,
            .unsupportedTokenizer, "each text once"
        ),
        ("{\(normalizer),\"model\":{\"vocab\":{\"a\":2000000000}}}", .invalidVocabulary, "expected 0 to"),
        ("{\(normalizer),\"model\":{\"vocab\":{\"a\":\"x\"}}}", .invalidVocabulary, "whole number"),
        ("{\(normalizer),\"model\":{\"vocab\":{}}}", .invalidVocabulary, "empty"),
        (
            #"{\#(normalizer),"added_tokens":[{"content":"b","id":-1}],"model":{"vocab":{"a":0}}}"#,
            .invalidVocabulary, "added_tokens"
        ),
        (String(repeating: "[", count: 100_000), .invalidJSON, "deeply"),
    ])
    func badTokenizerJSON(json: String, kind: TextError.Kind, part: String) throws {
        let scratch = try TemporaryDirectory()
        let file = try scratch.write("tokenizer.json", json)
        let error = try textError { _ = try TokenizerSource(contentsOf: file).tokenizer() }
        #expect(error.kind == kind)
        #expect(error.message.contains(part), "\(error)")
        #expect(error.file == file)
    }

    @Test func noRoomForSpecialTokens() throws {
        let (tokenizer, _) = try tokenizer()
        #expect(try tokenizer.encode("good good", maxLength: 2).ids == [2, 3])
        #expect(try textError { _ = try tokenizer.encode("good", maxLength: 1) }.kind == .cannotTruncate)
        #expect(
            try textError { _ = try tokenizer.encode("", pair: "", maxLength: 2) }.kind == .cannotTruncate)
        #expect(try tokenizer.encode("good", maxLength: 1, truncation: .doNotTruncate).count == 3)
    }

    @Test func datasetErrorNamesTheLine() throws {
        let (tokenizer, _) = try tokenizer()
        let dataset = TextDataset([TextExample(text: "good"), TextExample(text: "good good")], name: "x.tsv")
        let error = try textError {
            _ = try tokenizer.encode(dataset, maxLength: 3, truncation: .onlySecond)
        }
        #expect(error.description.hasPrefix("x.tsv:2: truncation only_second"))
    }

    @Test func cannotSaveBelowAFile() throws {
        let (tokenizer, scratch) = try tokenizer()
        let error = try fileError { try tokenizer.save(to: scratch.path + "/vocab.txt/x") }
        #expect(error.operation == .write)
    }
}
