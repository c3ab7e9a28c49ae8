import Foundation
import Support
import TestSupport
import Testing
import Text

/// Directories with random options give the ids of Hugging Face's AutoTokenizer;
/// `Fixtures/make_tokenizer_directories.py` made them.
@Suite struct TokenizerDirectoryTests {
    private struct Directory: Decodable {
        let files: [String: String]
        let cases: [Case]
    }

    private struct Case: Decodable {
        let text: String
        let pair: String?
        let limit: Int?
        let ids: [Int32]?
        let types: [Int32]?
    }

    private static func directories() throws -> [Directory] {
        let data = try Data(contentsOf: URL(fileURLWithPath: Place.fixture("directories.json")))
        return try JSONDecoder().decode([Directory].self, from: data)
    }

    @Test func idsOfRandomDirectories() throws {
        let directories = try Self.directories()
        #expect(directories.count >= 40)
        for directory in directories {
            let scratch = try TemporaryDirectory()
            for (name, text) in directory.files { _ = try scratch.write(name, text) }
            let what = "\(directory.files)"
            let tokenizer = try TokenizerSource(contentsOf: scratch.path).tokenizer()
            try expect(directory.cases, of: tokenizer, what)
            // What is saved reads the same, whatever was there before.
            let saved = try TemporaryDirectory()
            _ = try saved.write("added_tokens.json", #"{"stale": 500}"#)
            try tokenizer.save(to: saved.path)
            _ = try saved.write("config.json", #"{"model_type": "bert"}"#)
            try expect(
                directory.cases, of: TokenizerSource(contentsOf: saved.path).tokenizer(), "saved " + what)
        }
    }

    private func expect(_ cases: [Case], of tokenizer: any Tokenizer, _ what: String) throws {
        for example in cases {
            let encoding = try? tokenizer.encode(example.text, pair: example.pair, maxLength: example.limit)
            #expect(encoding?.ids == example.ids, "\(example.text.debugDescription) in \(what)")
            #expect(encoding?.typeIDs == example.types, "\(example.text.debugDescription) in \(what)")
        }
    }
}
