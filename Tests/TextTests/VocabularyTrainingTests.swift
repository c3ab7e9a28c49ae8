import Foundation
import Support
import TestSupport
import Testing

@testable import Text

@Suite struct VocabularyTrainingTests {
    struct Fixture: Decodable {
        let words: [String: Int]
        let size: Int
        /// How many tokens Hugging Face's trainer makes, and those that it makes in every run.
        let count: Int
        let tokens: [String]
    }

    static func words(_ counts: [String: Int]) throws -> WordCounts {
        var words = WordCounts()
        for (word, count) in counts {
            try words.add(Array(repeating: word, count: count).joined(separator: " "))
        }
        return words
    }

    /// `Fixtures/make_vocabulary.py`.
    @Test func theTokensOfHuggingFace() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Place.fixture("vocabulary.json")))
        let fixture = try JSONDecoder().decode(Fixture.self, from: data)
        let tokens = try VocabularyTrainer(size: fixture.size).train(Self.words(fixture.words)).tokens
        #expect(tokens.count == fixture.count)
        #expect(Array(tokens.prefix(5)) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        #expect(Set(fixture.tokens).subtracting(tokens) == [])
    }

    @Test func mergesByHand() throws {
        // Pairs: l-##o 7, ##o-##w 7, ##w-##e 4, n-##e 2, ##e-##r 4, ##e-##w 2. Of the first two the one with the smaller
        // ids goes first.
        let words = try Self.words(["low": 3, "lower": 4, "new": 2])
        let tokens = try VocabularyTrainer(size: 18).train(words).tokens
        #expect(
            tokens == VocabularyTrainer.specialTokens + ["e", "l", "n", "o", "r", "w"]
                + ["##e", "##o", "##r", "##w"] + ["lo", "low", "##er"])
    }

    @Test func rareCharactersAndPairsAreLeftOut() throws {
        var trainer = VocabularyTrainer(size: 100)
        trainer.alphabetLimit = 2
        let tokens = try trainer.train(try Self.words(["ab": 3, "abz": 1])).tokens
        #expect(tokens == VocabularyTrainer.specialTokens + ["a", "b", "##b", "ab"])
        #expect(
            try VocabularyTrainer(size: 100).train(try Self.words(["ab": 1])).tokens.contains("ab") == false)
    }

    @Test func sizesAndTextsThatCannotBe() throws {
        #expect(throws: TextError.self) { try VocabularyTrainer(size: 6).train(try Self.words(["ab": 1])) }
        #expect(throws: TextError.self) { try VocabularyTrainer().train(WordCounts()) }
    }

    /// The same words in any order give the same vocabulary, and the tokeniser splits with it.
    @Test func isDeterministic() throws {
        let scratch = try TemporaryDirectory()
        let text = "the cat sat on the mat the cats sat on mats the hat"
        let forward = try scratch.write("a.txt", text + "\n")
        let words = text.split(separator: " ").reversed().joined(separator: " ")
        let backward = try scratch.write("b.txt", words + "\n")
        let tokenizer = try PipelineTokenizer(trainedOn: [forward], size: 40)
        #expect(
            try tokenizer.vocabulary.tokens
                == PipelineTokenizer(trainedOn: [backward], size: 40).vocabulary.tokens)
        #expect(try !tokenizer.tokenize("The cats!").prefix(2).contains(1))
        try tokenizer.save(to: scratch.path)
        #expect(
            try TokenizerSource(contentsOf: scratch.path).tokenizer().tokenize("hats")
                == tokenizer.tokenize("hats"))
    }

    /// RoBERTa's tokeniser of bytes is saved as a tokenizer.json, which reads back the same.
    @Test func bytePairs() throws {
        let scratch = try TemporaryDirectory()
        let text = try scratch.write("a.txt", "low lower lowest low\nnew newer low caf\u{E9}\n")
        let tokenizer = try PipelineTokenizer(trainedOn: [text], kind: .bytePair, size: 264)
        #expect(Array(tokenizer.vocabulary.tokens.prefix(5)) == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
        // Pairs: l-o 5, o-w 5, w-e 4, Ġ-l 3, e-r 2, n-e 2, e-w 2 …
        #expect(Array(tokenizer.vocabulary.tokens.suffix(3)) == ["lo", "low", "\u{120}low"])
        #expect(try tokenizer.encode("low lowly", pair: "\u{E9}").ids.count == 10)
        #expect(
            try tokenizer.decode(tokenizer.tokenize("low, lowly \u{E9}\u{4E2D}"))
                == "low, lowly \u{E9}\u{4E2D}")
        try tokenizer.save(to: scratch.path + "/out")
        let loaded = try TokenizerSource(contentsOf: scratch.path + "/out").tokenizer()
        #expect(loaded.contentHash == tokenizer.contentHash && loaded.notes.isEmpty)
        #expect(try loaded.encode("low new", pair: "x").typeIDs == Array(repeating: 0, count: 10))
    }

    struct UnigramFixture: Decodable {
        let words: [String: Int]
        let size: Int
        let scores: [String: Double]
    }

    /// `Fixtures/make_unigram.py`.
    @Test func theScoresOfHuggingFace() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Place.fixture("unigram.json")))
        let fixture = try JSONDecoder().decode(UnigramFixture.self, from: data)
        var words = WordCounts(for: .unigram, lowercase: true)
        for (word, count) in fixture.words {
            try words.add(Array(repeating: word, count: count).joined(separator: " "))
        }
        let trained = try VocabularyTrainer(.unigram, size: fixture.size).train(words)
        #expect(trained.tokens.count == fixture.scores.count)
        #expect(Array(trained.tokens.prefix(5)) == VocabularyTrainer.robertaTokens)
        for (token, score) in zip(trained.tokens, trained.scores) {
            let expected = try #require(fixture.scores[token], "\(token)")
            // Characters without a probability have scores in the order of a hash table there, 0.0001 apart.
            #expect(abs(score - expected) < 1e-3, "\(token): \(score), \(expected)")
        }
    }

    /// Nothing depends on the threads, and the files read back the same.
    @Test func unigrams() throws {
        let scratch = try TemporaryDirectory()
        let lines = (0..<40).map { "low lower lowest low no\($0 % 7) newer  wi\u{FB01} caf\u{E9} x\($0)" }
        let text = try scratch.write("a.txt", lines.joined(separator: "\n"))
        let tokenizer = try PipelineTokenizer(trainedOn: [text], kind: .unigram, size: 40)
        let other = try PipelineTokenizer(
            trainedOn: [text], kind: .unigram, size: 40, runner: ReversedTasks())
        #expect(tokenizer.contentHash == other.contentHash)
        #expect(
            try tokenizer.decode(tokenizer.tokenize("lower  wi\u{FB01}\ncaf\u{E9}")) == "lower wifi caf\u{E9}"
        )
        #expect(
            try tokenizer.encode("low", pair: "\u{4E2D}").ids.prefix(2) == [0, tokenizer.tokenize("low")[0]])
        #expect(try tokenizer.tokenize("\u{4E2D}").last == 3)
        try tokenizer.save(to: scratch.path + "/out")
        let loaded = try TokenizerSource(contentsOf: scratch.path + "/out").tokenizer()
        #expect(loaded.contentHash == tokenizer.contentHash && loaded.notes.isEmpty)
        let error = try textError { _ = try PipelineTokenizer(trainedOn: [text], kind: .unigram, size: 12) }
        #expect(error.message.contains("a vocabulary of 12 has no room for the"))
    }

    @Test(arguments: VocabularyTrainer.Kind.allCases)
    func emptyFiles(kind: VocabularyTrainer.Kind) throws {
        let scratch = try TemporaryDirectory()
        let file = try scratch.write("empty.txt", "")
        let error = try textError { _ = try PipelineTokenizer(trainedOn: [file], kind: kind, size: 300) }
        #expect(error.description == "\(file): holds no words; expected lines of text")
    }
}

/// Runs the last task first.
private struct ReversedTasks: TaskRunner {
    func run(tasks: Int, _ body: (Int, Range<Int>) -> Void) {
        for task in (0..<tasks).reversed() { body(0, task..<task + 1) }
    }
}
