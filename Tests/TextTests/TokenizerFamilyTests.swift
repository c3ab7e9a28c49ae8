import Foundation
import Support
import TestSupport
import Testing
import Text

/// The families' directories give the ids, token types, offsets and texts of Hugging Face's AutoTokenizer;
/// `Fixtures/make_tokenizer_families.py` made them.
@Suite struct TokenizerFamilyTests {
    struct Directory: Decodable, Sendable, CustomTestStringConvertible {
        let family: String
        let files: [String: String]
        let binary: [String: String]
        let cases: [Case]

        var testDescription: String { "\(family): \(files.keys.sorted() + binary.keys.sorted())" }
    }

    struct Case: Decodable, Sendable {
        let text: String
        let pair: String?
        let limit: Int?
        let ids: [Int32]
        let types: [Int32]
        let offsets: [[Int]]
        let decoded: String
    }

    static func directories() throws -> [Directory] {
        let data = try Data(contentsOf: URL(fileURLWithPath: Place.fixture("families.json")))
        return try JSONDecoder().decode([Directory].self, from: data)
    }

    @Test(arguments: try Self.directories())
    func idsOffsetsAndTexts(directory: Directory) throws {
        let scratch = try TemporaryDirectory()
        for (name, text) in directory.files { _ = try scratch.write(name, text) }
        for (name, text) in directory.binary {
            _ = try scratch.write(name, Array(try #require(Data(base64Encoded: text))))
        }
        let tokenizer = try TokenizerSource(contentsOf: scratch.path).tokenizer()
        try expect(directory.cases, of: tokenizer)
        // What is saved reads the same.
        let saved = try TemporaryDirectory()
        try tokenizer.save(to: saved.path)
        _ = try saved.write("config.json", directory.files["config.json"] ?? "{}")
        try expect(directory.cases, of: TokenizerSource(contentsOf: saved.path).tokenizer())
    }

    private func expect(_ cases: [Case], of tokenizer: any Tokenizer) throws {
        for example in cases {
            let what = "\(example.text.debugDescription), \(example.pair.debugDescription)"
            let encoding = try tokenizer.encode(example.text, pair: example.pair, maxLength: example.limit)
            #expect(encoding.ids == example.ids, "\(what)")
            #expect(encoding.typeIDs == example.types, "\(what)")
            let spans = try tokenizer.spans(of: example.text)
            let offsets = spans.map { $0.offsets(in: example.text) }
            #expect(offsets == example.offsets, "\(what)")
            let ids = spans.map(\.id)
            #expect(try ids == tokenizer.tokenize(example.text))
            let decoded = try tokenizer.decode(ids, skipSpecialTokens: false)
            #expect(decoded.utf8.elementsEqual(example.decoded.utf8), "\(what): \(decoded)")
        }
    }
}
