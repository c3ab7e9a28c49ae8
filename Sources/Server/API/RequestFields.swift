import Pipelines
import Support

/// The members of a request's JSON object; a member of the wrong type is refused.
struct RequestFields {
    private let object: JSONObject
    /// What the members are.
    private let schema: JSONValue

    /// - Parameter schema: what the members are, for the document; none is read that it leaves out.
    /// - Throws: `ServerError` with status 400 for what is not JSON, and 422 for what is not an object.
    init(_ bytes: [UInt8], _ schema: JSONValue) throws {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw ServerError(.badRequest, .validation, "the body is \(error)")
        }
        guard let object = value.object else {
            throw ServerError(
                .unprocessableContent, .validation, "the body is \(value.kind); expected an object")
        }
        self.init(object, schema)
    }

    init(_ object: JSONObject, _ schema: JSONValue) { (self.object, self.schema) = (object, schema) }

    /// The same members, of which a schema says what they are.
    func asBody(of schema: JSONValue) -> RequestFields { RequestFields(object, schema) }

    /// The member, unless it is missing or null.
    func value(_ name: String) -> JSONValue? {
        assert(Schema.member(name, of: schema) != nil, "the route's schema has no '\(name)'")
        return object[name].flatMap { $0.isNull ? nil : $0 }
    }

    func required(_ name: String) throws -> JSONValue {
        guard let value = value(name) else {
            throw ServerError(.unprocessableContent, .validation, "missing field `\(name)`")
        }
        return value
    }

    func string(_ name: String) throws -> String? { try typed(name, "a string", \.string) }

    func requiredString(_ name: String) throws -> String {
        guard let text = try required(name).string else {
            throw Self.wrong(try required(name), name, "a string")
        }
        return text
    }

    func bool(_ name: String, default absent: Bool) throws -> Bool {
        try typed(name, "a boolean", \.bool) ?? absent
    }

    func count(_ name: String) throws -> Int? {
        try typed(name, "a whole number from 1 on") { $0.integer.flatMap { $0 > 0 ? $0 : nil } }
    }

    func fields(_ name: String) throws -> RequestFields? {
        try typed(name, "an object", \.object).map {
            RequestFields($0, Schema.member(name, of: schema) ?? .null)
        }
    }

    func strings(_ name: String) throws -> [String] {
        let value = try required(name)
        guard let array = value.array else { throw Self.wrong(value, name, "an array of strings") }
        return try array.map { element in
            guard let text = element.string else { throw Self.wrong(element, name, "strings") }
            return text
        }
    }

    /// What a text that is too long becomes.
    ///
    /// - Parameter canChunk: whether vectors are made.
    func truncation(
        _ options: InferenceServer.Options, canChunk: Bool = false
    ) throws -> InferenceModel.Truncation {
        let cutsStart: Bool? = try string("truncation_direction").map { direction in
            switch direction {
            case "Left", "left": true
            case "Right", "right": false
            default:
                throw ServerError(
                    .unprocessableContent, .validation,
                    "`truncation_direction` is '\(direction)'; expected Left or Right")
            }
        }
        return InferenceModel.Truncation(
            isAllowed: try bool("truncate", default: options.truncates), cutsStart: cutsStart,
            chunks: canChunk ? try bool("chunk", default: options.chunks) : false)
    }

    private func typed<Result>(
        _ name: String, _ expected: String, _ read: (JSONValue) -> Result?
    ) throws -> Result? {
        guard let value = value(name) else { return nil }
        guard let result = read(value) else { throw Self.wrong(value, name, expected) }
        return result
    }

    static func wrong(_ value: JSONValue, _ name: String, _ expected: String) -> ServerError {
        ServerError(
            .unprocessableContent, .validation, "`\(name)` is or holds \(value.kind); expected \(expected)")
    }
}

/// Texts of a request that may also be given as token ids.
struct TextsField {
    let texts: [String]
    /// Whether a single text was given, not an array.
    let isSingle: Bool

    /// A text, token ids, or an array of either.
    init(_ value: JSONValue, _ name: String, _ model: InferenceModel) throws {
        func text(_ value: JSONValue) throws -> String {
            if let text = value.string { return text }
            guard let array = value.array else {
                throw RequestFields.wrong(value, name, "texts or arrays of token ids")
            }
            return try model.text(of: array.map { try Self.id($0, name) })
        }
        guard let array = value.array, !(array.first?.number != nil) else {
            (texts, isSingle) = ([try text(value)], true)
            return
        }
        (texts, isSingle) = (try array.map(text), false)
    }

    static func id(_ value: JSONValue, _ name: String) throws -> Int32 {
        guard let id = value.integer.flatMap({ Int32(exactly: $0) }), id >= 0 else {
            throw RequestFields.wrong(value, name, "token ids")
        }
        return id
    }
}
