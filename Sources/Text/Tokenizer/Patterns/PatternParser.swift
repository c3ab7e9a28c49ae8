/// Reads the regular expressions of tokenisers: Oniguruma's syntax without back-references, calls, conditions, and
/// intersections of classes.
///
///     alternatives = sequence ("|" sequence)*
///     sequence     = (atom quantifier?)*
///     quantifier   = ("*" | "+" | "?" | "{" n? "," m? "}" | "{" n "}") ("?" | "+")?
struct PatternParser {
    /// What is wrong with an expression.
    struct Failure: Error { let reason: String }

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var ignoresCase = false
    /// Groups and classes that are open.
    private var depth = 0

    private static let mostDepth = 1000
    private static let mostInstructions = 1_000_000

    private init(_ source: String) { scalars = Array(source.unicodeScalars) }

    static func parse(_ source: String) throws(Failure) -> PatternNode {
        var parser = PatternParser(source)
        let node = try parser.alternatives()
        guard parser.position == parser.scalars.count else { throw Failure(reason: "has a ')' too many") }
        return node
    }

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ text: String) -> Bool {
        let expected = Array(text.unicodeScalars)
        guard scalars[position...].starts(with: expected) else { return false }
        position += expected.count
        return true
    }

    private mutating func take() throws(Failure) -> Unicode.Scalar {
        guard let next else { throw Failure(reason: "ends too early") }
        position += 1
        return next
    }

    // MARK: Structure

    private mutating func alternatives() throws(Failure) -> PatternNode {
        let outerCase = ignoresCase
        defer { ignoresCase = outerCase }
        var nodes = [try sequence()]
        while take("|") { nodes.append(try sequence()) }
        return nodes.count == 1 ? nodes[0] : .alternatives(nodes)
    }

    private mutating func sequence() throws(Failure) -> PatternNode {
        var nodes: [PatternNode] = []
        while let next, next != "|", next != ")" {
            guard let atom = try atom() else { continue }
            nodes.append(try quantified(atom))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func quantified(_ atom: PatternNode) throws(Failure) -> PatternNode {
        var node = atom
        while true {
            let bounds: (Int, Int?)
            var isInterval = false
            if take("*") {
                bounds = (0, nil)
            } else if take("+") {
                bounds = (1, nil)
            } else if take("?") {
                bounds = (0, 1)
            } else if let interval = try interval() {
                bounds = interval
                isInterval = true
            } else {
                return node
            }
            var greed = PatternNode.Greed.greedy
            if take("?") { greed = .lazy } else if !isInterval, take("+") { greed = .possessive }
            guard node.minimum > 0 else { throw Failure(reason: "repeats what may be empty") }
            guard (bounds.1 ?? bounds.0) <= 1000, (bounds.1 ?? .max) >= bounds.0 else {
                throw Failure(reason: "has a repetition out of range")
            }
            node = .repetition(node, bounds.0, bounds.1, greed)
            guard node.size <= Self.mostInstructions else {
                throw Failure(reason: "repeats too much within repetitions")
            }
        }
    }

    /// Runs `body` within a group or class.
    private mutating func nested<Node>(
        _ body: (inout PatternParser) throws(Failure) -> Node
    ) throws(Failure) -> Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.mostDepth else {
            throw Failure(reason: "has more than \(Self.mostDepth) groups within each other")
        }
        return try body(&self)
    }

    /// `{n}`, `{n,}`, `{,m}` or `{n,m}`; any other brace is a character.
    private mutating func interval() throws(Failure) -> (Int, Int?)? {
        let start = position
        guard take("{") else { return nil }
        let lower = number()
        let hasComma = take(",")
        let upper = hasComma ? number() : lower
        guard take("}"), lower != nil || upper != nil else {
            position = start
            return nil
        }
        return (lower ?? 0, upper)
    }

    private mutating func number() -> Int? {
        let digits = scalars[position...].prefix { ("0"..."9").contains($0) }
        position += digits.count
        return Int(String(String.UnicodeScalarView(digits)))
    }

    // MARK: Atoms

    /// The next atom; `nil` for an option such as `(?i)`, which holds until the end of its group.
    private mutating func atom() throws(Failure) -> PatternNode? {
        let scalar = try take()
        switch scalar {
        case ".": return .set(ScalarSet([.range(10...10)], isNegated: true))
        case "^": return .assertion(.lineStart)
        case "$": return .assertion(.lineEnd)
        case "[": return .set(try bracket())
        case "(": return try group()
        case "\\": return try escape()
        case "*", "+", "?": throw Failure(reason: "has a '\(scalar)' that repeats nothing")
        default: return .set(ScalarSet(scalar, ignoresCase: ignoresCase))
        }
    }

    private mutating func group() throws(Failure) -> PatternNode? {
        let close: (inout PatternParser) throws(Failure) -> PatternNode = { parser throws(Failure) in
            let node = try parser.nested { parser throws(Failure) in try parser.alternatives() }
            guard parser.take(")") else { throw Failure(reason: "lacks a ')'") }
            return node
        }
        if take("?:") { return try close(&self) }
        if take("?=") { return .lookAhead(try close(&self), isNegated: false) }
        if take("?!") { return .lookAhead(try close(&self), isNegated: true) }
        if take("?<=") { return .lookBehind(try fixed(close(&self)), isNegated: false) }
        if take("?<!") { return .lookBehind(try fixed(close(&self)), isNegated: true) }
        if take("?>") { return .atomic(try close(&self)) }
        for (option, value) in [("?i", true), ("?-i", false)] where take(option) {
            let outerCase = ignoresCase
            ignoresCase = value
            if take(")") { return nil }
            guard take(":") else { break }
            defer { ignoresCase = outerCase }
            return try close(&self)
        }
        guard next != "?" else { throw Failure(reason: "has a kind of group that bertc does not know") }
        return try close(&self)
    }

    private func fixed(_ node: PatternNode) throws(Failure) -> PatternNode {
        guard node.length != nil else { throw Failure(reason: "looks behind for texts of different lengths") }
        return node
    }

    private mutating func escape() throws(Failure) -> PatternNode {
        let scalar = try take()
        switch scalar {
        case "A": return .assertion(.textStart)
        case "z": return .assertion(.textEnd)
        case "Z": return .assertion(.textEndOrLastLine)
        case "b": return .assertion(.wordBoundary)
        case "B": return .assertion(.noWordBoundary)
        default: break
        }
        if let item = try classEscape(scalar, inBrackets: false) { return .set(ScalarSet([item])) }
        return .set(ScalarSet(try character(afterBackslash: scalar), ignoresCase: ignoresCase))
    }

    // MARK: Classes

    private mutating func bracket() throws(Failure) -> ScalarSet {
        let isNegated = take("^")
        var items: [ScalarSet.Item] = []
        var isFirst = true
        while isFirst || next != "]" {
            if take("&&") { throw Failure(reason: "has an intersection of classes") }
            if take("[") {
                if next == ":" { throw Failure(reason: "has a POSIX class; write it as \\p{…}") }
                let inner = try nested { parser throws(Failure) in try parser.bracket() }
                items.append(.not(ScalarSet([.not(inner)])))
                isFirst = false
                continue
            }
            isFirst = false
            guard let lower = try member(&items) else { continue }
            guard next == "-", position + 1 < scalars.count, scalars[position + 1] != "]" else {
                items.append(.range(lower.value...lower.value))
                continue
            }
            position += 1
            guard let upper = try member(&items), upper >= lower else {
                throw Failure(reason: "has a range of characters that is out of order")
            }
            items.append(.range(lower.value...upper.value))
        }
        position += 1
        return ScalarSet(items, isNegated: isNegated, ignoresCase: ignoresCase)
    }

    /// The next character of a class; `nil` when it was a class itself and was added.
    private mutating func member(_ items: inout [ScalarSet.Item]) throws(Failure) -> Unicode.Scalar? {
        let scalar = try take()
        guard scalar == "\\" else { return scalar }
        let escaped = try take()
        if let item = try classEscape(escaped, inBrackets: true) {
            items.append(item)
            return nil
        }
        return try character(afterBackslash: escaped)
    }

    private mutating func classEscape(
        _ scalar: Unicode.Scalar, inBrackets: Bool
    ) throws(Failure) -> ScalarSet.Item? {
        switch scalar {
        case "s": return .whitespace
        case "S": return .not(ScalarSet([.whitespace]))
        case "w": return .word(inBrackets: inBrackets)
        case "W": return .not(ScalarSet([.word(inBrackets: inBrackets)]))
        case "d": return .categories(GeneralCategories.decimals)
        case "D": return .not(ScalarSet([.categories(GeneralCategories.decimals)]))
        case "p", "P":
            guard take("{") else { throw Failure(reason: "has a \\\(scalar) without {…}") }
            let isInverted = take("^")
            let name = scalars[position...].prefix { $0 != "}" }
            position += name.count
            guard take("}") else { throw Failure(reason: "lacks a '}'") }
            let text = String(String.UnicodeScalarView(name))
            guard let mask = GeneralCategories.named(text) else {
                throw Failure(
                    reason: "names the property \(text); general categories such as L or Nd are known")
            }
            let item = ScalarSet.Item.categories(mask)
            return isInverted == (scalar == "P") ? item : .not(ScalarSet([item]))
        default: return nil
        }
    }

    private mutating func character(afterBackslash scalar: Unicode.Scalar) throws(Failure) -> Unicode.Scalar {
        switch scalar {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "f": return "\u{C}"
        case "v": return "\u{B}"
        case "x":
            guard take("{") else { return try hexadecimal(digits: 2) }
            let count = scalars[position...].prefix { $0 != "}" }.count
            let result = try hexadecimal(digits: count)
            guard take("}") else { throw Failure(reason: "lacks a '}'") }
            return result
        case "u": return try hexadecimal(digits: 4)
        default:
            guard !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw Failure(reason: "has the escape \\\(scalar), which bertc does not know")
            }
            return scalar
        }
    }

    private mutating func hexadecimal(digits: Int) throws(Failure) -> Unicode.Scalar {
        let text = String(String.UnicodeScalarView(scalars[position...].prefix(digits)))
        guard let value = UInt32(text, radix: 16), let scalar = Unicode.Scalar(value), !text.isEmpty else {
            throw Failure(reason: "has a wrong hexadecimal number")
        }
        position += digits
        return scalar
    }
}
