import Support
import TestSupport
import Testing

@testable import Text

/// A kind of tokeniser of another make: words are cut into single characters, `_` before those that start a word.
private struct CharacterTokenizer: Tokenizer {
    static let names = ["<s>", "</s>", "<mask>", "<unk>"]
    let tokens = names + "abcdefg".flatMap { ["_\($0)", "\($0)"] }
    let special: SpecialTokens
    let template: SequenceTemplate
    var truncationSide = TruncationSide.right
    var modelMaxLength: Int?
    var rows = Int.max
    var lowercases = false
    var notes: [String] { [] }
    var path: String { "letters" }
    var addedTokens: [NumberedToken] {
        Self.names.enumerated().map { NumberedToken(token: AddedToken(content: $1), id: Int32($0)) }
    }

    init() {
        special = SpecialTokens(
            names: [.classification: "<s>", .separator: "</s>", .mask: "<mask>", .unknown: "<unk>"],
            ids: [.classification: 0, .separator: 1, .mask: 2, .unknown: 3],
            vocabularyCount: tokens.count, file: nil)
        template = SequenceTemplate(
            single: [.special(ids: [0], type: 0), .text(type: 0), .special(ids: [1], type: 0)],
            pair: [
                .special(ids: [0], type: 0), .text(type: 0), .special(ids: [1], type: 0), .pair(type: 0),
                .special(ids: [1], type: 0),
            ])
    }

    var tokenCount: Int { tokens.count }
    var contentHash: UInt64 { lowercases ? 1 : 2 }

    func token(of id: Int32) -> String? { tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil }
    func continuesWord(_ id: Int32) -> Bool { id >= 4 && id % 2 == 1 }

    var marksWords: Bool { true }

    func spans(of text: String) throws(TextError) -> [TokenSpan] {
        try pieces(of: text).enumerated().map { TokenSpan(id: $1, range: $0..<($0 + 1)) }
    }

    func pieces(of text: String) throws(TextError) -> [Int32] {
        let words = (lowercases ? text.lowercased() : text).split(separator: " ")
        return words.flatMap { word in
            word.enumerated().map { place, letter in
                Int32(tokens.firstIndex(of: place == 0 ? "_\(letter)" : "\(letter)") ?? 3)
            }
        }
    }

    func unknownPiece() throws(TextError) -> Int32 { try special.id(.unknown) }

    func text(joining tokens: [String], cleanUp: Bool) -> String {
        String(tokens.joined().replacing("_", with: " ").drop { $0 == " " })
    }

    func adapted(lowercases: Bool, maxLength: Int?) throws(TextError) -> Self {
        var result = self
        result.lowercases = lowercases
        result.modelMaxLength = maxLength ?? modelMaxLength
        return result
    }

    func save(to directory: String) throws {
        throw FileError(.write, directory, "this tokeniser is made up")
    }
}

/// Data sets, token files and masks take any kind of tokeniser.
@Suite struct TokenizerSeamTests {
    private let tokenizer: any Tokenizer = CharacterTokenizer()

    @Test func dataSet() throws {
        let dataset = TextDataset(
            [TextExample(text: "ab C", pair: "d"), TextExample(text: "abcd", pair: "e fg")], name: "x.tsv")
        let lower = try tokenizer.adapted(lowercases: true, maxLength: 7)
        #expect(lower.modelMaxLength == 7)
        let encodings = try lower.encode(dataset, maxLength: 7)
        #expect(encodings.map(\.ids) == [[0, 4, 7, 8, 1, 10, 1], [0, 4, 7, 1, 12, 14, 1]])
        #expect(encodings.allSatisfy { Set($0.typeIDs) == [0] })
        #expect(lower.tokenTypes(isPair: true) == 1)
        #expect(try lower.decode(encodings[0].ids) == "ab c d")
        let batch = try Batcher(encodings, options: BatchingOptions(padID: lower.special.padding))
            .layOut([0, 1])
        #expect(batch.lengths == [7, 7] && batch.ids.count == 14)
        let small = try lower.limited(toRows: 13, types: 1)
        let error = try textError { _ = try small.encode(dataset) }
        #expect(
            error.description.hasPrefix(
                "x.tsv:2: the token \"_f\" has id 14, but the model only has rows for 13"))
        #expect(throws: TextError.self) { try lower.limited(toRows: 1, types: 1) }
    }

    @Test func words() throws {
        let sentence = try tokenizer.encode(words: ["ab", "", "cde"], maxLength: 6)
        #expect(sentence.encoding.ids == [0, 4, 7, 3, 8, 1])
        #expect(sentence.firstPieces == [1, 3, 4])
        #expect(try tokenizer.promptLength("ab c", maxLength: 9) == 4)
    }

    @Test func wholeWordsOfATokenFileAreMasked() throws {
        let scratch = try TemporaryDirectory()
        let texts = [try scratch.write("text.txt", "abc de\n\nfg abcd\n\nab ab")]
        let path = scratch.path + "/text.tokens"
        let file = try TokenFile.prepare(texts, tokenizer: tokenizer, at: path)
        #expect(file.documentCount == 3 && file.tokenizer == tokenizer.contentHash)
        let masking = try TokenMasking(share: 0.5, maxPredictions: 9, wholeWords: true, tokenizer: tokenizer)
        let sampler = try PairSampler(TokenDocuments(file), length: 16, specials: 3, shortShare: 0, seed: 1)
        let epoch = PretrainingEpoch(sampler, masking: masking, tokenizer: tokenizer, epoch: 0)
        for index in epoch.pairs.indices {
            let batch = try epoch.batch([index], options: BatchingOptions(maxLength: 16))
            var ids = batch.batch.ids
            for (position, label) in zip(batch.maskedPositions, batch.maskedLabels) {
                ids[Int(position)] = label
            }
            let guessed = Set(batch.maskedPositions)
            for (position, id) in ids.enumerated() where tokenizer.continuesWord(id) {
                #expect(guessed.contains(Int32(position)) == guessed.contains(Int32(position - 1)))
            }
            #expect(ids.first == 0 && ids.last == 1)
        }
    }
}
