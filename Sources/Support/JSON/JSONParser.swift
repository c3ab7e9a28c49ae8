/// Text that is not JSON: where and why parsing stopped.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    /// Bytes before the place, a byte-order mark included.
    package let offset: Int
    /// One-based.
    package let line: Int
    /// One-based, in bytes.
    package let column: Int
    package let reason: String

    /// "not valid JSON at line 3, column 7: …".
    package var description: String { "not valid JSON at line \(line), column \(column): \(reason)" }
}

extension JSONValue {
    /// Parses a document of RFC 8259. A name that stands twice in an object is refused, and so is half of a surrogate
    /// pair.
    package init(parsing text: some Sequence<UInt8>) throws(JSONError) {
        self = try JSONParser(Array(text)[...]).document().value
    }
}

/// A strict recursive-descent parser for RFC 8259.
package struct JSONParser {
    /// What is done with a name that stands twice in an object.
    package enum RepeatedNames: Sendable { case refused, lastCounts }
    /// What is done with an escape that is half of a surrogate pair, which no text can hold.
    package enum LoneSurrogates: Sendable { case refused, replaced }

    private let bytes: ArraySlice<UInt8>
    private let repeatedNames: RepeatedNames
    private let loneSurrogates: LoneSurrogates
    private var position: Int
    private var depth = 0
    private var replacedSurrogates = 0
    /// Deeper nesting than this is refused rather than overflowing the stack.
    private static let maximumDepth = 256

    private struct Failure: Error {
        let position: Int
        let reason: String
    }

    package init(
        _ bytes: ArraySlice<UInt8>, repeatedNames: RepeatedNames = .refused,
        loneSurrogates: LoneSurrogates = .refused
    ) {
        self.bytes = bytes
        self.repeatedNames = repeatedNames
        self.loneSurrogates = loneSurrogates
        position = bytes.startIndex
    }

    /// Parses one document that fills the bytes.
    /// - Returns: the document, and how many halves of surrogate pairs were replaced by U+FFFD.
    package consuming func document() throws(JSONError) -> (value: JSONValue, replacedSurrogates: Int) {
        do throws(Failure) {
            guard String(validating: bytes, as: UTF8.self) != nil else { throw failure("invalid UTF-8") }
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position += 3 }
            let value = try value()
            skipSpace()
            guard position == bytes.endIndex else { throw failure("unexpected text after the value") }
            return (value, replacedSurrogates)
        } catch {
            let before = bytes[..<error.position]
            let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.startIndex
            throw JSONError(
                offset: error.position - bytes.startIndex,
                line: 1 + before.count { $0 == UInt8(ascii: "\n") },
                column: 1 + error.position - lineStart, reason: error.reason)
        }
    }

    private func failure(_ reason: String) -> Failure { failure(reason, at: position) }

    private func failure(_ reason: String, at position: Int) -> Failure {
        Failure(position: position, reason: reason)
    }

    private var current: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func expect(_ character: Unicode.Scalar, _ what: String? = nil) throws(Failure) {
        skipSpace()
        guard current == UInt8(ascii: character) else {
            throw failure("expected \(what ?? "'\(character)'")")
        }
        position += 1
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(Failure) -> JSONValue {
        skipSpace()
        guard let byte = current else { throw failure("expected a value, found the end") }
        switch byte {
        case UInt8(ascii: "{"): return try nested { parser throws(Failure) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(Failure) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ parse: (inout JSONParser) throws(Failure) -> JSONValue
    ) throws(Failure) -> JSONValue {
        guard depth < JSONParser.maximumDepth else { throw failure("nested too deeply") }
        depth += 1
        defer { depth -= 1 }
        position += 1
        return try parse(&self)
    }

    private mutating func object() throws(Failure) -> JSONValue {
        var object = JSONObject()
        if take("}") { return .object(object) }
        repeat {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure("expected a member name in quotes") }
            let start = position
            let name = try string()
            try expect(":")
            if repeatedNames == .refused, object[name] != nil {
                throw failure("the name \(quotedJSON(name)) stands twice in an object; remove one", at: start)
            }
            object[name] = try value()
        } while take(",")
        try expect("}", "',' or '}'")
        return .object(object)
    }

    private mutating func array() throws(Failure) -> JSONValue {
        var elements: [JSONValue] = []
        if take("]") { return .array(elements) }
        repeat { elements.append(try value()) } while take(",")
        try expect("]", "',' or ']'")
        return .array(elements)
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        let matches = word.withUTF8Buffer { bytes[position...].starts(with: $0) }
        guard matches else { throw failure("expected a value") }
        position += word.utf8CodeUnitCount
        return value
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    private mutating func number() throws(Failure) -> JSONValue {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        let leadingZero = current == UInt8(ascii: "0")
        let integerDigits = digits()
        guard integerDigits > 0, !leadingZero || integerDigits == 1 else { throw failure("expected a value") }
        if current == UInt8(ascii: ".") {
            position += 1
            guard digits() > 0 else { throw failure("expected digits after the decimal point") }
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            guard digits() > 0 else { throw failure("expected digits in the exponent") }
        }
        return .number(JSONNumber(text(bytes[start..<position])))
    }

    /// Skips decimal digits and returns how many there were.
    private mutating func digits() -> Int {
        let start = position
        while let byte = current, byte >= 0x30, byte <= 0x39 { position += 1 }
        return position - start
    }

    private mutating func string() throws(Failure) -> String {
        position += 1
        let start = position
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            position += 1
        }
        if current == UInt8(ascii: "\"") {
            position += 1
            return text(bytes[start..<(position - 1)])
        }
        var unescaped = Array(bytes[start..<position])
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return text(unescaped)
            case UInt8(ascii: "\\"): unescaped.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20: throw failure("control character in a string; write it as an escape")
            default:
                unescaped.append(byte)
                position += 1
            }
        }
        throw failure("string without a closing quote")
    }

    /// Reads one escape sequence, `\` included; two `\u` escapes may form a surrogate pair.
    private mutating func escape() throws(Failure) -> Unicode.Scalar {
        position += 1
        guard let byte = current else { throw failure("string without a closing quote") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("unknown escape in a string")
        }
    }

    private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
        let start = position - 2
        let code = try hexDigits()
        if let scalar = Unicode.Scalar(code) { return scalar }
        let end = position
        if code < 0xDC00, bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
            position += 2
            let low = try hexDigits()
            if low & 0xFC00 == 0xDC00,
                let scalar = Unicode.Scalar(0x10000 + (code - 0xD800) << 10 + (low - 0xDC00))
            {
                return scalar
            }
            position = end
        }
        guard loneSurrogates == .replaced else { throw failure("half of a surrogate pair", at: start) }
        replacedSurrogates += 1
        return "\u{FFFD}"
    }

    private mutating func hexDigits() throws(Failure) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, let code = UInt32(text(digits), radix: 16), digits.first != 0x2B
        else {
            throw failure("expected four hexadecimal digits")
        }
        position += 4
        return code
    }

    private func text(_ bytes: some Sequence<UInt8> & Collection<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
