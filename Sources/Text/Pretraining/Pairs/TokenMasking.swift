import Support

/// Which tokens of a sequence a masked language model has to guess, as BERT's `create_pretraining_data.py` chooses
/// them: a share of all tokens in random order, never special tokens such as `[CLS]`. Of those, 80 % become `[MASK]`, 10 % a
/// random token, and 10 % stay as they are.
package struct TokenMasking: Sendable {
    /// The share of tokens that are guessed, 0 to 1.
    package let share: Double
    /// Tokens that are guessed in a sequence at most.
    package let maxPredictions: Int
    private let mask: Int32
    /// Tokens that are never guessed.
    private let special: Set<Int32>
    private let vocabularySize: Int
    /// For each id, whether the token continues a word; empty when words need not stay whole.
    private let continues: [Bool]

    /// - Parameter wholeWords: guess all pieces of a word or none.
    /// - Throws: `.missingSpecialToken` when the tokeniser has no mask, `.unsupportedTokenizer` when it puts no
    ///   special tokens around a pair, or its tokens do not show where words start and that is needed.
    package init(
        share: Double, maxPredictions: Int, wholeWords: Bool, tokenizer: any Tokenizer
    ) throws(TextError) {
        guard tokenizer.template.specialCount(isPair: true) > 0 else {
            throw TextError(
                .unsupportedTokenizer, file: tokenizer.path,
                "puts no special tokens around a pair of texts, but pre-training needs some, such as "
                    + "[CLS] first [SEP] second [SEP]")
        }
        guard !wholeWords || tokenizer.marksWords else {
            throw TextError(
                .unsupportedTokenizer, file: tokenizer.path,
                "has tokens that do not show where words start, which 'wholeWordMasking' needs; turn it off")
        }
        self.share = share
        self.maxPredictions = maxPredictions
        mask = try tokenizer.special.id(.mask)
        special = Set(tokenizer.template.specialIDs)
        vocabularySize = tokenizer.vocabularySize
        continues = wholeWords ? (0..<Int32(tokenizer.tokenCount)).map(tokenizer.continuesWord) : []
    }

    /// How many tokens of a sequence are guessed; with whole words at most so many.
    package func count(length: Int) -> Int {
        min(maxPredictions, max(1, Int((Double(length) * share).rounded())))
    }

    /// Masks a sequence in place.
    ///
    /// - Returns: the positions that are guessed, ascending, with the tokens that stood there.
    package func mask(
        _ ids: inout [Int32], with generator: inout SplitMix64
    ) -> (positions: [Int32], labels: [Int32]) {
        var words: [Range<Int>] = []
        for (position, id) in ids.enumerated() where !special.contains(id) {
            if !continues.isEmpty, continues[Int(id)], let last = words.last, last.upperBound == position {
                words[words.count - 1] = last.lowerBound..<(position + 1)
            } else {
                words.append(position..<(position + 1))
            }
        }
        generator.shuffle(&words)
        let count = count(length: ids.count)
        var chosen: [Int] = []
        for word in words {
            if chosen.count == count { break }
            if chosen.count + word.count <= count { chosen += word }
        }
        chosen.sort()
        let labels = chosen.map { ids[$0] }
        for position in chosen {
            let choice = generator.uniform()
            if choice < 0.8 {
                ids[position] = mask
            } else if choice < 0.9 {
                ids[position] = Int32(generator.next(below: vocabularySize))
            }
        }
        return (chosen.map(Int32.init), labels)
    }
}
