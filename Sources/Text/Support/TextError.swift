/// A caller's mistake in what a tokeniser's files or a data set hold, in a text, or in how batches are planned. Files that
/// cannot be read or written are a `FileError`.
///
/// `description` is one line: `file:line: what is wrong; what was expected and how to fix it`.
package struct TextError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What went wrong, for callers that react differently to different mistakes.
    package enum Kind: Sendable, Equatable {
        case damagedFile
        case invalidUTF8
        case invalidJSON
        case invalidVocabulary
        case missingSpecialToken
        case unsupportedTokenizer
        case unknownTokenID
        case cannotTruncate
        case unknownFormat
        case emptyDataset
        case countMismatch
        case invalidColumns
        case invalidLabel
        case invalidBatching
    }

    package let kind: Kind
    /// Path of the file that is at fault, if one is.
    package let file: String?
    /// One-based line in `file`.
    package let line: Int?
    /// What is wrong, what was expected, and the fix, in one line.
    package let message: String

    package init(_ kind: Kind, file: String? = nil, line: Int? = nil, _ message: String) {
        self.kind = kind
        self.file = file
        self.line = line
        self.message = message
    }

    package var description: String {
        guard let file else { return message }
        guard let line else { return "\(file): \(message)" }
        return "\(file):\(line): \(message)"
    }
}
