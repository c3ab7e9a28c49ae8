extension JSONValue: CustomStringConvertible {
    /// How a document is laid out.
    package enum Layout: Sendable {
        /// On one line without spaces.
        case compact
        /// On one line with a space after each comma and colon.
        case line
        /// One member or element per line, indented by two spaces, with a line feed at the end.
        case indented
    }

    /// The document on one line, members in their order.
    public var description: String { text(.line) }

    package func text(_ layout: Layout) -> String {
        var printer = JSONPrinter(layout: layout)
        printer.write(self)
        return layout == .indented ? printer.text + "\n" : printer.text
    }
}

/// Writes a document into a string.
private struct JSONPrinter {
    let layout: JSONValue.Layout
    var text = ""
    private var depth = 0

    init(layout: JSONValue.Layout) { self.layout = layout }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .number(let number): text += number.description
        case .string(let string): text += quotedJSON(string)
        case .array(let elements):
            write(elements, "[", "]") { printer, element in printer.write(element) }
        case .object(let object):
            write(object.members, "{", "}") { printer, member in
                printer.text += quotedJSON(member.name) + (printer.layout == .compact ? ":" : ": ")
                printer.write(member.value)
            }
        }
    }

    private mutating func write<Element>(
        _ elements: [Element], _ open: String, _ close: String,
        _ writeElement: (inout JSONPrinter, Element) -> Void
    ) {
        text += open
        depth += 1
        for (index, element) in elements.enumerated() {
            if index > 0 { text += layout == .line ? ", " : "," }
            breakLine()
            writeElement(&self, element)
        }
        depth -= 1
        if !elements.isEmpty { breakLine() }
        text += close
    }

    private mutating func breakLine() {
        if layout == .indented { text += "\n" + String(repeating: "  ", count: depth) }
    }
}

/// The text in double quotes with JSON's escapes.
package func quotedJSON(_ text: String) -> String {
    let needsEscape = text.utf8.contains { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 == 0x7F }
    guard needsEscape else { return "\"" + text + "\"" }
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case "\u{0}"..<"\u{20}", "\u{7F}":
            let hex = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

/// The start of a text as a JSON string, for messages: `…` stands for what is left out.
///
/// - Parameter limit: the greatest number of scalars of the text that are shown.
package func quotedJSON(_ text: String, limit: Int) -> String {
    let start = text.unicodeScalars.prefix(limit)
    return start.endIndex == text.endIndex ? quotedJSON(text) : quotedJSON(String(start) + "\u{2026}")
}
