import Support

extension PipelineTokenizer {
    package func adapted(lowercases: Bool, maxLength: Int?) throws(TextError) -> PipelineTokenizer {
        guard lowercases || maxLength != nil else { return self }
        var parts = parts
        var config = try parts.files.object(.config)?.members ?? newConfig
        if let maxLength {
            parts.modelMaxLength = maxLength
            config["model_max_length"] = .integer(maxLength)
        }
        if lowercases, !lowercasesAnyway {
            if var bert = parts.normalization.bert {
                bert.stripAccents = bert.stripAccents ?? false
                bert.lowercase = true
                parts.normalization.steps = [.bert(bert)]
                config["strip_accents"] = bert.stripAccents.map { .bool($0) }
            } else {
                parts.normalization.steps.insert(.lowercase, at: 0)
            }
            config["do_lower_case"] = .bool(true)
            if var document = try parts.files.object(.document)?.members {
                document["normalizer"] = lowercased(document["normalizer"])
                parts.files.set(.document, to: document)
            }
        }
        parts.files.set(.config, to: config)
        return try PipelineTokenizer(parts)
    }

    private var lowercasesAnyway: Bool {
        parts.normalization.steps.contains { step in
            if case .bert(let normalizer) = step { normalizer.lowercase } else { step == .lowercase }
        }
    }

    /// The `normalizer` of a `tokenizer.json` with lower-casing before it.
    private func lowercased(_ normalizer: JSONValue?) -> JSONValue {
        if var bert = normalizer?.object, bert["type"] == .string("BertNormalizer") {
            bert["lowercase"] = .bool(true)
            if bert["strip_accents"]?.bool == nil { bert["strip_accents"] = .bool(false) }
            return .object(bert)
        }
        let steps = normalizer.map { $0.isNull ? [] : [$0] } ?? []
        return .object([
            ("type", .string("Sequence")),
            ("normalizers", .array([.object([("type", .string("Lowercase"))])] + steps)),
        ])
    }
}
