import Support
import Testing

@Suite struct JSONTests {
    private static func parsed(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }

    @Test(arguments: [
        #"{"a":1,"b":[1.50,-0,1e3],"c":{"d":null,"e":true},"f":"x\"\\\n"}"#, "[]", "{}", #""é""#, "0",
    ])
    func whatIsPrintedReadsBack(text: String) throws {
        let value = try Self.parsed(text)
        #expect(value.text(.compact) == text)
        for layout in [JSONValue.Layout.line, .indented] {
            #expect(try Self.parsed(value.text(layout)) == value)
        }
    }

    @Test func layouts() throws {
        let value: JSONValue = .object([("a", .array([.integer(1), .float(0.5)])), ("b", .object([]))])
        #expect(value.description == #"{"a": [1, 0.5], "b": {}}"#)
        #expect(value.text(.indented) == "{\n  \"a\": [\n    1,\n    0.5\n  ],\n  \"b\": {}\n}\n")
    }

    @Test(arguments: [
        ("{\"a\": 1,\n \"a\": 2}", 2, 2, #"the name "a" stands twice in an object; remove one"#),
        ("{\"a\": 1,\n}", 2, 1, "expected a member name in quotes"),
        ("[1, 2,]", 1, 7, "expected a value"),
        ("{\"a\": 1\n\"b\": 2}", 2, 1, "expected ',' or '}'"),
        ("[1 2]", 1, 4, "expected ',' or ']'"),
        ("[NaN]", 1, 2, "expected a value"),
        ("[01]", 1, 4, "expected a value"),
        (#"["\ud83d"]"#, 1, 3, "half of a surrogate pair"),
        (#"["\udc00"]"#, 1, 3, "half of a surrogate pair"),
        ("1 2", 1, 3, "unexpected text after the value"),
        ("", 1, 1, "expected a value, found the end"),
        (String(repeating: "[", count: 300), 1, 257, "nested too deeply"),
    ])
    func mistakesAreShownWithTheirPlace(text: String, line: Int, column: Int, reason: String) {
        let error = #expect(throws: JSONError.self) { try Self.parsed(text) }
        #expect(error?.line == line)
        #expect(error?.column == column)
        #expect(error?.reason == reason)
    }

    @Test func theLastOfRepeatedNamesCountsWhereThatIsAsked() throws {
        let text = Array(#"{"a": 1, "b": 2, "a": 3}"#.utf8)
        let value = try JSONParser(text[...], repeatedNames: .lastCounts).document().value
        #expect(value == .object([("a", .integer(3)), ("b", .integer(2))]))
    }

    @Test func loneSurrogatesAreReplacedAndCountedWhereThatIsAsked() throws {
        let text = Array(#""\ud83d and \ude00\ud83d\u0041, but \ud83d\ude00""#.utf8)
        let (value, count) = try JSONParser(text[...], loneSurrogates: .replaced).document()
        #expect(value.string == "\u{FFFD} and \u{FFFD}\u{FFFD}A, but 😀")
        #expect(count == 3)
    }

    @Test func namesAreEqualWhenTheirCodePointsAre() throws {
        let value = try Self.parsed("{\"e\u{301}\": 1, \"\u{E9}\": 2, \"K\": 3, \"\u{212A}\": 4}")
        #expect(value["\u{E9}"]?.integer == 2)
        #expect(value["e\u{301}"]?.integer == 1)
        #expect(value["\u{212A}"]?.integer == 4)
    }

    @Test(arguments: [3, 40])
    func membersAreSetAndRemoved(count: Int) {
        var object = JSONObject((0..<count).map { ("m\($0)", .integer($0)) })
        object["m1"] = .integer(7)
        object["new"] = .null
        object["m0"] = nil
        object["absent"] = nil
        #expect(object.members.count == count)
        #expect(object["m1"] == .integer(7) && object["m0"] == nil && object["new"] == .null)
        #expect(object.names.first == "m1" && object.names.last == "new")
    }

    @Test func numbersKeepTheirSpelling() throws {
        let value = try Self.parsed("[1.0, 1e3, 1e-12, 1000000000000000019884624838656, 1e999]").array ?? []
        #expect(value.map(\.integer) == [1, 1000, nil, nil, nil])
        #expect(value.map(\.double) == [1, 1000, 1e-12, 1e30, nil])
        #expect(value.map(\.description)[3] == "1000000000000000019884624838656")
        #expect(value[4].kind == "a number out of range")
        #expect(JSONValue.double(.nan) == .null)
    }
}

@Suite struct TextKeyTests {
    @Test func codePointsDecide() {
        let keys: Set<TextKey> = ["\u{E9}", "e\u{301}", "K", "\u{212A}", "K"]
        #expect(keys.count == 4)
        #expect(TextKey("B") < TextKey("a"))
    }
}
