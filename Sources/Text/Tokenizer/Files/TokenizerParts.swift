import Support

/// Reads the parts of a `tokenizer.json` that say what is done with a text.
///
/// Each part is null, an object with a `type`, or a `Sequence` of such objects.
struct TokenizerParts {
    let file: String

    func unsupported(_ what: String) -> TextError {
        TextError(.unsupportedTokenizer, file: file, "\(what); expected a BERT tokeniser (WordPiece)")
    }

    /// The objects of a part, sequences taken apart.
    private func members(
        of part: JSONValue?, _ name: String, list: String
    ) throws(TextError) -> [(type: String, settings: JSONValue)] {
        guard let part, !part.isNull else { return [] }
        guard let type = part["type"]?.string else { throw unsupported("the \(name) has no type") }
        guard type.hasSameCodePoints(as: "Sequence") else { return [(type, part)] }
        guard let elements = part[list]?.array else {
            throw unsupported("the \(name) has no list of \(list)")
        }
        var result: [(type: String, settings: JSONValue)] = []
        for element in elements { result += try members(of: element, name, list: list) }
        return result
    }

    // MARK: Normaliser

    func normalization(_ part: JSONValue?) throws(TextError) -> Normalization? {
        guard let part, !part.isNull else { return nil }
        var steps: [Normalization.Step] = []
        for (type, settings) in try members(of: part, "normalizer", list: "normalizers") {
            steps.append(try step(type, settings))
        }
        return Normalization(steps: steps)
    }

    private func step(_ type: String, _ settings: JSONValue) throws(TextError) -> Normalization.Step {
        if let form = Normalization.NormalForm(rawValue: type) { return .form(form) }
        switch type {
        case "BertNormalizer":
            return .bert(
                TextNormalizer(
                    cleanText: settings["clean_text"]?.bool ?? true,
                    tokenizeChineseChars: settings["handle_chinese_chars"]?.bool ?? true,
                    lowercase: settings["lowercase"]?.bool ?? true,
                    stripAccents: settings["strip_accents"]?.bool))
        case "Lowercase": return .lowercase
        case "StripAccents": return .stripAccents
        case "Strip":
            return .strip(
                left: settings["strip_left"]?.bool ?? true, right: settings["strip_right"]?.bool ?? true)
        case "Prepend": return .prepend(Array((settings["prepend"]?.string ?? "").utf8))
        case "Replace":
            guard let pattern = settings["pattern"]?["String"]?.string, !pattern.isEmpty,
                let content = settings["content"]?.string
            else { throw unsupported("the normalizer Replace has a pattern that is not a string") }
            return .replace(Array(pattern.utf8), by: Array(content.utf8))
        default: throw unsupported("the normalizer is \(type), not a BertNormalizer or one of its parts")
        }
    }

    // MARK: Pre-tokeniser

    func splitting(_ part: JSONValue?) throws(TextError) -> WordSplitting {
        var steps: [WordSplitting.Step] = []
        for (type, settings) in try members(of: part, "pre_tokenizer", list: "pretokenizers") {
            switch type {
            case "BertPreTokenizer": steps.append(.bert)
            case "Whitespace": steps.append(.wordsAndSymbols)
            case "WhitespaceSplit": steps.append(.whitespace)
            case "Punctuation":
                let behavior = settings["behavior"]?.string ?? "Isolated"
                guard let behavior = WordSplitting.Behavior(rawValue: behavior) else {
                    throw unsupported("the pre_tokenizer Punctuation has behavior \(behavior)")
                }
                steps.append(.punctuation(behavior))
            case "Digits":
                let isIndividual = settings["individual_digits"]?.bool ?? false
                steps.append(.digits(isIndividual ? .isolated : .contiguous))
            case "CharDelimiterSplit":
                let scalars = (settings["delimiter"]?.string ?? "").unicodeScalars
                guard let delimiter = scalars.first, scalars.count == 1 else {
                    throw unsupported("the pre_tokenizer CharDelimiterSplit has no delimiter")
                }
                steps.append(.delimiter(delimiter))
            default: throw unsupported("the pre_tokenizer is \(type)")
            }
        }
        return WordSplitting(steps: steps)
    }

    // MARK: Post-processor

    func template(_ part: JSONValue?) throws(TextError) -> SequenceTemplate {
        var template: SequenceTemplate?
        for (type, settings) in try members(of: part, "post_processor", list: "processors") {
            // Changes only offsets.
            if type.hasSameCodePoints(as: "ByteLevel") { continue }
            guard template == nil else {
                throw unsupported("there are two post_processors with special tokens")
            }
            switch type {
            case "TemplateProcessing": template = try self.template(settings)
            case "BertProcessing":
                template = .bert(cls: try id(settings["cls"], type), sep: try id(settings["sep"], type))
            case "RobertaProcessing":
                let (cls, sep) = (try id(settings["cls"], type), try id(settings["sep"], type))
                let single: [SequenceTemplate.Part] = [
                    .special(ids: [cls], type: 0), .text(type: 0), .special(ids: [sep], type: 0),
                ]
                template = SequenceTemplate(
                    single: single,
                    pair: single + [
                        .special(ids: [sep], type: 0), .pair(type: 0), .special(ids: [sep], type: 0),
                    ])
            default: throw unsupported("the post_processor is \(type)")
            }
        }
        return template ?? .plain
    }

    /// The id of a pair such as `["[CLS]", 101]`.
    private func id(_ pair: JSONValue?, _ type: String) throws(TextError) -> Int32 {
        guard let id = pair?.array?.last?.integer.flatMap(Int32.init(exactly:)), id >= 0 else {
            throw unsupported("the post_processor \(type) has no ids of cls and sep")
        }
        return id
    }

    private func template(_ settings: JSONValue) throws(TextError) -> SequenceTemplate {
        let template = SequenceTemplate(
            single: try parts(settings, "single"), pair: try parts(settings, "pair"))
        func count(_ parts: [SequenceTemplate.Part], _ isIncluded: (SequenceTemplate.Part) -> Bool) -> Int {
            parts.count(where: isIncluded)
        }
        let isText: (SequenceTemplate.Part) -> Bool = { if case .text = $0 { true } else { false } }
        let isPair: (SequenceTemplate.Part) -> Bool = { if case .pair = $0 { true } else { false } }
        guard count(template.single, isText) == 1, count(template.single, isPair) == 0,
            count(template.pair, isText) == 1, count(template.pair, isPair) == 1
        else { throw unsupported("the post_processor does not have each text once") }
        return template
    }

    private func parts(_ settings: JSONValue, _ name: String) throws(TextError) -> [SequenceTemplate.Part] {
        var parts: [SequenceTemplate.Part] = []
        for element in settings[name]?.array ?? [] {
            let type = { (part: JSONValue) in part["type_id"]?.integer.flatMap(Int32.init(exactly:)) ?? 0 }
            if let part = element["SpecialToken"], let token = part["id"]?.string {
                let entry = settings["special_tokens"]?[token]
                let ids = entry?["ids"]?.array?.compactMap { $0.integer.flatMap(Int32.init(exactly:)) }
                guard let ids, !ids.isEmpty, ids.allSatisfy({ $0 >= 0 }), type(part) >= 0 else {
                    throw unsupported("the post_processor has no ids of \(token)")
                }
                parts.append(.special(ids: ids, type: type(part)))
            } else if let part = element["Sequence"], let text = part["id"]?.string, type(part) >= 0 {
                parts.append(
                    text.hasSameCodePoints(as: "A") ? .text(type: type(part)) : .pair(type: type(part)))
            } else {
                throw unsupported("the post_processor has a part that is neither a special token nor a text")
            }
        }
        return parts
    }

    // MARK: Model

    func wordLimit(_ value: JSONValue?) throws(TextError) -> Int {
        guard let value, !value.isNull else { return 100 }
        guard let limit = value.integer, limit >= 0 else {
            throw unsupported("model.max_input_chars_per_word is \(value.text(.line))")
        }
        return limit
    }
}
