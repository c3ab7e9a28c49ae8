import Foundation
import Support
import TestSupport
import Testing

@testable import Text

/// Sentence pairs and masks, on documents whose words tell where they are from: `d3s5w1`.
@Suite struct PretrainingExamplesTests {
    let scratch: TemporaryDirectory
    let tokenizer: any Tokenizer
    let documents: TokenDocuments

    init() throws {
        scratch = try TemporaryDirectory()
        var generator = SplitMix64(seed: 3)
        var vocabulary = VocabularyTrainer.specialTokens
        var text = ""
        for document in 0..<40 {
            for sentence in 0..<(3 + generator.next(below: 20)) {
                let words = (0..<(2 + generator.next(below: 12))).map { "d\(document)s\(sentence)w\($0)" }
                vocabulary += words
                text += words.joined(separator: " ") + "\n"
            }
            text += "\n"
        }
        vocabulary.append("##x")
        _ = try scratch.write("vocab.txt", vocabulary.joined(separator: "\n") + "\n")
        tokenizer = try TokenizerSource(contentsOf: scratch.path + "/vocab.txt").tokenizer()
        let file = try TokenFile.prepare(
            [scratch.write("text.txt", text)], tokenizer: tokenizer, at: scratch.path + "/text.tokens")
        documents = TokenDocuments(file)
    }

    func sampler(length: Int = 32, shortShare: Double = 0.1, seed: UInt64 = 1) throws -> PairSampler {
        try PairSampler(documents, length: length, specials: 3, shortShare: shortShare, seed: seed)
    }

    func masking(_ share: Double = 0.15, max: Int = 100, wholeWords: Bool = false) throws -> TokenMasking {
        try TokenMasking(share: share, maxPredictions: max, wholeWords: wholeWords, tokenizer: tokenizer)
    }

    private func document(of token: Int) -> Int? {
        documents.documents.first { document in
            documents.file.sentences(ofDocument: document).contains {
                documents.file.tokens(ofSentence: $0).contains(token)
            }
        }
    }

    @Test func pairsFollowOrAreRandom() throws {
        let sampler = try sampler()
        var (random, all) = (0, 0)
        for epoch in 0..<20 {
            let pairs = sampler.pairs(epoch: epoch)
            for pair in pairs {
                #expect(pair.count <= 29 && !pair.first.isEmpty && !pair.second.isEmpty)
                let (a, b) = (document(of: pair.first.lowerBound), document(of: pair.second.lowerBound))
                #expect((a == b) == !pair.isRandom)
                if !pair.isRandom { #expect(pair.second.lowerBound >= pair.first.upperBound) }
                random += pair.isRandom ? 1 : 0
            }
            all += pairs.count
        }
        // One half, and the chunks of one sentence.
        let share = Double(random) / Double(all)
        #expect(share > 0.47 && share < 0.62, "\(share)")
    }

    /// Half of the pairs have changed places; another document's sentences stand only behind a sentence alone.
    @Test func pairsMaySwap() throws {
        let sampler = try PairSampler(
            documents, length: 32, specials: 3, shortShare: 0.1, seed: 1, swaps: true)
        let pairs = (0..<20).flatMap { sampler.pairs(epoch: $0) }
        var swapped = 0
        for pair in pairs {
            let isSame = document(of: pair.first.lowerBound) == document(of: pair.second.lowerBound)
            guard isSame else {
                #expect(pair.isRandom)
                continue
            }
            #expect((pair.second.lowerBound < pair.first.lowerBound) == pair.isRandom)
            swapped += pair.isRandom ? 1 : 0
        }
        let share = Double(swapped) / Double(pairs.count)
        #expect(share > 0.3 && share < 0.55, "\(share)")
    }

    /// Without random pairs every token of a document would come once; random ones give their rest back.
    @Test func allSentencesAreUsed() throws {
        let pairs = try sampler(length: 64, shortShare: 0).pairs(epoch: 0)
        var used = Set(pairs.flatMap { Array($0.first) })
        for pair in pairs where !pair.isRandom { used.formUnion(pair.second) }
        #expect(Double(used.count) > 0.95 * Double(documents.tokenCount))
        // Most pairs are as long as they can be.
        #expect(pairs.count { $0.count > 47 } * 2 > pairs.count)
        let short = try sampler(length: 64, shortShare: 1).pairs(epoch: 0)
        #expect(short.count > pairs.count)
    }

    @Test func epochsAndSeedsDifferAndRepeat() throws {
        let sampler = try sampler()
        #expect(sampler.pairs(epoch: 3) == sampler.pairs(epoch: 3))
        #expect(sampler.pairs(epoch: 3) != sampler.pairs(epoch: 4))
        #expect(try sampler.pairs(epoch: 3) != self.sampler(seed: 2).pairs(epoch: 3))
        let epoch = try PretrainingEpoch(sampler, masking: masking(), tokenizer: tokenizer, epoch: 3)
        let options = BatchingOptions(mode: .packed, batchSize: 8, maxLength: 32)
        let batch = try epoch.batch([5, 9, 2], options: options)
        #expect(try batch == epoch.batch([5, 9, 2], options: options))
        // An example's mask does not depend on its batch.
        let alone = try epoch.batch([9], options: options)
        let start = batch.batch.offsets[1]
        let inside = zip(batch.maskedPositions, batch.maskedLabels).filter {
            (start..<batch.batch.offsets[2]).contains($0.0)
        }
        #expect(inside.map { $0.0 - start } == alone.maskedPositions)
        #expect(inside.map(\.1) == alone.maskedLabels)
    }

    @Test func aPairAsASequence() throws {
        let epoch = PretrainingEpoch(
            try sampler(), masking: try masking(), tokenizer: tokenizer, epoch: 0)
        let pair = epoch.pairs[0]
        let made = try epoch.batch([0], options: BatchingOptions(mode: .packed, batchSize: 1, maxLength: 32))
        var ids = made.batch.ids
        for (position, label) in zip(made.maskedPositions, made.maskedLabels) { ids[Int(position)] = label }
        let (a, b) = (documents.file.ids(pair.first), documents.file.ids(pair.second))
        #expect(ids == [2] + a + [3] + b + [3])
        #expect(made.batch.typeIDs.count { $0 == 1 } == b.count + 1)
        #expect(made.nextSentenceLabels == [pair.isRandom ? 1 : 0])
    }

    /// 15 % of the tokens; of them 80 % masked, 10 % random, 10 % kept.
    @Test func maskingStatistics() throws {
        let masking = try masking()
        var generator = SplitMix64(seed: 9)
        var (masked, random, kept, all) = (0, 0, 0, 0)
        var places = [Int](repeating: 0, count: 40)
        for _ in 0..<4000 {
            let original: [Int32] = [2] + (0..<38).map { _ in Int32(5 + generator.next(below: 500)) } + [3]
            var ids = original
            let (positions, labels) = masking.mask(&ids, with: &generator)
            #expect(positions.count == 6 && positions == positions.sorted())
            #expect(labels == positions.map { original[Int($0)] })
            for position in positions {
                let id = ids[Int(position)]
                all += 1
                masked += id == 4 ? 1 : 0
                kept += id == original[Int(position)] ? 1 : 0
                random += id != 4 && id != original[Int(position)] ? 1 : 0
                places[Int(position)] += 1
            }
            let changed = ids.indices.filter { ids[$0] != original[$0] }
            #expect(Set(changed.map(Int32.init)).isSubset(of: positions))
        }
        func share(_ count: Int) -> Double { Double(count) / Double(all) }
        #expect(abs(share(masked) - 0.8) < 0.01 && abs(share(random) - 0.1) < 0.01)
        #expect(abs(share(kept) - 0.1) < 0.01)
        #expect(places[0] == 0 && places[39] == 0)
        #expect(places[1...38].allSatisfy { abs(Double($0) - 24000.0 / 38) < 120 })
    }

    @Test func wholeWordsAndLimits() throws {
        var generator = SplitMix64(seed: 2)
        let continuing = Int32(tokenizer.vocabularySize - 1)
        let original: [Int32] = [2] + (0..<30).flatMap { [Int32(10 + $0), continuing, continuing] } + [3]
        for _ in 0..<100 {
            var ids = original
            let positions = try masking(wholeWords: true).mask(&ids, with: &generator).positions
            #expect(positions.count <= 14 && positions.count % 3 == 0 && !positions.isEmpty)
            #expect(Set(positions.map { ($0 - 1) / 3 }).count * 3 == positions.count)
        }
        var ids = original
        #expect(try masking(max: 4).mask(&ids, with: &generator).positions.count == 4)
        var short: [Int32] = [2, 7, 3, 8, 3]
        #expect(try masking().mask(&short, with: &generator).positions.count == 1)
    }

    @Test func heldOutDocumentsAreWhole() throws {
        let (kept, heldOut) = documents.holdingOut(share: 0.1)
        #expect(heldOut.documents.count == 4 && kept.documents.count == 36)
        #expect(Set(kept.documents).isDisjoint(with: heldOut.documents))
        #expect(kept.tokenCount + heldOut.tokenCount == documents.file.tokenCount)
        #expect(documents.holdingOut(share: 0).heldOut.documents.isEmpty)
    }

    @Test func oneDocumentIsTooFew() throws {
        let one = TokenDocuments(documents.file, documents: [0])
        #expect(throws: TextError.self) {
            try PairSampler(one, length: 32, specials: 3, shortShare: 0.1, seed: 1)
        }
    }
}
