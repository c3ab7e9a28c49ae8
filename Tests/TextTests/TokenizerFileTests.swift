import Foundation
import TestSupport
import Testing
import Text

/// The files beside a vocabulary mean what they mean to Hugging Face Transformers.
@Suite struct TokenizerFileTests {
    private static let words = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "film", "bad", "<s>", "</s>", "\u{E9}", "e\u{301}",
        "K",
        "\u{212A}",
    ]

    private func directory(_ files: [(String, String)], words: [String] = words) throws -> TemporaryDirectory
    {
        let scratch = try TemporaryDirectory()
        _ = try scratch.write("vocab.txt", words.joined(separator: "\n") + "\n")
        for (name, text) in files { _ = try scratch.write(name, text) }
        return scratch
    }

    private func tokenizer(_ files: [(String, String)]) throws -> any Tokenizer {
        let scratch = try directory(files)
        return try TokenizerSource(contentsOf: scratch.path).tokenizer()
    }

    private func ids(_ text: String, pair: String? = nil, _ files: (String, String)...) throws -> [Int32] {
        try tokenizer(files).encode(text, pair: pair).ids
    }

    // MARK: Added and special tokens

    private static let config = "tokenizer_config.json"
    private static let map = "special_tokens_map.json"

    /// Forms in which a token can be added; it gets the id after the vocabulary's 14.
    @Test(arguments: [
        ("added_tokens.json", #"{"covidx": 14}"#), (map, #"{"additional_special_tokens": ["covidx"]}"#),
        (map, #"{"additional_special_tokens": [{"content": "covidx", "lstrip": false}]}"#),
        (config, #"{"additional_special_tokens": ["covidx"]}"#),
        (config, #"{"extra_special_tokens": ["covidx"]}"#),
        (config, #"{"extra_special_tokens": {"image_token": "covidx"}}"#),
        (config, #"{"bos_token": "covidx"}"#),
        (config, #"{"additional_special_tokens": [{"content": "covidx", "special": true}]}"#),
        (
            config,
            #"{"added_tokens_decoder": {"14": {"content": "covidx", "normalized": true, "special": false}}}"#
        ),
    ])
    func addedToken(file: String, text: String) throws {
        let tokenizer = try tokenizer([(file, text)])
        #expect(try tokenizer.encode("covidx film").ids == [2, 14, 6, 3])
        #expect(tokenizer.token(of: 14) == "covidx")
        #expect(tokenizer.vocabularySize == 15)
        #expect(tokenizer.notes.isEmpty)
    }

    /// Of files that disagree, what Transformers reads, with a note.
    @Test func idsThatFilesStateOtherwise() throws {
        let tokenizer = try tokenizer([("added_tokens.json", #"{"zz": 31, "covidx": 25}"#)])
        #expect(try tokenizer.encode("covidx zz").ids == [2, 14, 15, 3])
        #expect(tokenizer.notes.count == 2)
        #expect(tokenizer.notes.allSatisfy { $0.contains("added_tokens.json: gives token") })
        let decoder = #"{"added_tokens_decoder": {"14": {"content": "covidx"}}}"#
        let both = try self.tokenizer([(Self.config, decoder), ("added_tokens.json", #"{"zz": 14}"#)])
        #expect(try both.encode("covidx zz").ids == [2, 14, 1, 3])
        #expect(both.notes.count == 1 && both.notes[0].contains("added_tokens.json: not read"))
    }

    @Test func flagsOfAddedTokens() throws {
        let decoder = #"""
            {"added_tokens_decoder": {
              "14": {"content": "[E1]", "lstrip": true, "rstrip": true, "single_word": true, "normalized": true},
              "15": {"content": "ABC", "single_word": true, "normalized": false}}}
            """#
        let text = "a  [E1]  film [e1]x ABC abc ABC."
        #expect(try ids(text, (Self.config, decoder)) == [2, 5, 14, 6, 1, 1, 1, 1, 15, 1, 15, 1, 3])
    }

    /// `special_tokens_map.json` has the last word where there is no `added_tokens_decoder`.
    @Test func specialTokens() throws {
        let map = #"{"cls_token": "<s>", "sep_token": {"content": "</s>"}, "unk_token": "bad"}"#
        #expect(try ids("film x", (Self.map, map)) == [8, 6, 7, 9])
        #expect(try ids("film x", (Self.config, map)) == [8, 6, 7, 9])
        #expect(try ids("film x", (Self.config, #"{"cls_token": "film"}"#), (Self.map, map)) == [8, 6, 7, 9])
        let decoder = #"{"cls_token": "film", "added_tokens_decoder": {}}"#
        #expect(try ids("film x", (Self.config, decoder), (Self.map, map)) == [6, 6, 1, 3])
        #expect(try ids("[MASK]", (Self.config, #"{"mask_token": null}"#)) == [2, 1, 1, 1, 3])
    }

    // MARK: Settings

    @Test func lengthAndSideOfTruncation() throws {
        let left = try tokenizer([(Self.config, #"{"truncation_side": "left", "model_max_length": 8}"#)])
        #expect(left.modelMaxLength == 8)
        #expect(try left.encode("a film bad a", maxLength: 4).ids == [2, 7, 5, 3])
        #expect(try left.encode("a film", pair: "bad a film", maxLength: 6).ids == [2, 6, 3, 5, 6, 3])
        let words = try left.encode(words: ["a", "aa", "film", "bad"], maxLength: 4)
        #expect(words.encoding.ids == [2, 6, 7, 3])
        #expect(words.firstPieces == [1, 2] && words.droppedWords == 2)
        #expect(words.kept(of: [0, 1, 2, 3]) == [2, 3])
        #expect(
            try left.encode(words: ["a", "film", "bad"], maxLength: 4, side: .right).encoding.ids == [
                2, 5, 6, 3,
            ])
        #expect(try tokenizer([]).modelMaxLength == nil)
        let sentinel = #"{"model_max_length": 1000000000000000019884624838656}"#
        #expect(try tokenizer([(Self.config, sentinel)]).modelMaxLength == nil)
    }

    @Test func modelsWithoutTokenTypes() throws {
        for config in [
            #"{"tokenizer_class": "DistilBertTokenizer"}"#, #"{"model_input_names": ["input_ids"]}"#,
        ] {
            let tokenizer = try tokenizer([(Self.config, config)])
            #expect(try tokenizer.encode("a", pair: "a").typeIDs == [0, 0, 0, 0, 0])
            #expect(tokenizer.tokenTypes(isPair: true) == 1)
        }
        #expect(try tokenizer([]).tokenTypes(isPair: true) == 2)
    }

    @Test(arguments: [
        ("BertTokenizerFast", true), ("ElectraTokenizer", true), ("MobileBertTokenizerFast", true),
        ("BertJapaneseTokenizer", false), ("BertweetTokenizer", false), ("T5Tokenizer", false),
        ("Mine", false), ("PreTrainedTokenizerFast", false),
    ])
    func classes(name: String, isBert: Bool) throws {
        // The class may stand in the model's configuration only.
        for file in [Self.config, "config.json"] {
            let scratch = try directory([(file, #"{"tokenizer_class": "\#(name)"}"#)])
            if isBert {
                let tokenizer = try TokenizerSource(contentsOf: scratch.path).tokenizer()
                try tokenizer.save(to: scratch.path + "/saved")
                let saved = try String(
                    contentsOfFile: scratch.path + "/saved/" + Self.config, encoding: .utf8)
                #expect(saved.contains(name))
            } else {
                let error = try textError { _ = try TokenizerSource(contentsOf: scratch.path).tokenizer() }
                #expect(error.kind == .unsupportedTokenizer && error.message.contains(name))
                #expect(error.file?.hasSuffix(file) == true)
            }
        }
    }

    @Test(arguments: [
        #"{"do_lower_case": "false"}"#, #"{"do_basic_tokenize": false}"#, #"{"truncation_side": "middle"}"#,
        #"{"model_max_length": 0}"#, #"{"strip_accents": 1}"#, #"{"cls_token": 5}"#,
        #"{"added_tokens_decoder": []}"#,
        #"{"additional_special_tokens": "x"}"#, #"{"model_input_names": "input_ids"}"#,
    ])
    func badSettings(config: String) throws {
        let error = try textError { _ = try tokenizer([(Self.config, config)]) }
        let name = config.split(separator: "\"")[1]
        #expect(error.message.contains("'\(name)'"), "\(error)")
        #expect(error.file?.hasSuffix(Self.config) == true)
    }

    @Test func whatHasNoEffectIsNoted() throws {
        let config = #"{"auto_map": {"AutoTokenizer": ["x.Y", null]}, "never_split": ["[MASK]", "A-B"]}"#
        let notes = try tokenizer([(Self.config, config), (Self.map, #"{"mask_token": "[MASK]"}"#)]).notes
        #expect(notes.count == 2)
        #expect(notes.contains { $0.contains("never_split") && $0.contains("A-B") })
        #expect(notes.contains { $0.contains("auto_map") })
    }

    // MARK: tokenizer.json

    private func document(_ parts: String, vocabulary: String = "") -> String {
        let words =
            vocabulary.isEmpty ? #""[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "film": 6, "fine": 9"# : vocabulary
        return #"{\#(parts) "model": {"type": "WordPiece", "vocab": {\#(words)}}}"#
    }

    /// The class that takes a tokenizer.json as it is.
    private static let ofTheFile = #"{"tokenizer_class": "PreTrainedTokenizerFast"}"#

    /// BERT's class has parts of its own, which a note says where the file has others.
    @Test(arguments: [
        (
            #""normalizer": {"type": "Replace", "pattern": {"String": "film"}, "content": "fine"},"#,
            "normalizer"
        ),
        (#""pre_tokenizer": {"type": "WhitespaceSplit"},"#, "pre_tokenizer"),
        (#""post_processor": null,"#, "post_processor"),
    ])
    func theClassHasItsOwnParts(parts: String, named: String) throws {
        let tokenizer = try tokenizer([("tokenizer.json", document(parts)), (Self.config, "{}")])
        #expect(try tokenizer.encode("film", pair: "fine").ids == [2, 6, 3, 9, 3])
        #expect(tokenizer.notes.contains { $0.contains(named) && $0.contains("Transformers 5") })
    }

    /// A `BertNormalizer` is the class's; anything else is what the file says.
    @Test func normalizersOfTokenizerJSON() throws {
        func ids(_ normalizer: String, _ config: String) throws -> [Int32] {
            let parts =
                #""normalizer": \#(normalizer), "pre_tokenizer": {"type": "BertPreTokenizer"}, "#
                + #""post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},"#
            return try self.ids("F\u{ED}ne film", ("tokenizer.json", document(parts)), (Self.config, config))
        }
        let bert = #"{"type": "BertNormalizer", "lowercase": false}"#
        #expect(try ids(bert, #"{"do_lower_case": true}"#) == [2, 9, 6, 3])
        #expect(try ids(#"{"type": "Sequence", "normalizers": [\#(bert)]}"#, "{}") == [2, 9, 6, 3])
        #expect(try ids(bert, #"{"do_lower_case": false}"#) == [2, 1, 6, 3])
        #expect(try ids(bert, #"{"tokenizer_class": "PreTrainedTokenizerFast"}"#) == [2, 1, 6, 3])
        #expect(try ids("null", #"{"tokenizer_class": "PreTrainedTokenizerFast"}"#) == [2, 1, 6, 3])
        #expect(try ids("null", "{}") == [2, 9, 6, 3])
        let parts = #"[{"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}]"#
        #expect(try ids(#"{"type": "Sequence", "normalizers": \#(parts)}"#, "{}") == [2, 9, 6, 3])
    }

    @Test func withoutPostProcessorNothingStandsAround() throws {
        let tokenizer = try tokenizer([
            ("tokenizer.json", document(#""normalizer": null,"#)), (Self.config, Self.ofTheFile),
        ])
        let pair = try tokenizer.encode("film", pair: "fine")
        #expect(pair.ids == [6, 9] && pair.typeIDs == [0, 0])
        #expect(tokenizer.notes.contains { $0.contains("no post_processor") })
        #expect(throws: TextError.self) {
            try TokenMasking(share: 0.1, maxPredictions: 2, wholeWords: false, tokenizer: tokenizer)
        }
    }

    /// Ids of a vocabulary may have holes; an added token takes the place that the file gives it there.
    @Test func holesOfTokenizerJSON() throws {
        let added =
            #""added_tokens": [{"id": 4, "content": "[MASK]", "special": true, "normalized": false}],"#
        let tokenizer = try tokenizer([("tokenizer.json", document(added)), (Self.config, "{}")])
        #expect(tokenizer.token(of: 7) == nil)
        #expect(tokenizer.vocabularySize == 10)
        let split = #""pre_tokenizer": {"type": "BertPreTokenizer"},"#
        let full = try self.tokenizer([
            (
                "tokenizer.json",
                document(added + split, vocabulary: #""[UNK]": 0, "a": 4, "b": 1, "c": 2, "d": 2"#)
            ),
            (Self.config, Self.ofTheFile),
        ])
        #expect(try full.tokenize("d c [MASK]") == [2, 2, 5])
    }

    // MARK: Code points

    /// Spellings that Swift takes for equal are different tokens, added ones too.
    @Test func tokensDifferByCodePoints() throws {
        let cased = #"{"do_lower_case": false, "additional_special_tokens": ["A\#u{30A}", "\#u{C5}"]}"#
        let text = "\u{E9} e\u{301} K \u{212A} A\u{30A} \u{C5} \u{212B}"
        #expect(try ids(text, (Self.config, cased)) == [2, 10, 11, 12, 13, 14, 15, 1, 3])
    }

    // MARK: Long texts

    /// Marks that stay after accent stripping and must be put in order, and tokens that swallow white space.
    @Test func longTextsTakeLinearTime() throws {
        let config = #"{"additional_special_tokens": [{"content": " ", "lstrip": true, "special": true}]}"#
        let tokenizer = try tokenizer([(Self.config, config)])
        let marks = String(repeating: "\u{1D165}", count: 300_000)
        let start = ContinuousClock.now
        #expect(try tokenizer.tokenize(marks + "\u{1D16E}" + marks) == [1])
        #expect(try tokenizer.tokenize(String(repeating: " ", count: 300_000)).count == 300_000)
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
