import Foundation
import Pipelines
import Support

/// OpenAI's and Cohere's routes.
extension Routes {
    func embeddings(_ fields: RequestFields, _ usual: ServedModel) async throws -> Reply {
        let served = try named(fields, usual)
        let input = try TextsField(fields.required("input"), "input", served.model)
        try check(input.texts.count, elements: served.model.vectorWidth ?? 0)
        let format = try fields.string("encoding_format") ?? "float"
        guard format == "float" || format == "base64" else {
            throw ServerError(
                .unprocessableContent, .validation,
                "`encoding_format` is '\(format)'; expected float or base64")
        }
        let vectors = try await vectors(input.texts, fields, served.model, normalize: true)
        let data: [JSONValue] = vectors.results.enumerated().map { index, vector in
            .object([
                ("object", .string("embedding")), ("index", .integer(index)),
                ("embedding", format == "float" ? Self.numbers(vector) : .string(Self.base64(vector))),
            ])
        }
        let usage: [(String, JSONValue)] = [
            ("prompt_tokens", .integer(vectors.tokens)), ("total_tokens", .integer(vectors.tokens)),
        ]
        return Reply(
            .object([
                ("object", .string("list")), ("data", .array(data)), ("model", .string(served.name)),
                ("usage", .object(usage)),
            ]))
    }

    /// The numbers as little-endian float32, as OpenAI's clients read them.
    private static func base64(_ vector: [Float]) -> String {
        vector.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0).base64EncodedString() }
    }

    func cohereRerank(_ fields: RequestFields, _ usual: ServedModel) async throws -> Reply {
        let served = try named(fields, usual)
        let value = try fields.required("documents")
        guard let array = value.array else { throw RequestFields.wrong(value, "documents", "texts") }
        let documents = try array.map { document in
            guard let text = document.string ?? document["text"]?.string else {
                throw RequestFields.wrong(document, "documents", "texts, or objects with `text`")
            }
            return text
        }
        try check(documents.count)
        let scores = try await served.model.rerankScores(
            documents, query: try fields.requiredString("query"),
            truncation: InferenceModel.Truncation(isAllowed: options.truncates))
        let top = try fields.count("top_n") ?? scores.count
        let returnsDocuments = try fields.bool("return_documents", default: false)
        let results: [JSONValue] = Self.order(scores).prefix(top).map { index in
            .object(
                [("index", .integer(index)), ("relevance_score", .float(scores[index]))]
                    + (returnsDocuments
                        ? [("document", .object([("text", .string(documents[index]))]))] : []))
        }
        return Reply(
            .object([
                ("id", .string(UUID().uuidString.lowercased())), ("results", .array(results)),
                ("meta", .object([("api_version", .object([("version", .string("2"))]))])),
            ]))
    }
}
