/// A piece of the text form.
enum Token: Hashable {
    /// `matmul`, `f32`, `tokens`.
    case identifier(String)
    /// An unsigned number as written: `12`, `1e-05`.
    case number(String)
    /// A quoted text without its quotes and escapes.
    case string(String)
    /// `%12.1` without the percent sign.
    case value(String)
    case symbol(Character)
    case end

    /// The token as errors name it.
    var text: String {
        switch self {
        case .identifier(let name): "'\(name)'"
        case .number(let digits): "'\(digits)'"
        case .string(let text): quoted(text)
        case .value(let name): "'%\(name)'"
        case .symbol(let character): "'\(character)'"
        case .end: "the end of the text"
        }
    }
}

/// Splits the text form into tokens; blanks, newlines and `//` comments separate them.
struct Lexer {
    private let bytes: [UInt8]
    private let file: String
    private var position = 0

    init(_ text: String, file: String) {
        bytes = Array(text.utf8)
        self.file = file
    }

    /// `file:line:column` of a byte, both counted from 1; a column is a Unicode scalar.
    func place(_ offset: Int) -> String {
        let before = bytes[..<min(offset, bytes.count)]
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let column = before[start...].count { $0 & 0xC0 != 0x80 } + 1
        return "\(file):\(line):\(column)"
    }

    /// All tokens with the byte at which they start; the last one is `.end`.
    mutating func tokens() throws(IRError) -> [(token: Token, offset: Int)] {
        var tokens: [(token: Token, offset: Int)] = []
        while true {
            skipBlanks()
            let start = position
            tokens.append((try next(), start))
            if tokens[tokens.count - 1].token == .end { return tokens }
        }
    }

    private mutating func next() throws(IRError) -> Token {
        guard let byte = peek() else { return .end }
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
            let word = take(while: Self.isName)
            // `custom.NAME` is one word.
            guard word == "custom", peek() == UInt8(ascii: ".") else { return .identifier(word) }
            position += 1
            return .identifier("custom." + take(while: Self.isName))
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            return .number(number())
        case UInt8(ascii: "\""):
            return .string(try string())
        case UInt8(ascii: "%"):
            position += 1
            let name = take { Self.isName($0) || $0 == UInt8(ascii: ".") }
            guard !name.isEmpty else { throw error("expected a name behind '%'", at: position) }
            return .value(name)
        default:
            let character = Character(UnicodeScalar(byte))
            guard "{}[]=,:@*+-".contains(character) else {
                throw error("no token starts with this character", at: position)
            }
            position += 1
            return .symbol(character)
        }
    }

    private mutating func skipBlanks() {
        while let byte = peek() {
            if byte == UInt8(ascii: "/"), peek(1) == byte {
                while let byte = peek(), byte != UInt8(ascii: "\n") { position += 1 }
            } else if [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
                position += 1
            } else {
                return
            }
        }
    }

    /// Digits, a fraction and an exponent.
    private mutating func number() -> String {
        var text = take(while: Self.isDigit)
        if peek() == UInt8(ascii: "."), peek(1).map(Self.isDigit) ?? false {
            position += 1
            text += "." + take(while: Self.isDigit)
        }
        if peek() == UInt8(ascii: "e") {
            let hasSign = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-")
            if peek(hasSign ? 2 : 1).map(Self.isDigit) ?? false {
                text += String(decoding: bytes[position..<position + (hasSign ? 2 : 1)], as: UTF8.self)
                position += hasSign ? 2 : 1
                text += take(while: Self.isDigit)
            }
        }
        return text
    }

    private mutating func string() throws(IRError) -> String {
        let start = position
        position += 1
        var content: [UInt8] = []
        while let byte = peek(), byte != UInt8(ascii: "\n") {
            position += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: content, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                content.append(byte)
                continue
            }
            switch peek() {
            case UInt8(ascii: "n"): content.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "t"): content.append(UInt8(ascii: "\t"))
            case UInt8(ascii: "r"): content.append(UInt8(ascii: "\r"))
            case .some(let escaped) where escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\"):
                content.append(escaped)
            default: throw error("expected one of \\\" \\\\ \\n \\t \\r", at: position - 1)
            }
            position += 1
        }
        throw error("expected a closing quote on the same line", at: start)
    }

    private func error(_ message: String, at offset: Int) -> IRError {
        IRError("syntax", message, at: place(offset))
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    private mutating func take(while matches: (UInt8) -> Bool) -> String {
        let start = position
        while let byte = peek(), matches(byte) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isName(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "_")
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
