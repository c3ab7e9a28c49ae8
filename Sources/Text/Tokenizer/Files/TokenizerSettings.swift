import Support

/// What `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` say, read as HF reads them: with an
/// `added_tokens_decoder` in the first the other two do not count, else `special_tokens_map.json` has the last word on
/// the special tokens.
struct TokenizerSettings {
    private let config: JSONObject
    private let file: String?
    /// Settings of special tokens, by name (`cls_token`), in the order of the files.
    private var named: [(key: TextKey, token: AddedToken?)] = []
    /// Places in `named`.
    private var places: [TextKey: Int] = [:]
    /// Special tokens without a role: `extra_special_tokens`, or else `additional_special_tokens`.
    var additional: [AddedToken] { namedExtra + (extra.isEmpty ? alternatives : extra) }
    private var namedExtra: [AddedToken] = []
    private var extra: [AddedToken] = []
    private var alternatives: [AddedToken] = []
    /// Added tokens with the ids that the files state, in the order of the ids.
    private(set) var added: [(token: AddedToken, id: Int32, file: String)] = []
    private(set) var notes: [String] = []

    /// The order in which HF looks at the special tokens.
    private static let order: [TextKey] = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]
    private static let lists = ["additional_special_tokens", "extra_special_tokens"]

    init(_ files: TokenizerFiles) throws(TextError) {
        let source = try files.object(.config)
        config = source?.members ?? JSONObject()
        file = source?.file
        if let file { try readSpecialTokens(config, file: file) }
        let decoder = config["added_tokens_decoder"]
        if let decoder, let file {
            try readDecoder(decoder, file: file)
            for name in [TokenizerFiles.Name.specialTokens, .addedTokens] {
                guard let other = try files.object(name), try addsTokens(other, name) else { continue }
                notes.append(
                    "\(other.file): not read, as in Transformers: tokenizer_config.json has an added_tokens_decoder"
                )
            }
        } else {
            if let map = try files.object(.specialTokens) {
                try readSpecialTokens(map.members, file: map.file)
            }
            if let ids = try files.object(.addedTokens) { try readIDs(ids.members, file: ids.file) }
        }
        added.sort { $0.id < $1.id }
        try readRest(files)
    }

    // MARK: Special tokens

    /// The special tokens in HF's order, those with names of their own after the usual ones. A missing one has the spelling
    /// of `defaults`; a null one is left out.
    func specialTokens(defaults: [SpecialDefault]) -> [(key: TextKey, token: AddedToken)] {
        var result: [(key: TextKey, token: AddedToken)] = []
        for key in TokenizerSettings.order {
            let fallback = defaults.first { TextKey($0.key) == key }?.token
            if let stated = named.last(where: { $0.key == key }) {
                // There are no sequences without these two: HF takes the usual ones then.
                let isNeeded = key == "cls_token" || key == "sep_token"
                if let token = stated.token ?? (isNeeded ? fallback : nil) { result.append((key, token)) }
            } else if let fallback {
                result.append((key, fallback))
            }
        }
        for (key, token) in named where !TokenizerSettings.order.contains(key) {
            if let token { result.append((key, token)) }
        }
        return result
    }

    /// Whether the files name a special token, such as `cls_token`.
    func states(_ key: TextKey) -> Bool { named.contains { $0.key == key && $0.token != nil } }

    private mutating func readSpecialTokens(_ object: JSONObject, file: String) throws(TextError) {
        for (key, value) in object.members {
            if TokenizerSettings.lists.contains(where: key.hasSameCodePoints) {
                try readList(value, key: key, file: file)
            } else if key.hasSameCodePoints(as: "model_specific_special_tokens"), let named = value.object {
                try readSpecialTokens(named, file: file)
            } else if key.utf8.reversed().starts(with: "_token".utf8.reversed()) {
                // Flags such as add_bos_token.
                if value.bool != nil { continue }
                let token = try specialToken(value, key: key, file: file)
                if let place = places[TextKey(key)] {
                    named[place].token = token
                } else {
                    places[TextKey(key)] = named.count
                    named.append((TextKey(key), token))
                }
            }
        }
    }

    private func specialToken(_ value: JSONValue, key: String, file: String) throws(TextError) -> AddedToken?
    {
        if value.isNull { return nil }
        if let content = value.string { return AddedToken(content: content) }
        guard var token = AddedToken(value, special: true) else {
            throw refusal(key, value, "a token or an object with its content", file: file)
        }
        token.special = true
        return token
    }

    /// Reads a list of tokens without a role. HF looks at `additional_special_tokens` when there is no other list, and
    /// takes those of the first file.
    private mutating func readList(_ value: JSONValue, key: String, file: String) throws(TextError) {
        if value.isNull { return }
        guard let values = value.array ?? value.object?.members.map(\.value) else {
            throw refusal(key, value, "a list of tokens", file: file)
        }
        var tokens: [AddedToken] = []
        for value in values {
            guard
                let token = value.string.map({ AddedToken(content: $0) }) ?? AddedToken(value, special: true)
            else { throw refusal(key, value, "tokens or objects with their content", file: file) }
            if !(tokens + extra).contains(where: { $0.content.hasSameCodePoints(as: token.content) }) {
                tokens.append(token)
            }
        }
        if value.object != nil {
            namedExtra += tokens
        } else if key.hasSameCodePoints(as: "extra_special_tokens") {
            extra += tokens
        } else if alternatives.isEmpty {
            alternatives = tokens
        }
    }

    // MARK: Added tokens

    private mutating func readDecoder(_ decoder: JSONValue, file: String) throws(TextError) {
        guard let members = decoder.object?.members else {
            throw refusal("added_tokens_decoder", decoder, "an object with ids as names", file: file)
        }
        for (name, value) in members {
            guard let id = Int32(name), (0...Vocabulary.greatestID).contains(id),
                let token = AddedToken(value, special: false)
            else {
                throw TextError(
                    .invalidVocabulary, file: file,
                    "'added_tokens_decoder' has \(quotedJSON(name)): \(value.kind); expected ids from 0 to "
                        + "\(Vocabulary.greatestID) with objects that have a content")
            }
            added.append((token, id, file))
        }
    }

    private mutating func readIDs(_ ids: JSONObject, file: String) throws(TextError) {
        let special = Set((named.compactMap(\.token) + additional).map { TextKey($0.content) })
        for (content, value) in ids.members {
            guard let id = value.integer.flatMap(Int32.init(exactly:)),
                (0...Vocabulary.greatestID).contains(id)
            else {
                throw TextError(
                    .invalidVocabulary, file: file,
                    "the id of token \(quotedJSON(content)) is \(value.text(.line)); expected a whole number from 0 to "
                        + "\(Vocabulary.greatestID)")
            }
            let isSpecial = special.contains(TextKey(content))
            added.append(
                (AddedToken(content: content, normalized: !isSpecial, special: isSpecial), id, file))
        }
    }

    /// Whether a file that is not read has tokens that the configuration does not have.
    private func addsTokens(
        _ other: (members: JSONObject, file: String), _ name: TokenizerFiles.Name
    ) throws(TextError) -> Bool {
        let known = Set(
            (named.compactMap(\.token) + additional + added.map(\.token)).map { TextKey($0.content) })
        if name == .addedTokens { return other.members.names.contains { !known.contains(TextKey($0)) } }
        return other.members.members.contains { _, value in
            let values = value.array ?? [value]
            return values.contains {
                ($0.string ?? $0["content"]?.string).map { !known.contains(TextKey($0)) } ?? false
            }
        }
    }

    // MARK: Other settings

    /// The class's name, if the file has one.
    private(set) var className: String?
    private(set) var lowercase: Bool?
    private(set) var tokenizesChineseChars: Bool?
    private(set) var stripsAccents: Bool?
    private(set) var modelMaxLength: Int?
    private(set) var truncationSide: TruncationSide?
    /// Whether special tokens in a text are split like any other text.
    private(set) var splitsSpecialTokens = false
    /// What the model is given beside the ids, if the file says it.
    private(set) var sendsTypes: Bool?

    private mutating func readRest(_ files: TokenizerFiles) throws(TextError) {
        className = try value("tokenizer_class", "a name") { $0.string }
        lowercase = try value("do_lower_case", "true or false") { $0.bool }
        tokenizesChineseChars = try value("tokenize_chinese_chars", "true or false") { $0.bool }
        stripsAccents = try value("strip_accents", "true, false or null") { $0.bool }
        truncationSide = try value("truncation_side", "\"left\" or \"right\"") {
            $0.string.flatMap(TruncationSide.init)
        }
        splitsSpecialTokens = try value("split_special_tokens", "true or false") { $0.bool } ?? false
        let oldName = try value("max_len", "a whole number above 0", whole)
        let length = try value("model_max_length", "a whole number above 0", whole) ?? oldName
        modelMaxLength = length.flatMap { $0 < TokenizerSettings.noLimit ? Int($0) : nil }
        sendsTypes = try value("model_input_names", "a list of names") { $0.array?.map(\.string) }
            .map { $0.contains { $0.map { $0.hasSameCodePoints(as: "token_type_ids") } ?? false } }
        try readBasicTokenizer()
        if config["auto_map"].map({ !$0.isNull }) ?? false, let file {
            notes.append(
                "\(file): the code that auto_map names is not run; the tokeniser is the one of its class")
        }
    }

    /// HF writes 1e30 for tokenisers without a limit.
    private static let noLimit = 1e9

    private func whole(_ value: JSONValue) -> Double? {
        value.double.flatMap { $0 >= 1 && $0 == $0.rounded() ? $0 : nil }
    }

    private mutating func readBasicTokenizer() throws(TextError) {
        guard let file else { return }
        if try value("do_basic_tokenize", "true or false", { $0.bool }) == false {
            throw TextError(
                .unsupportedTokenizer, file: file,
                "'do_basic_tokenize' is false, so that texts must be split beforehand; expected true")
        }
        let known = Set(
            (named.compactMap(\.token) + additional + added.map(\.token)).map { TextKey($0.content) })
        let whole = try value("never_split", "a list of tokens") { $0.array?.compactMap(\.string) } ?? []
        if let token = whole.first(where: { !known.contains(TextKey($0)) }) {
            notes.append(
                "\(file): 'never_split' has no effect on \(quotedJSON(token)), as in Transformers' fast tokenisers; add it "
                    + "to 'additional_special_tokens' to keep it whole")
        }
    }

    /// A setting of a class that is true or false; `nil` when it is null or not there.
    func flag(_ key: String) throws(TextError) -> Bool? { try value(key, "true or false") { $0.bool } }

    /// A setting; `nil` when it is null or not there.
    private func value<Value>(
        _ key: String, _ expected: String, _ read: (JSONValue) -> Value?
    ) throws(TextError) -> Value? {
        guard let value = config[key], !value.isNull, let file else { return nil }
        guard let result = read(value) else { throw refusal(key, value, expected, file: file) }
        return result
    }

    private func refusal(_ key: String, _ value: JSONValue, _ expected: String, file: String) -> TextError {
        TextError(.unsupportedTokenizer, file: file, "'\(key)' is \(value.text(.line)); expected \(expected)")
    }
}

/// What a class of HF takes for a special token that no file names.
struct SpecialDefault: Sendable {
    /// Such as `cls_token`.
    let key: String
    let token: AddedToken

    init(_ key: String, _ content: String, stripsLeft: Bool = false) {
        self.key = key
        token = AddedToken(content: content, stripsLeft: stripsLeft)
    }
}
