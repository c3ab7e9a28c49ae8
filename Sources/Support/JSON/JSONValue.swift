/// A JSON document that keeps what a file means byte for byte: members in their order, numbers as they are spelled,
/// and names that are equal only when their code points are.
///
/// Foundation's parser merges names that are canonically equivalent ("é" composed and decomposed), which are different
/// tokens of a vocabulary, and says neither where a mistake stands nor that a name was given twice.
public enum JSONValue: Sendable, Equatable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number as it is spelled.
    case number(JSONNumber)
    /// A text.
    case string(String)
    /// Values in order.
    case array([JSONValue])
    /// Named values in order.
    case object(JSONObject)

    package static func integer(_ value: Int) -> JSONValue { .number(JSONNumber("\(value)")) }

    /// The shortest spelling that reads back to the same value; null for NaN and infinity, which JSON cannot write.
    package static func double(_ value: Double) -> JSONValue {
        value.isFinite ? .number(JSONNumber("\(value)")) : .null
    }

    /// The shortest spelling that reads back to the same value; null for NaN and infinity, which JSON cannot write.
    package static func float(_ value: Float) -> JSONValue {
        value.isFinite ? .number(JSONNumber("\(value)")) : .null
    }

    package static func object(_ members: [(String, JSONValue)]) -> JSONValue { .object(JSONObject(members)) }

    /// The member of that name, if this is an object that has one.
    public subscript(name: String) -> JSONValue? { object?[name] }

    /// The text, if this is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    /// The truth value, if this is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The values, if this is an array.
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    /// The members, if this is an object.
    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
    /// The number with its spelling, if this is one.
    public var number: JSONNumber? { if case .number(let value) = self { value } else { nil } }
    package var isNull: Bool { self == .null }

    /// The number if it is a whole one that an `Int` holds, however it is spelled.
    public var integer: Int? { number?.integer }
    /// The number if a `Double` holds it.
    public var double: Double? { number?.double }

    /// What this is, for "expected X, found Y" messages.
    package var kind: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .number(let number): number.double == nil ? "a number out of range" : "a number"
        case .bool: "a boolean"
        case .null: "null"
        }
    }
}

/// A number as it is spelled in a document.
public struct JSONNumber: Sendable, Equatable, CustomStringConvertible {
    /// The spelling, which follows JSON's grammar.
    public let description: String

    init(_ spelling: String) { description = spelling }

    /// The value if it is whole and an `Int` holds it: `3`, `3.0` and `3e0` alike.
    public var integer: Int? { Int(description) ?? Double(description).flatMap { Int(exactly: $0) } }

    /// The value if a `Double` holds it: `nil` for 1e999.
    public var double: Double? { Double(description).flatMap { $0.isFinite ? $0 : nil } }

    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        left.description == right.description || (left.double != nil && left.double == right.double)
    }
}

/// The members of a JSON object in the order of the file.
public struct JSONObject: Sendable, ExpressibleByDictionaryLiteral {
    /// A name and its value.
    public typealias Member = (name: String, value: JSONValue)

    /// Names and values in the order of the file; names differ.
    public private(set) var members: [Member] = []
    /// Where the names of a large object are.
    private var places: [TextKey: Int] = [:]
    /// Up to so many members are looked through one by one.
    private static let smallCount = 8

    /// Of members with equal names the last one counts, at the place of the first.
    package init(_ members: [(String, JSONValue)] = []) {
        self.members.reserveCapacity(members.count)
        for (name, value) in members { self[name] = value }
    }

    public init(dictionaryLiteral members: (String, JSONValue)...) { self.init(members) }

    /// The names in the order of the file.
    public var names: [String] { members.map(\.name) }

    /// The member of that name. A new one is put at the end, a changed one keeps its place; `nil` removes it.
    public subscript(name: String) -> JSONValue? {
        get { place(of: name).map { members[$0].value } }
        set {
            switch (place(of: name), newValue) {
            case (let place?, let value?): members[place].value = value
            case (nil, let value?): append(name, value)
            case (let place?, nil):
                members.remove(at: place)
                if !places.isEmpty { places = [:] }
                index()
            case (nil, nil): break
            }
        }
    }

    private func place(of name: String) -> Int? {
        if !places.isEmpty { return places[TextKey(name)] }
        return members.firstIndex { $0.name.hasSameCodePoints(as: name) }
    }

    private mutating func append(_ name: String, _ value: JSONValue) {
        members.append((name, value))
        if places.isEmpty { index() } else { places[TextKey(name)] = members.count - 1 }
    }

    private mutating func index() {
        guard members.count > Self.smallCount else { return }
        for (place, member) in members.enumerated() { places[TextKey(member.name)] = place }
    }

    /// The members that the condition holds for.
    package func filter(_ isIncluded: (Member) throws -> Bool) rethrows -> JSONObject {
        JSONObject(try members.filter(isIncluded).map { ($0.name, $0.value) })
    }

    /// With the members in the order of their names' code points.
    package var sorted: JSONObject {
        JSONObject(members.sorted { TextKey($0.name) < TextKey($1.name) }.map { ($0.name, $0.value) })
    }
}

extension JSONObject: Equatable {
    /// Whether both have the same members, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.members.count == right.members.count else { return false }
        return zip(left.sorted.members, right.sorted.members).allSatisfy {
            $0.name.hasSameCodePoints(as: $1.name) && $0.value == $1.value
        }
    }
}
