import Foundation
import Testing
import Text

/// Ids equal to those of Hugging Face's tokenisers; `Fixtures/make_tokenizer_fixture.py` made the fixtures.
@Suite struct TokenizerParityTests {
    private struct Case: Decodable {
        let tokenizer: String
        let text: String
        let pair: String?
        let maxLength: Int?
        let truncation: String
        let ids: [Int32]?
        let types: [Int32]?
        let decoded: String?
        let error: String?
    }

    @Test(arguments: ["small-uncased", "small-cased", "small-accents", "small-added"])
    func trickyTexts(name: String) throws {
        let tokenizer = try TokenizerSource(contentsOf: Place.fixture(name)).tokenizer()
        let lines = try String(contentsOfFile: Place.fixture("small.jsonl"), encoding: .utf8)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let cases = try lines.split(separator: "\n").map {
            try decoder.decode(Case.self, from: Data($0.utf8))
        }.filter { $0.tokenizer == name }
        #expect(cases.count >= 20)
        for example in cases {
            let what =
                "\(example.text.debugDescription), \(example.pair.debugDescription), "
                + "\(example.truncation) \(example.maxLength ?? -1)"
            let truncation = try #require(Truncation(rawValue: example.truncation))
            func encode() throws -> Encoding {
                try tokenizer.encode(
                    example.text, pair: example.pair, maxLength: example.maxLength, truncation: truncation)
            }
            guard let ids = example.ids else {
                let error = try textError { _ = try encode() }
                #expect(error.kind == .cannotTruncate, "\(what): HF says \(example.error ?? "")")
                continue
            }
            let encoding = try encode()
            #expect(encoding.ids == ids, "\(what)")
            #expect(encoding.typeIDs == example.types, "\(what)")
            if let expected = example.decoded {
                let decoded = try tokenizer.decode(encoding.ids)
                #expect(decoded.utf8.elementsEqual(expected.utf8), "\(what): \(decoded)")
            }
        }
    }

    /// Every scalar of the assigned planes between two letters, uncased and cased.
    @Test func everyScalar() throws {
        let tokenizers = try ["small-uncased", "small-cased"].map {
            try pipelineTokenizer(Place.fixture($0))
        }
        let lines = try String(contentsOfFile: Place.fixture("scalars.crc"), encoding: .utf8)
            .split(separator: "\n")
        #expect(lines.count == 804)
        for line in lines {
            let fields = line.split(separator: " ")
            let block = try #require(UInt32(fields[0], radix: 16))
            var crc = CRC32()
            for scalar in (block * 256..<block * 256 + 256).compactMap(Unicode.Scalar.init) {
                for tokenizer in tokenizers {
                    for word in try tokenizer.words(of: "a\(scalar)b") {
                        for byte in word.utf8 { crc.add(byte) }
                        crc.add(UInt8(ascii: "\n"))
                    }
                }
            }
            #expect(crc.value == UInt32(fields[1], radix: 16), "scalars U+\(fields[0])00 to U+\(fields[0])FF")
        }
    }

    /// Every scalar through the parts that a tokenizer.json may be made of.
    @Test func everyScalarThroughParts() throws {
        let names = ["nfd", "nfkc", "nfkd", "nfc"]
        let tokenizers = try names.map {
            try pipelineTokenizer(Place.fixture("parts/\($0).json"))
        }
        let lines = try String(contentsOfFile: Place.fixture("parts.crc"), encoding: .utf8)
            .split(separator: "\n")
        #expect(lines.count == 804)
        for line in lines {
            let fields = line.split(separator: " ")
            let block = try #require(UInt32(fields[0], radix: 16))
            let scalars = (block * 256..<block * 256 + 256).compactMap(Unicode.Scalar.init)
            for (index, tokenizer) in tokenizers.enumerated() {
                var crc = CRC32()
                for scalar in scalars {
                    for word in try tokenizer.words(of: "a\(scalar)b")
                        + tokenizer.words(of: "\(scalar)e\u{301}")
                    {
                        for byte in word.utf8 { crc.add(byte) }
                        crc.add(UInt8(ascii: "\n"))
                    }
                }
                #expect(
                    crc.value == UInt32(fields[index + 1], radix: 16),
                    "\(names[index]): scalars U+\(fields[0])00 on")
            }
        }
    }

    private static let reviews = ["rt.train.tsv", "rt.dev.tsv", "rt.test.tsv"]

    @Test(
        .enabled(if: Place.has("minilm/vocab.txt", "rt.train.tsv", "rt.dev.tsv", "rt.test.tsv")),
        arguments: ["minilm", "minilm/vocab.txt"])
    func realReviews(vocabulary: String) throws {
        let tokenizer = try TokenizerSource(contentsOf: Place.data(vocabulary)).tokenizer()
        let expected = try String(contentsOfFile: Place.fixture("rt.crc"), encoding: .utf8)
            .split(separator: "\n")
        var found: [String] = []
        for file in TokenizerParityTests.reviews {
            let dataset = try TextDataset.load(path: Place.data(file))
            for encoding in try tokenizer.encode(dataset) {
                var crc = CRC32()
                for id in encoding.ids { crc.add(id) }
                let hex = String(crc.value, radix: 16)
                found.append("\(encoding.count) " + String(repeating: "0", count: 8 - hex.count) + hex)
            }
        }
        #expect(found.count == expected.count)
        #expect(found.count >= 5000)
        let wrong = zip(found, expected).enumerated().filter { $0.element.0 != $0.element.1 }
        #expect(wrong.isEmpty, "\(wrong.count) lines differ, first at \(wrong.first?.offset ?? -1)")
    }
}
