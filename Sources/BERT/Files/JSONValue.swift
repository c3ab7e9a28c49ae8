import Foundation

/// A JSON document as a value. Configuration files are read through it, so that a field of the wrong type can be
/// reported by name and fields that are not understood survive a round trip.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses UTF-8 JSON text.
    /// - Throws: `JSONTextError` with the parser's own place in the text.
    public init(parsing data: Data) throws {
        do {
            self = try JSONDecoder().decode(JSONValue.self, from: data)
        } catch let DecodingError.dataCorrupted(context) {
            throw JSONTextError(reason: Self.reason(from: context))
        } catch {
            throw JSONTextError(reason: "\(error)")
        }
    }

    /// The JSON text: sorted keys, indented, ending in a line feed.
    /// - Throws: `EncodingError` for a number that JSON cannot write (NaN, infinity).
    public func text() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + Data("\n".utf8)
    }

    /// What kind of value this is, in the words of an error message.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The parser's message without its wrapping, e.g. "Unexpected character 'x' around line 3, column 5".
    private static func reason(from context: DecodingError.Context) -> String {
        let underlying = context.underlyingError as NSError?
        let detail = underlying?.userInfo["NSDebugDescription"] as? String
        return (detail ?? context.debugDescription).trimmingCharacters(in: CharacterSet(charactersIn: ". "))
    }
}

/// Text that is not JSON.
public struct JSONTextError: Error, CustomStringConvertible, Equatable {
    /// Where and why parsing stopped.
    public let reason: String

    public var description: String { "not valid JSON: \(reason)" }
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
