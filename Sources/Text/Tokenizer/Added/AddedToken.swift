import Support

/// A token that is found in the text before it is split into words, such as `[MASK]`.
package struct AddedToken: Sendable, Equatable {
    package let content: String
    /// Match only where no word character touches it.
    var singleWord = false
    /// Swallow the white space before it.
    var stripsLeft = false
    /// Swallow the white space after it.
    var stripsRight = false
    /// Search in the normalised text, for the normalised content, instead of in the raw text.
    var normalized = false
    /// Left out by `decode`.
    package var special = true

    package static func == (left: AddedToken, right: AddedToken) -> Bool {
        left.content.hasSameCodePoints(as: right.content) && left.singleWord == right.singleWord
            && left.stripsLeft == right.stripsLeft && left.stripsRight == right.stripsRight
            && left.normalized == right.normalized && left.special == right.special
    }
}

/// An added token with its id.
package struct NumberedToken: Sendable, Equatable {
    package let token: AddedToken
    package let id: Int32
}

extension AddedToken {
    /// An object such as `{"content": "[E1]", "lstrip": true}`.
    ///
    /// - Parameter special: what the token is when the object does not say it.
    /// - Returns: `nil` when this is no object, or has no content.
    init?(_ json: JSONValue, special: Bool) {
        guard let content = json["content"]?.string else { return nil }
        let special = json["special"]?.bool ?? special
        self.init(
            content: content, singleWord: json["single_word"]?.bool ?? false,
            stripsLeft: json["lstrip"]?.bool ?? false, stripsRight: json["rstrip"]?.bool ?? false,
            normalized: json["normalized"]?.bool ?? !special, special: special)
    }
}
