import Foundation
import Support
import Testing

@testable import Server

/// The OpenAPI document next to what the server does.
@Suite struct OpenAPITests {
    private static func document(_ port: Int) async throws -> JSONValue {
        try #require(try await TestServer.ask(port, "/openapi.json").body)
    }

    @Test func documentHasTheRoutesThatAreAnswered() async throws {
        try await TestServer.serving { port in
            let paths = try #require(try await Self.document(port)["paths"]?.object)
            for route in Route.table where route.name != "rerank" && route.name != "cohere_rerank" {
                for path in route.paths {
                    let places = [path] + ["vectors", "labels", "masked"].map { "/models/\($0)\(path)" }
                    let operation = places.lazy.compactMap {
                        paths[path == "/" && $0 != "/" ? String($0.dropLast()) : $0]?[
                            route.method.rawValue.lowercased()]
                    }.first
                    #expect(operation != nil, "\(route.method) \(path)")
                }
            }
            for (path, item) in paths.members where item["get"] != nil {
                let answer = try await TestServer.ask(port, path)
                #expect(answer.status == 200, "\(path)")
                let schema = item["get"]?["responses"]?["200"]?["content"]?["application/json"]?["schema"]
                if let schema { #expect(Self.fits(try #require(answer.body), schema), "\(path)") }
            }
            #expect(try await TestServer.ask(port, "/docs").status == 200)
        }
    }

    /// A body that a schema describes is accepted, and what is answered is as described; each member of a wrong type is refused, so
    /// that it is read.
    @Test func bodiesAreReadAsTheDocumentSays() async throws {
        try await TestServer.serving { port in
            let paths = try #require(try await Self.document(port)["paths"]?.object)
            for (path, item) in paths.members {
                guard let operation = item["post"],
                    let body = operation["requestBody"]?["content"]?["application/json"]?["schema"],
                    let response = operation["responses"]?["200"]?["content"]?["application/json"]?["schema"]
                else { continue }
                for schema in body["anyOf"]?.array ?? [body] {
                    for all in [false, true] {
                        let sample = Self.sample(schema, all: all)
                        let answer = try await TestServer.ask(port, path, sample.text(.compact))
                        #expect(answer.status == 200, "\(path) \(sample)")
                        #expect(Self.fits(try #require(answer.body), response), "\(path) \(sample)")
                    }
                    for (text, wrong) in Self.wrongBodies(schema) {
                        let answer = try await TestServer.ask(port, path, wrong.text(.compact))
                        #expect(answer.status == 422, "\(path): \(text) in \(wrong)")
                        #expect(
                            operation["responses"]?["\(answer.status)"] != nil && answer.body?["error"] != nil
                        )
                    }
                }
            }
        }
    }

    // MARK: Schemas

    private static func type(_ schema: JSONValue) -> String {
        schema["type"]?.string ?? schema["type"]?.array?.first?.string ?? ""
    }

    /// A value that a schema describes.
    private static func sample(_ schema: JSONValue, all: Bool) -> JSONValue {
        if let choice = schema["enum"]?.array?.first { return choice }
        if let first = schema["anyOf"]?.array?.first { return sample(first, all: all) }
        switch type(schema) {
        case "string": return .string("one two")
        case "integer": return schema["minimum"] ?? .null
        case "number": return .integer(1)
        case "boolean": return .bool(true)
        case "array": return .array([sample(schema["items"] ?? .null, all: all)])
        case "object":
            let required = Set(schema["required"]?.array?.compactMap(\.string) ?? [])
            return .object(
                (schema["properties"]?.object?.members ?? [])
                    .filter { all || required.contains($0.name) }
                    .map { ($0.name, sample($0.value, all: all)) })
        default: return .null
        }
    }

    /// Bodies with one member of a wrong type each, and its name.
    private static func wrongBodies(_ schema: JSONValue) -> [(String, JSONValue)] {
        guard let members = schema["properties"]?.object?.members else { return [] }
        return members.flatMap { name, member -> [(String, JSONValue)] in
            var wrongs: [(String, JSONValue)] = [
                (name, JSONValue.array([JSONValue.object([("x", JSONValue.null)])]))
            ]
            if type(member) == "object" { wrongs += wrongBodies(member).map { ("\(name).\($0)", $1) } }
            return wrongs.map { text, wrong -> (String, JSONValue) in
                var body = sample(schema, all: false).object ?? JSONObject()
                body[name] = wrong
                return (text, JSONValue.object(body))
            }
        }
    }

    /// Whether a schema describes a value.
    private static func fits(_ value: JSONValue, _ schema: JSONValue) -> Bool {
        if let choices = schema["enum"]?.array { return choices.contains(value) }
        if let any = schema["anyOf"]?.array { return any.contains { fits(value, $0) } }
        if value.isNull { return schema["type"]?.array?.contains(.string("null")) ?? false }
        switch type(schema) {
        case "string": return value.string != nil
        case "integer":
            guard let number = value.integer else { return false }
            return number >= schema["minimum"]?.integer ?? .min
                && number <= schema["maximum"]?.integer ?? .max
        case "number": return value.double != nil
        case "boolean": return value.bool != nil
        case "array":
            guard let array = value.array, let items = schema["items"] else { return false }
            return array.allSatisfy { fits($0, items) } && array.count >= schema["minItems"]?.integer ?? 0
        case "object":
            guard let object = value.object else { return false }
            let required = schema["required"]?.array?.compactMap(\.string) ?? []
            return required.allSatisfy { object[$0] != nil }
                && object.members.allSatisfy { name, value in
                    guard let member = schema["properties"]?[name] ?? schema["additionalProperties"] else {
                        return schema["properties"] == nil
                    }
                    return fits(value, member)
                }
        default: return false
        }
    }
}
