import Support

/// Gives added tokens their ids as Hugging Face's tokenisers do: a token of the vocabulary keeps its id, every other one
/// gets the next id after the vocabulary and the tokens before it.
///
/// Files state ids too. One that differs from the given one is noted; it is used only where the given one would fall on
/// another token, which happens in vocabularies with holes.
struct AddedVocabulary {
    private(set) var tokens: [NumberedToken] = []
    private(set) var notes: [String] = []
    private let vocabulary: Vocabulary
    private var places: [TextKey: Int] = [:]
    private var ids: Set<Int32> = []
    private var greatestID: Int32 = -1

    init(_ vocabulary: Vocabulary) { self.vocabulary = vocabulary }

    func contains(_ content: String) -> Bool { places[TextKey(content)] != nil }

    /// The id of an added token, or of one of the vocabulary.
    func id(of content: String) -> Int32? {
        places[TextKey(content)].map { tokens[$0].id } ?? vocabulary.pieceID(of: content)
    }

    /// Adds a token. One that is there already takes the new settings and keeps its id.
    ///
    /// - Parameter stated: the id in a file, with the file's path for the note.
    mutating func add(_ token: AddedToken, stated: (id: Int32, file: String)? = nil) {
        guard !token.content.isEmpty else { return }
        if let place = places[TextKey(token.content)] {
            tokens[place] = NumberedToken(token: token, id: tokens[place].id)
            return
        }
        let id = vocabulary.pieceID(of: token.content) ?? newID(of: token.content, stated: stated)
        if let stated, stated.id != id {
            notes.append(
                "\(stated.file): gives token \(quotedJSON(token.content)) the id \(stated.id), but Transformers reads it "
                    + "as \(id)")
        }
        places[TextKey(token.content)] = tokens.count
        tokens.append(NumberedToken(token: token, id: id))
        ids.insert(id)
        greatestID = max(greatestID, id)
    }

    private mutating func newID(of content: String, stated: (id: Int32, file: String)?) -> Int32 {
        let next = max(Int32(vocabulary.pieceCount), greatestID + 1)
        guard let taken = vocabulary.token(of: next) else { return next }
        if let stated, vocabulary.token(of: stated.id) == nil, !ids.contains(stated.id) { return stated.id }
        notes.append(
            "the tokens \(quotedJSON(taken)) and \(quotedJSON(content)) share the id \(next), as in Transformers"
        )
        return next
    }
}
