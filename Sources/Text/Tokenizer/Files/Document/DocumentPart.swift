import Support

/// A value of a `tokenizer.json`, and the way to it for messages.
struct DocumentPart {
    let value: JSONValue
    /// Such as `pre_tokenizer.pretokenizers[1]`.
    let key: String
    let file: String

    init(_ value: JSONValue, _ key: String, file: String) {
        self.value = value
        self.key = key
        self.file = file
    }

    func refusal(_ text: String) -> TextError {
        TextError(.unsupportedTokenizer, file: file, "'\(key)' \(text)")
    }

    /// A member; `nil` when it is null or not there.
    subscript(name: String) -> DocumentPart? {
        guard let member = value[name], !member.isNull else { return nil }
        return DocumentPart(member, key.isEmpty ? name : "\(key).\(name)", file: file)
    }

    private func wrong(_ expected: String) -> TextError {
        let text = value.text(.line).unicodeScalars
        let start = text.count > 80 ? String(text.prefix(80)) + "\u{2026}" : String(text)
        return refusal("is \(start); expected \(expected)")
    }

    // MARK: Members

    func bool(_ name: String) throws(TextError) -> Bool? {
        guard let part = self[name] else { return nil }
        guard let result = part.value.bool else { throw part.wrong("true or false") }
        return result
    }

    func string(_ name: String) throws(TextError) -> String? {
        guard let part = self[name] else { return nil }
        guard let result = part.value.string else { throw part.wrong("a text") }
        return result
    }

    /// A whole number that is not negative.
    func count(_ name: String) throws(TextError) -> Int? {
        guard let part = self[name] else { return nil }
        guard let result = part.value.integer, result >= 0 else {
            throw part.wrong("a whole number from 0 on")
        }
        return result
    }

    /// A text of a single scalar.
    func scalar(_ name: String) throws(TextError) -> Unicode.Scalar? {
        guard let text = try string(name) else { return nil }
        guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
            throw DocumentPart(value[name] ?? .null, "\(key).\(name)", file: file).wrong("one character")
        }
        return scalar
    }

    /// One of some names.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Choice.Type
    ) throws(TextError) -> Choice? where Choice.RawValue == String {
        guard let text = try string(name) else { return nil }
        guard let choice = Choice.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() })
        else {
            throw DocumentPart(value[name] ?? .null, "\(key).\(name)", file: file)
                .wrong(Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    /// A member that must be there.
    func need<Value>(_ name: String, _ value: Value?) throws(TextError) -> Value {
        guard let value else { throw refusal("has no '\(name)'") }
        return value
    }

    func elements(_ name: String) throws(TextError) -> [DocumentPart] {
        guard let part = self[name] else { return [] }
        guard let elements = part.value.array else { throw part.wrong("a list") }
        return elements.enumerated().map { DocumentPart($1, "\(part.key)[\($0)]", file: file) }
    }

    // MARK: Kinds

    /// The kind of a step.
    var kind: String {
        get throws(TextError) { try need("type", string("type")) }
    }

    /// The steps of a part, sequences taken apart.
    func steps(list: String) throws(TextError) -> [DocumentPart] {
        guard try kind.hasSameCodePoints(as: "Sequence") else { return [self] }
        guard self[list] != nil else { throw refusal("has no '\(list)'") }
        var result: [DocumentPart] = []
        for element in try elements(list) { result += try element.steps(list: list) }
        return result
    }

    func unknownKind(_ expected: String) throws(TextError) -> TextError {
        TextError(
            .unsupportedTokenizer, file: file,
            "'\(key).type' is \(quotedJSON(try kind, limit: 80)), which bertc does not know; expected \(expected)"
        )
    }

    /// What a `pattern` looks for.
    func pattern() throws(TextError) -> TextPattern {
        guard let part = self["pattern"] else { throw refusal("has no 'pattern'") }
        if let text = try part.string("String") { return TextPattern(string: text) }
        guard let expression = try part.string("Regex") else {
            throw part.refusal("is neither a String nor a Regex")
        }
        do {
            return try TextPattern(expression: expression)
        } catch {
            throw part.refusal(
                "is the regular expression \(quotedJSON(expression, limit: 80)), which \(error.reason)")
        }
    }
}
