import Support

extension AttentionMask: CustomStringConvertible {
    /// `window(w=4)`, or a pattern a head: `window(w=4); causal`.
    public var description: String { patterns.map(\.description).joined(separator: "; ") }

    /// Reads what `description` gives. Parameters may go without their names, and those that the patterns of
    /// SparseBERT's table leave out are the table's.
    public init(parsing text: String) throws(IRError) {
        var patterns: [MaskPattern] = []
        for part in text.split(separator: ";", omittingEmptySubsequences: false) {
            patterns.append(try MaskPattern(parsing: String(part.filter { !$0.isWhitespace })))
        }
        self.init(heads: patterns)
    }
}

extension MaskPattern: CustomStringConvertible {
    public var description: String {
        let (name, values) = form
        let names = Self.forms.first { $0.name == name }?.parameters.map(\.name) ?? []
        return values.isEmpty
            ? name : name + "(" + zip(names, values).map { "\($0)=\($1)" }.joined(separator: ", ") + ")"
    }

    private var form: (name: String, values: [String]) {
        func text(_ numbers: [Int]) -> String { "[" + numbers.map(String.init).joined(separator: ", ") + "]" }
        return switch self {
        case .causal: ("causal", [])
        case .window(let w): ("window", ["\(w)"])
        case .dilated(let w, let step): ("dilated", ["\(w)", "\(step)"])
        case .strided(let l): ("strided", ["\(l)"])
        case .fixed(let l, let last): ("fixed", ["\(l)", "\(last)"])
        case .longformer(let w, let globals): ("longformer", ["\(w)", text(globals)])
        case .logsparse: ("logsparse", [])
        case .bigbird(let w, let globals, let random, let seed):
            ("bigbird", ["\(w)", text(globals), "\(random)", "\(seed)"])
        case .star: ("star", [])
        case .bits(let bits): ("bits", ["\(bits.size)", bits.hex])
        }
    }

    /// The parameters of each pattern, with what is taken for those that are left out.
    private static let forms: [(name: String, parameters: [(name: String, standard: String?)])] = [
        ("causal", []), ("window", [("w", nil)]), ("dilated", [("w", nil), ("step", nil)]),
        ("strided", [("l", "4")]), ("fixed", [("l", "4"), ("c", "1")]),
        ("longformer", [("w", "4"), ("globals", "[0,63,127]")]), ("logsparse", []),
        ("bigbird", [("w", "2"), ("globals", "[0]"), ("random", "2"), ("seed", "4")]), ("star", []),
        ("bits", [("size", nil), ("rows", nil)]),
    ]

    /// - Parameter text: without blanks.
    fileprivate init(parsing text: String) throws(IRError) {
        let name = String(text.prefix { $0 != "(" })
        guard let form = Self.forms.first(where: { $0.name == name }) else {
            let names = Self.forms.map(\.name)
            throw .type(
                "there is no mask '\(name)'; expected one of \(names.joined(separator: ", "))"
                    + suggestion(for: name, in: names))
        }
        let values = try Self.values(text.dropFirst(name.count), of: form.parameters, in: name)
        func number(_ index: Int) throws(IRError) -> Int {
            guard let number = Int(values[index]) else {
                throw .type(
                    "mask \(name): '\(form.parameters[index].name)' must be an integer, got '\(values[index])'"
                )
            }
            return number
        }
        func numbers(_ index: Int) throws(IRError) -> [Int] {
            let items = values[index].dropFirst().dropLast().split(
                separator: ",", omittingEmptySubsequences: false)
            let numbers = items.compactMap { Int($0) }
            guard values[index].hasPrefix("["), values[index].hasSuffix("]"),
                numbers.count == items.count || values[index] == "[]"
            else {
                throw .type("mask \(name): '\(form.parameters[index].name)' must be a list such as [0, 63]")
            }
            return numbers
        }
        switch name {
        case "causal": self = .causal
        case "window": self = .window(try number(0))
        case "dilated": self = .dilated(try number(0), step: try number(1))
        case "strided": self = .strided(try number(0))
        case "fixed": self = .fixed(try number(0), last: try number(1))
        case "longformer": self = .longformer(try number(0), globals: try numbers(1))
        case "logsparse": self = .logsparse
        case "bigbird":
            self = .bigbird(
                try number(0), globals: try numbers(1), random: try number(2), seed: try number(3))
        case "star": self = .star
        default:
            let size = try number(0)
            guard 1...65536 ~= size, let bits = MaskBits(size: size, hex: values[1]) else {
                throw .type(
                    "mask bits: 'rows' must be \(size) rows of \(size) bits in hex, each of whole bytes")
            }
            self = .bits(bits)
        }
    }

    /// The values of all parameters, from `(value, name=value, …)` or nothing.
    private static func values(
        _ text: Substring, of parameters: [(name: String, standard: String?)], in mask: String
    ) throws(IRError) -> [String] {
        var values = parameters.map(\.standard)
        if !text.isEmpty {
            guard text.hasSuffix(")") else { throw .type("mask \(mask): expected ')' at the end") }
            for (position, argument) in arguments(text.dropFirst().dropLast()).enumerated() {
                let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let index =
                    parts.count == 1 ? position : parameters.firstIndex { $0.name == parts[0] } ?? .max
                guard values.indices.contains(index) else {
                    let names = parameters.map(\.name).joined(separator: ", ")
                    throw .type(
                        "mask \(mask) has no parameter for '\(argument)'; it takes \(names.isEmpty ? "none" : names)"
                    )
                }
                values[index] = String(parts[parts.count - 1])
            }
        }
        return try values.enumerated().map { index, value throws(IRError) in
            guard let value else { throw .type("mask \(mask): '\(parameters[index].name)' is missing") }
            return value
        }
    }

    /// Splits at the commas that stand outside brackets.
    private static func arguments(_ text: Substring) -> [String] {
        var (arguments, depth) = ([""], 0)
        for character in text {
            if character == "[" { depth += 1 }
            if character == "]" { depth -= 1 }
            if character == ",", depth == 0 {
                arguments.append("")
            } else {
                arguments[arguments.count - 1].append(character)
            }
        }
        return text.isEmpty ? [] : arguments
    }
}
