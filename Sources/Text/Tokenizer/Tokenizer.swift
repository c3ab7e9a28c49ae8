/// Turns texts into the token ids that an encoder takes, and back.
///
/// A kind says how a text becomes pieces and what its pieces and its files are; special tokens, truncation, words, and the
/// limits of a model are the same for all kinds and stand in extensions. `TokenizerSource` chooses the kind.
///
/// ```swift
/// let tokenizer = try TokenizerSource(contentsOf: "data/minilm").tokenizer()
/// let encoding = try tokenizer.encode("A fine film.", maxLength: 128)
/// ```
package protocol Tokenizer: Sendable {
    // MARK: Tokens

    /// One more than the greatest id of a token.
    var tokenCount: Int { get }
    /// The token of an id, if there is one.
    func token(of id: Int32) -> String?
    /// Whether a token goes on with the word of the token before it.
    func continuesWord(_ id: Int32) -> Bool
    /// Whether tokens show where words start, so that `continuesWord` means something.
    var marksWords: Bool { get }
    /// The tokens that have a meaning of their own.
    var special: SpecialTokens { get }
    /// Tokens that are found in a text before it is split.
    var addedTokens: [NumberedToken] { get }

    // MARK: Texts

    /// The ids of a text without special tokens around it; those inside the text are kept whole.
    ///
    /// - Throws: `.missingSpecialToken` for an unknown word when there is no token for such words, `.unsupportedTokenizer`
    ///   for an expression that backtracks without end on the text.
    func pieces(of text: String) throws(TextError) -> [Int32]
    /// The same tokens with the part of the text that each stands for.
    ///
    /// - Throws: the same as `pieces(of:)`.
    func spans(of text: String) throws(TextError) -> [TokenSpan]
    /// What stands for a word that has no pieces.
    ///
    /// - Throws: `.missingSpecialToken` when nothing does.
    func unknownPiece() throws(TextError) -> Int32
    /// The text that consecutive tokens are pieces of.
    ///
    /// - Parameter cleanUp: drop the blank before `.?!,` and English contractions, as HF's decoders do.
    /// - Throws: `.unsupportedTokenizer` for an expression that backtracks without end on a token.
    func text(joining tokens: [String], cleanUp: Bool) throws(TextError) -> String

    // MARK: Sequences

    /// What stands around a text or a pair.
    var template: SequenceTemplate { get }
    /// Which end of a long text is cut.
    var truncationSide: TruncationSide { get }
    /// The greatest number of tokens of a sequence, if the tokeniser's files say it.
    var modelMaxLength: Int? { get }
    /// Rows of the model's table of tokens; `Int.max` before `limited(toRows:types:)`.
    var rows: Int { get set }

    // MARK: Files

    /// The directory or file that this was loaded from; empty for one that was not.
    var path: String { get }
    /// Settings of the tokeniser's files that have no effect, or an unexpected one; one line each.
    var notes: [String] { get }
    /// Changes when a text may be tokenised in another way.
    var contentHash: UInt64 { get }
    /// This tokeniser as a sentence-transformers module changes it, which is also how it is saved.
    ///
    /// - Parameters:
    ///   - lowercases: makes every text lower-case before it is normalised; accents stay unless the tokeniser removes them
    ///     itself.
    ///   - maxLength: the greatest number of tokens of a sequence in place of the tokeniser's own; nil keeps that.
    func adapted(lowercases: Bool, maxLength: Int?) throws(TextError) -> Self
    /// Writes files that HF Transformers and `TokenizerSource` load with the same result, and removes those of another
    /// tokeniser. The directory is made if needed; an interrupted save damages nothing.
    ///
    /// - Throws: `FileError`.
    func save(to directory: String) throws
}
