import Encoders
import Pipelines
import Support

/// text-embeddings-inference's routes.
extension Routes {
    func embed(_ fields: RequestFields, _ served: ServedModel) async throws -> Reply {
        let input = try TextsField(fields.required("inputs"), "inputs", served.model)
        try check(input.texts.count, elements: served.model.vectorWidth ?? 0)
        let vectors = try await vectors(
            input.texts, fields, served.model, normalize: try fields.bool("normalize", default: true)
        ).results
        return Reply(.array(vectors.map(Self.numbers)))
    }

    /// Vectors, of the first `dimensions` elements where a request asks for fewer.
    func vectors(
        _ texts: [String], _ fields: RequestFields, _ model: InferenceModel, normalize: Bool
    ) async throws -> InferenceModel.Counted<[Float]> {
        let dimensions = try fields.count("dimensions")
        if let dimensions, let width = model.vectorWidth, dimensions > width {
            throw ServerError(
                .contentTooLarge, .validation,
                "`dimensions` is \(dimensions); the model's vectors have \(width)")
        }
        let counted = try await model.countedEmbed(
            texts, normalize: normalize && dimensions == nil, promptName: try fields.string("prompt_name"),
            truncation: try fields.truncation(options, canChunk: true))
        guard let dimensions else { return counted }
        let cut = counted.results.map { Array($0.prefix(dimensions)) }
        return InferenceModel.Counted(
            results: normalize ? cut.map(VectorSimilarity.unitLength) : cut, tokens: counted.tokens)
    }

    func embedAll(_ fields: RequestFields, _ served: ServedModel) async throws -> Reply {
        let input = try TextsField(fields.required("inputs"), "inputs", served.model)
        try check(input.texts.count, elements: served.model.maxLength * served.model.hiddenSize)
        let states = try await served.model.tokenStates(
            input.texts, promptName: try fields.string("prompt_name"),
            truncation: try fields.truncation(options))
        return Reply(.array(states.map { .array($0.map(Self.numbers)) }))
    }

    func embedSparse(_ fields: RequestFields, _ served: ServedModel) async throws -> Reply {
        let input = try TextsField(fields.required("inputs"), "inputs", served.model)
        try check(input.texts.count, elements: 3 * served.model.tokenCount)
        let weights = try await served.model.sparseWeights(
            input.texts, promptName: try fields.string("prompt_name"),
            truncation: try fields.truncation(options))
        return Reply(
            .array(
                weights.map { row in
                    .array(
                        row.map { .object([("index", .integer($0.token)), ("value", .float($0.weight))]) })
                }))
    }

    func similarity(_ fields: RequestFields, _ served: ServedModel) async throws -> Reply {
        guard let inputs = try fields.fields("inputs") else {
            throw ServerError(.unprocessableContent, .validation, "missing field `inputs`")
        }
        let source = try inputs.requiredString("source_sentence")
        let sentences = try inputs.strings("sentences")
        try check(sentences.count)
        let parameters = try fields.fields("parameters")
        let vectors = try await served.model.embed(
            [source] + sentences, normalize: true, promptName: try parameters?.string("prompt_name"),
            truncation: try parameters?.truncation(options, canChunk: true)
                ?? InferenceModel.Truncation(isAllowed: options.truncates, chunks: options.chunks))
        return Reply(.array(vectors.dropFirst().map { .float(VectorSimilarity.cosine(vectors[0], $0)) }))
    }

    func predict(_ fields: RequestFields, _ served: ServedModel) async throws -> Reply {
        let (pairs, isSingle) = try Self.pairs(fields.required("inputs"))
        try check(pairs.count)
        let rows = try await served.model.labelScores(
            pairs, raw: try fields.bool("raw_scores", default: false),
            truncation: try fields.truncation(options))
        let labels = served.model.labels.isEmpty ? ["LABEL_0"] : served.model.labels
        let answers = rows.map { row in
            JSONValue.array(
                row.indices.sorted { (row[$1], $0) < (row[$0], $1) }.map {
                    .object([("score", .float(row[$0])), ("label", .string(labels[$0]))])
                })
        }
        return Reply(isSingle ? answers[0] : .array(answers))
    }

    /// A text, a pair of texts, or an array of arrays of one text or two.
    private static func pairs(_ value: JSONValue) throws -> (pairs: [TextPair], isSingle: Bool) {
        if let text = value.string { return ([TextPair(text)], true) }
        func pair(_ value: JSONValue) throws -> TextPair {
            if let text = value.string { return TextPair(text) }
            guard let texts = value.array?.map(\.string), (1...2).contains(texts.count), let text = texts[0],
                texts.count == 1 || texts[1] != nil
            else {
                throw RequestFields.wrong(value, "inputs", "a text, a pair of texts, or an array of these")
            }
            return TextPair(text, pair: texts.count == 2 ? texts[1] : nil)
        }
        guard let array = value.array else {
            throw RequestFields.wrong(value, "inputs", "a text, a pair of texts, or an array of these")
        }
        if array.count == 2, array.allSatisfy({ $0.string != nil }) { return ([try pair(value)], true) }
        return (try array.map(pair), false)
    }

    func rerank(_ fields: RequestFields, _ served: ServedModel) async throws -> Reply {
        let texts = try fields.strings("texts")
        try check(texts.count)
        let scores = try await served.model.rerankScores(
            texts, query: try fields.requiredString("query"),
            raw: try fields.bool("raw_scores", default: false),
            truncation: try fields.truncation(options))
        let returnsText = try fields.bool("return_text", default: false)
        return Reply(
            .array(
                Self.order(scores).map { index in
                    .object(
                        [("index", .integer(index)), ("score", .float(scores[index]))]
                            + (returnsText ? [("text", .string(texts[index]))] : []))
                }))
    }

    /// The best first; of equal scores the first one.
    static func order(_ scores: [Float]) -> [Int] {
        scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    }

    func tokenize(_ fields: RequestFields, _ served: ServedModel) throws -> Reply {
        let value = try fields.required("inputs")
        let texts = try value.string.map { [$0] } ?? fields.strings("inputs")
        try check(texts.count)
        let withSpecials = try fields.bool("add_special_tokens", default: true)
        let promptName = try fields.string("prompt_name")
        return Reply(
            .array(
                try texts.map { text in
                    .array(
                        try served.model.tokens(of: text, withSpecials: withSpecials, promptName: promptName)
                            .map { token in
                                .object([
                                    ("id", .integer(Int(token.id))), ("text", .string(token.text)),
                                    ("special", .bool(token.isSpecial)),
                                    ("start", token.range.map { .integer($0.lowerBound) } ?? .null),
                                    ("stop", token.range.map { .integer($0.upperBound) } ?? .null),
                                ])
                            })
                }))
    }

    func decode(_ fields: RequestFields, _ served: ServedModel) throws -> Reply {
        let value = try fields.required("ids")
        guard let array = value.array else { throw RequestFields.wrong(value, "ids", "token ids") }
        let lists = array.first?.array == nil && !array.isEmpty ? [value] : array
        try check(lists.count)
        let skips = try fields.bool("skip_special_tokens", default: true)
        return Reply(
            .array(
                try lists.map { list in
                    guard let ids = list.array else { throw RequestFields.wrong(list, "ids", "token ids") }
                    return .string(
                        try served.model.text(
                            of: ids.map { try TextsField.id($0, "ids") }, skipSpecialTokens: skips))
                }))
    }

    static func numbers(_ row: [Float]) -> JSONValue { .array(row.map(JSONValue.float)) }
}
