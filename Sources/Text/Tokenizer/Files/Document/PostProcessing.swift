import Support

/// The `post_processor` of a `tokenizer.json`: what stands around texts, and how the offsets of tokens are corrected.
struct PostProcessing: Equatable {
    var template = SequenceTemplate.plain
    var trimming: OffsetTrimming?

    /// - Throws: `.unsupportedTokenizer` for two that put special tokens around texts.
    init(_ part: DocumentPart?) throws(TextError) {
        var hasTemplate = false
        for step in try part?.steps(list: "processors") ?? [] {
            let kind = try step.kind
            if kind == "ByteLevel" || kind == "RobertaProcessing" {
                if try step.bool("trim_offsets") ?? true {
                    trimming = OffsetTrimming(addsPrefixSpace: try step.bool("add_prefix_space") ?? true)
                }
                if kind == "ByteLevel" { continue }
            }
            guard !hasTemplate else {
                throw step.refusal("is the second post-processor that puts special tokens around texts")
            }
            hasTemplate = true
            switch kind {
            case "TemplateProcessing": template = try SequenceTemplate(step)
            case "BertProcessing":
                template = .bert(cls: try step.tokenID("cls"), sep: try step.tokenID("sep"))
            case "RobertaProcessing":
                template = .roberta(cls: try step.tokenID("cls"), sep: try step.tokenID("sep"))
            default:
                throw try step.unknownKind(
                    "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or a Sequence")
            }
        }
    }

    init(template: SequenceTemplate, trimming: OffsetTrimming? = nil) {
        self.template = template
        self.trimming = trimming
    }
}

extension DocumentPart {
    /// The id of a pair such as `["[CLS]", 101]`.
    fileprivate func tokenID(_ name: String) throws(TextError) -> Int32 {
        guard let id = value[name]?.array?.last?.integer.flatMap(Int32.init(exactly:)), id >= 0 else {
            throw refusal("has no '\(name)' with a token and its id")
        }
        return id
    }

    fileprivate func typeID() throws(TextError) -> Int32 { Int32(clamping: try count("type_id") ?? 0) }
}

extension SequenceTemplate {
    fileprivate init(_ part: DocumentPart) throws(TextError) {
        let single = try Self.parts(part, "single")
        let pair = try Self.parts(part, "pair")
        func count(_ parts: [Part], _ isIncluded: (Part) -> Bool) -> Int { parts.count(where: isIncluded) }
        let isText: (Part) -> Bool = { if case .text = $0 { true } else { false } }
        let isPair: (Part) -> Bool = { if case .pair = $0 { true } else { false } }
        guard count(single, isText) == 1, count(single, isPair) == 0 else {
            throw part.refusal("does not have each text once; 'single' must have the sequence A")
        }
        guard count(pair, isText) == 1, count(pair, isPair) == 1 else {
            throw part.refusal("does not have each text once; 'pair' must have the sequences A and B")
        }
        self.init(single: single, pair: pair)
    }

    private static func parts(_ part: DocumentPart, _ name: String) throws(TextError) -> [Part] {
        var parts: [Part] = []
        for element in try part.elements(name) {
            if let special = element["SpecialToken"] {
                let token = try special.need("id", special.string("id"))
                let entry = part.value["special_tokens"]?[token]
                let ids = entry?["ids"]?.array?.compactMap { $0.integer.flatMap(Int32.init(exactly:)) }
                guard let ids, !ids.isEmpty, ids.allSatisfy({ $0 >= 0 }) else {
                    throw part.refusal("has no ids of \(quotedJSON(token)) in 'special_tokens'")
                }
                parts.append(.special(ids: ids, type: try special.typeID()))
            } else if let text = element["Sequence"] {
                let isFirst = try text.need("id", text.string("id")).hasSameCodePoints(as: "A")
                parts.append(isFirst ? .text(type: try text.typeID()) : .pair(type: try text.typeID()))
            } else {
                throw element.refusal("is neither a SpecialToken nor a Sequence")
            }
        }
        return parts
    }
}
