import Foundation
import Support

/// Trains the tokens and scores of a Unigram model (Kudo, arXiv:1804.10959) as Hugging Face's `UnigramTrainer` does.
///
/// Seeds are all characters and the strings that occur most. Then the expectation-maximisation algorithm gives them
/// probabilities, and those that are missed least are dropped, a quarter at a time, until 1.1 times as many as wanted are
/// left. Words are taken in the order of code points and summed up in parts that do not depend on the threads; Hugging
/// Face takes them in the order of a hash table, so that its scores differ from run to run in the last digits.
struct UnigramTrainer {
    typealias Token = (text: String, score: Double)

    /// Tokens in all, special ones included.
    let size: Int
    let specialCount: Int
    let runner: any TaskRunner

    /// In characters.
    private static let maxPieceLength = 16
    private static let seedLimit = 1_000_000
    private static let shrinkingFactor = 0.75
    private static let roundsPerSize = 2
    /// Pieces that are expected less often are dropped.
    private static let leastExpectation = 0.5
    /// Into how many parts words are cut.
    private static let parts = 16

    /// The tokens, the greatest score first.
    ///
    /// - Parameter words: different ones, in the order of code points.
    func train(_ words: [(word: String, count: Int)], alphabet: [Unicode.Scalar]) -> [Token] {
        let corpus = UnigramCorpus(words)
        var model = seeds(of: words)
        let wanted = size * 11 / 10
        while true {
            for _ in 0..<Self.roundsPerSize {
                model = maximized(model, expectations(model, corpus))
            }
            guard model.idCount > wanted else { break }
            let pruned = pruned(
                model, corpus, to: max(wanted, Int(Double(model.idCount) * Self.shrinkingFactor)))
            guard pruned.idCount < model.idCount else { break }
            model = pruned
        }
        return tokens(of: model, alphabet)
    }

    // MARK: Seeds

    private func seeds(of words: [(word: String, count: Int)]) -> UnigramPieces {
        var counts: [Unicode.Scalar: Int] = [:]
        for (word, count) in words {
            for scalar in word.unicodeScalars { counts[scalar, default: 0] += count }
        }
        let strings = SubstringSeeds(
            words.map(\.word), maxLength: Self.maxPieceLength, limit: Self.seedLimit - counts.count, runner)
        var texts = UnigramPieces.Texts()
        var numbers: [Double] = []
        for (scalar, count) in counts.sorted(by: { ($1.value, $1.key) < ($0.value, $0.key) }) {
            texts.append(UTF8Scalar.bytes(of: scalar))
            numbers.append(Double(count))
        }
        for seed in strings.seeds {
            texts.append(
                strings.scalars[seed.range].lazy.compactMap(Unicode.Scalar.init).flatMap {
                    Array(UTF8Scalar.bytes(of: $0))
                })
            numbers.append(Double(seed.score))
        }
        let all = log(numbers.reduce(0, +))
        return UnigramPieces(
            numbers.enumerated().map { UnigramPieces.Piece(text: $0, score: log($1) - all) }, texts)
    }

    // MARK: Expectation and maximisation

    /// How often each piece is expected, by id.
    private func expectations(_ model: UnigramPieces, _ corpus: UnigramCorpus) -> [Double] {
        sum(model.idCount, over: corpus) { part, expected in
            var lattice = UnigramLattice()
            corpus.forEachWord(of: part) { word, count in
                lattice.load(word, model)
                lattice.addExpectations(count, to: &expected)
            }
        }
    }

    /// Sums of numbers by id over all words, in an order that does not depend on the threads.
    private func sum(
        _ count: Int, over corpus: UnigramCorpus, _ body: (Range<Int>, inout [Double]) -> Void
    ) -> [Double] {
        let sums = runner.map(corpus.count, parts: Self.parts) { part in
            var sums = [Double](repeating: 0, count: count)
            body(part, &sums)
            return sums
        }
        return sums.dropFirst().reduce(into: sums[0]) { all, part in
            for index in all.indices { all[index] += part[index] }
        }
    }

    /// The pieces with the probabilities that their expectations give, with a prior that favours few pieces.
    private func maximized(_ model: UnigramPieces, _ expected: [Double]) -> UnigramPieces {
        var pieces: [UnigramPieces.Piece] = []
        var sum = 0.0
        for (piece, count) in zip(model.pieces, expected.dropFirst()) where count >= Self.leastExpectation {
            pieces.append(UnigramPieces.Piece(text: piece.text, score: count))
            sum += count
        }
        let all = digamma(sum)
        for index in pieces.indices { pieces[index].score = digamma(pieces[index].score) - all }
        return UnigramPieces(pieces, model.texts)
    }

    // MARK: Pruning

    /// Keeps the pieces that are missed most, the unknown among `count`.
    private func pruned(_ model: UnigramPieces, _ corpus: UnigramCorpus, to count: Int) -> UnigramPieces {
        let frequencies = sum(model.idCount, over: corpus) { part, frequencies in
            var lattice = UnigramLattice()
            corpus.forEachWord(of: part) { word, count in
                lattice.load(word, model)
                lattice.forEachBestPiece { frequencies[Int($0)] += count }
            }
        }
        let losses = losses(model, frequencies, wordCount: corpus.counts.reduce(0, +))
        var kept: [UnigramPieces.Piece] = []
        var candidates: [(piece: UnigramPieces.Piece, loss: Double)] = []
        for (piece, loss) in zip(model.pieces, losses) {
            switch loss {
            case .needed: kept.append(piece)
            case .unused: break
            case .loss(let loss): candidates.append((piece, loss))
            }
        }
        let sorted = candidates.enumerated().sorted {
            ($1.element.loss, $0.offset) < ($0.element.loss, $1.offset)
        }
        kept += sorted.prefix(max(0, count - 1 - kept.count)).map(\.element.piece)
        return UnigramPieces(kept, model.texts)
    }

    /// What is lost without a piece.
    private enum Loss {
        case needed, unused
        /// The likelihood that the words lose.
        case loss(Double)
    }

    /// The loss of each piece, if the second best way to cut its text takes its place.
    private func losses(_ model: UnigramPieces, _ frequencies: [Double], wordCount: Double) -> [Loss] {
        let sum = frequencies.reduce(0, +)
        let logSum = log(sum)
        let parts = runner.map(model.pieces.count, parts: 4 * Self.parts) { part in
            var lattice = UnigramLattice()
            return part.map { index -> Loss in
                let frequency = frequencies[index + 1]
                model.texts[model.pieces[index].text].withUnsafeBufferPointer { lattice.load($0, model) }
                let alternative = lattice.alternativeToWhole()
                if frequency == 0, alternative == nil { return .unused }
                guard let alternative, !alternative.isEmpty else { return .needed }
                guard frequency > 0 else { return .unused }
                // Hugging Face adds as many alternatives as there are pieces, where SentencePiece adds those of this one.
                let newSum = log(sum + frequency * Double(model.idCount - 1))
                let without = alternative.reduce(0) {
                    $0 + (log(frequencies[Int($1)] + frequency) - newSum)
                }
                return .loss(frequency / wordCount * (log(frequency) - logSum - without))
            }
        }
        return Array(parts.joined())
    }

    // MARK: Tokens

    /// All characters, those that were dropped with the least score, and the first pieces.
    private func tokens(of model: UnigramPieces, _ alphabet: [Unicode.Scalar]) -> [Token] {
        var scores: [TextKey: Double] = [:]
        for piece in model.pieces { scores[TextKey(String(utf8: model.texts[piece.text]))] = piece.score }
        var result: [Token] = []
        var missing = 0
        for scalar in alphabet {
            let text = String(scalar)
            if let score = scores.removeValue(forKey: TextKey(text)) {
                result.append((text, score))
            } else {
                result.append((text, model.leastScore + Double(missing) * 0.0001))
                missing += 1
            }
        }
        for piece in model.pieces where result.count < size - specialCount {
            let text = String(utf8: model.texts[piece.text])
            if scores[TextKey(text)] != nil { result.append((text, piece.score)) }
        }
        return result.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
            .map { ($0.element.text, Self.rounded($0.element.score)) }
    }

    /// With 12 decimals: Hugging Face's reader of JSON gives numbers with more than 15 digits another last bit, which
    /// decides between ways to cut a word that are equally good.
    private static func rounded(_ score: Double) -> Double { (score * 1e12).rounded() / 1e12 }
}

/// The derivative of the logarithm of the gamma function.
private func digamma(_ x: Double) -> Double {
    var (x, result) = (x, 0.0)
    while x < 7 {
        result -= 1 / x
        x += 1
    }
    x -= 0.5
    let x2 = 1 / (x * x)
    let x4 = x2 * x2
    return result + log(x) + x2 / 24 - 7 * x4 / 960 + 31 * x4 * x2 / 8064 - 127 * x4 * x4 / 30720
}
