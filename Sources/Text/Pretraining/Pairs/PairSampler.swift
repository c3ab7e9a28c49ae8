import Support

/// Cuts documents into sentence pairs, as BERT's `create_pretraining_data.py` does.
///
/// Sentences of a document are collected until they fill a sequence. A cut at a random sentence gives the first part;
/// the second is what follows, or with probability 1/2 (always, when there is one sentence only) sentences from a
/// random place of another document, and what would have followed is used for the next pair. A pair that is too long
/// loses tokens of its longer part, from a random end. With probability `shortShare` a document aims at sequences of a
/// random shorter length. With `swaps` the two parts change places in the cases of another document, but for one sentence
/// alone, as ALBERT's script does for sentence order.
///
/// The pairs of an epoch are a pure function of the documents, the length, the seed and the epoch.
package struct PairSampler: Sendable {
    package let documents: TokenDocuments
    /// Tokens of a sequence at most, special ones included.
    package let length: Int
    /// Special tokens around a pair.
    package let specials: Int
    /// The probability that a document aims at shorter sequences.
    package let shortShare: Double
    package let seed: UInt64
    /// Whether pairs are in order or not, in the place of following each other or not.
    package let swaps: Bool

    /// - Parameter specials: how many special tokens the tokeniser puts around a pair.
    /// - Throws: `.emptyDataset` for fewer than two documents: the other sentence comes from another one.
    package init(
        _ documents: TokenDocuments, length: Int, specials: Int, shortShare: Double, seed: UInt64,
        swaps: Bool = false
    ) throws(TextError) {
        guard documents.documents.count > 1 else {
            throw TextError(
                .emptyDataset, file: documents.file.path,
                "has \(Formatted.count(documents.documents.count, "document")); expected at least two, with blank lines between them"
            )
        }
        self.documents = documents
        self.length = length
        self.specials = specials
        self.shortShare = shortShare
        self.seed = seed
        self.swaps = swaps
    }

    /// All pairs of an epoch, in the order of the documents.
    package func pairs(epoch: Int) -> [SentencePair] {
        var run = Run(sampler: self, generator: SplitMix64(seed: seed, epoch: epoch))
        for index in documents.documents.indices { run.addPairs(ofDocumentAt: index) }
        return run.pairs
    }

    private struct Run {
        let sampler: PairSampler
        var generator: SplitMix64
        var pairs: [SentencePair] = []

        private var file: TokenFile { sampler.documents.file }
        /// Tokens of both parts together.
        private var room: Int { sampler.length - sampler.specials }

        mutating func addPairs(ofDocumentAt index: Int) {
            let sentences = file.sentences(ofDocument: sampler.documents.documents[index])
            let isShort = generator.uniform() < sampler.shortShare
            let target = isShort ? 2 + generator.next(below: max(1, room - 1)) : room
            var begin = sentences.lowerBound
            var next = begin
            while next < sentences.upperBound {
                next += 1
                let chunk =
                    file.tokens(ofSentence: begin).lowerBound..<file.tokens(ofSentence: next - 1).upperBound
                guard chunk.count >= target || next == sentences.upperBound else { continue }
                let cut = next - begin < 2 ? 1 : 1 + generator.next(below: next - begin - 1)
                let end = file.tokens(ofSentence: begin + cut - 1).upperBound
                var pair = SentencePair(
                    first: chunk.lowerBound..<end, second: end..<chunk.upperBound, isRandom: false)
                pair.isRandom = next - begin == 1 || generator.uniform() < 0.5
                if pair.isRandom, sampler.swaps, next - begin > 1 {
                    swap(&pair.first, &pair.second)
                } else if pair.isRandom {
                    pair.second = randomSentences(notOf: index, count: target - pair.first.count)
                    next = begin + cut
                }
                truncate(&pair)
                pairs.append(pair)
                begin = next
            }
        }

        /// Sentences of another document from a random one on, until they have `count` tokens.
        private mutating func randomSentences(notOf index: Int, count: Int) -> Range<Int> {
            var other = generator.next(below: sampler.documents.documents.count - 1)
            if other >= index { other += 1 }
            let sentences = file.sentences(ofDocument: sampler.documents.documents[other])
            let first = sentences.lowerBound + generator.next(below: sentences.count)
            let begin = file.tokens(ofSentence: first).lowerBound
            var last = first
            while last + 1 < sentences.upperBound, file.tokens(ofSentence: last).upperBound - begin < count {
                last += 1
            }
            return begin..<file.tokens(ofSentence: last).upperBound
        }

        /// Takes tokens from the longer part, each from a random end, until both fit.
        private mutating func truncate(_ pair: inout SentencePair) {
            while pair.first.count + pair.second.count > room {
                let part = pair.first.count > pair.second.count ? \SentencePair.first : \.second
                let range = pair[keyPath: part]
                let fromFront = generator.uniform() < 0.5
                pair[keyPath: part] =
                    fromFront
                    ? (range.lowerBound + 1)..<range.upperBound : range.lowerBound..<(range.upperBound - 1)
            }
        }
    }
}
