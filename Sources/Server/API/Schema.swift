import Support

/// Schemas of bodies, in the JSON Schema of OpenAPI 3.1.
enum Schema {
    static let text: JSONValue = .object([("type", .string("string"))])
    static let flag: JSONValue = .object([("type", .string("boolean"))])
    static let anyObject: JSONValue = .object([("type", .string("object"))])
    static let number: JSONValue = .object([("type", .string("number"))])

    static func integer(from least: Int, to greatest: Int? = nil) -> JSONValue {
        .object(
            [("type", .string("integer")), ("minimum", .integer(least))]
                + (greatest.map { [("maximum", .integer($0))] } ?? []))
    }

    static func choice(_ texts: [String]) -> JSONValue {
        .object([("type", .string("string")), ("enum", .array(texts.map(JSONValue.string)))])
    }

    static func array(_ items: JSONValue, atLeast least: Int = 0, atMost most: Int? = nil) -> JSONValue {
        .object(
            [("type", .string("array")), ("items", items)]
                + (least > 0 ? [("minItems", .integer(least))] : [])
                + (most.map { [("maxItems", .integer($0))] } ?? []))
    }

    static func any(_ schemas: [JSONValue]) -> JSONValue {
        schemas.count == 1 ? schemas[0] : .object([("anyOf", .array(schemas))])
    }

    /// An object; members with a question mark behind their names may be missing or null.
    static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        object(members.map { ($0.key, $0.value) })
    }

    static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        let names = members.map { name, schema in
            name.hasSuffix("?") ? (String(name.dropLast()), orNull(schema)) : (name, schema)
        }
        let required = members.map(\.0).filter { !$0.hasSuffix("?") }
        return .object(
            [("type", .string("object")), ("properties", .object(names))]
                + (required.isEmpty ? [] : [("required", .array(required.map(JSONValue.string)))]))
    }

    /// An object with members of any names.
    static func map(_ values: JSONValue) -> JSONValue {
        .object([("type", .string("object")), ("additionalProperties", values)])
    }

    private static func orNull(_ schema: JSONValue) -> JSONValue {
        guard var object = schema.object, let type = object["type"] else { return schema }
        object["type"] = .array([type, .string("null")])
        if let choices = object["enum"]?.array { object["enum"] = .array(choices + [.null]) }
        return .object(object)
    }

    /// The schema of an object's member; nil where there is none.
    static func member(_ name: String, of schema: JSONValue) -> JSONValue? {
        if let member = schema["properties"]?[name] { return member }
        return schema["anyOf"]?.array?.lazy.compactMap { member(name, of: $0) }.first
    }
}
