import Support

extension Graph {
    /// The graph that `text` describes, verified; the grammar is in docs/ir.md.
    ///
    /// Values may have any unique names (`%x`, `%12.1`); printing renumbers them.
    ///
    /// - Parameters:
    ///   - text: a graph in the text form, such as `description` of one.
    ///   - file: what errors call the text.
    ///   - customOps: definitions of the `custom.NAME` ops that the text may use.
    /// - Throws: `IRError` with `file:line:column` as its place.
    public init(
        parsing text: String, file: String = "graph", customOps: [CustomOpDefinition] = []
    ) throws(IRError) {
        var parser = try Parser(text, file: file, customOps: customOps)
        self = try parser.graph()
    }
}

/// Reads the text form, one function a grammar rule. It only moves forward, and recurses into a region's body once.
private struct Parser {
    private let lexer: Lexer
    private let tokens: [(token: Token, offset: Int)]
    private let customOps: [CustomOpDefinition]
    private var position = 0
    private var values: [String: Value] = [:]
    /// The byte at which each node starts.
    private var nodeOffsets: [Int] = []
    /// The byte at which the first output or update starts.
    private var rootOffset: Int?
    private var isInBody = false

    init(_ text: String, file: String, customOps: [CustomOpDefinition]) throws(IRError) {
        self.customOps = customOps
        var lexer = Lexer(text, file: file)
        tokens = try lexer.tokens()
        self.lexer = lexer
    }

    // MARK: Statements

    /// `graph = "graph" string "{" { statement } "}"`
    mutating func graph() throws(IRError) -> Graph {
        guard take(.identifier("graph")) else { throw expected("'graph'") }
        var graph = Graph(name: try string("the graph's name in quotes"))
        try statements(of: &graph)
        guard token == .end else { throw expected("the end of the text") }
        try verify(graph)
        return graph
    }

    /// `"{" { node | output | update } "}"`
    private mutating func statements(of graph: inout Graph) throws(IRError) {
        try expect("{")
        while !take(.symbol("}")) {
            switch token {
            case .value: try node(&graph)
            case .identifier("output"): try output(&graph)
            case .identifier("update"): try update(&graph)
            default: throw expected("a node ('%name = …'), 'output', 'update' or '}'")
            }
        }
    }

    /// The body of a region, whose attributes are its name: a graph with names of its own.
    private mutating func body(_ attributes: [String: Attribute], at place: Int) throws(IRError) -> Graph {
        guard !isInBody else { throw error("a region's body holds no regions", at: offset) }
        let name: String
        do throws(IRError) {
            var read = AttributeReader(attributes, of: "fusion")
            try read.expectNames(in: ["name"])
            name = try read.string("name")
        } catch {
            throw IRError(error.rule, error.message, at: lexer.place(place))
        }
        let outer = (values, nodeOffsets, rootOffset)
        (values, nodeOffsets, isInBody) = ([:], [], true)
        defer { (values, nodeOffsets, rootOffset, isInBody) = (outer.0, outer.1, outer.2, false) }
        var body = Graph(name: name)
        try statements(of: &body)
        return body
    }

    /// `node = value { "," value } "=" op [ value { "," value } ] [ attributes ] [ ":" types ] [ "@" string ] [ body ]`
    private mutating func node(_ graph: inout Graph) throws(IRError) {
        let start = offset
        var names = [(name: try valueName(), offset: start)]
        while take(.symbol(",")) {
            names.append((name: try valueName(), offset: tokens[position - 1].offset))
        }
        try expect("=")
        let mnemonicOffset = offset
        let mnemonic = try identifier("an op's name")
        var operands: [Value] = []
        if case .value = token {
            repeat { operands.append(try value()) } while take(.symbol(","))
        }
        let attributes = try attributes()
        let typesOffset = offset
        var types: [TensorType] = []
        if take(.symbol(":")) {
            repeat { types.append(try type()) } while take(.symbol(","))
        }
        let label = take(.symbol("@")) ? try string("a label in quotes") : ""

        // What is wrong in the body has its own place.
        let region = mnemonic == "fusion" ? Region(body: try body(attributes, at: mnemonicOffset)) : nil
        let id: NodeID
        do throws(IRError) {
            let op: Op
            if let region {
                op = .fusion(region)
            } else if let custom = try Op(custom: mnemonic, attributes: attributes, among: customOps) {
                op = custom
            } else {
                op = try Op(mnemonic: mnemonic, attributes: attributes, types: types)
            }
            id = try graph.append(op, operands, label: label)
        } catch {
            let message = error.place.isEmpty ? error.message : "\(error.place): \(error.message)"
            throw IRError(error.rule, message, at: lexer.place(mnemonicOffset))
        }
        let results = graph[id].types
        guard types.isEmpty || types == results else {
            func list(_ types: [TensorType]) -> String { types.map(\.description).joined(separator: ", ") }
            throw IRError(
                "V2", "the result is \(list(results)), not \(list(types))", at: lexer.place(typesOffset))
        }
        guard names.count == results.count else {
            throw error("'\(mnemonic)' has \(results.count) results, expected as many names", at: start)
        }
        nodeOffsets.append(start)
        for (result, name) in names.enumerated() {
            guard values.updateValue(Value(id, result: result), forKey: name.name) == nil else {
                throw error("'%\(name.name)' is defined twice, expected a new name", at: name.offset)
            }
        }
    }

    /// `output = "output" string value`
    private mutating func output(_ graph: inout Graph) throws(IRError) {
        rootOffset = rootOffset ?? offset
        position += 1
        let name = try string("the output's name in quotes")
        graph.addOutput(name, try value())
    }

    /// `update = "update" value "=" value`
    private mutating func update(_ graph: inout Graph) throws(IRError) {
        rootOffset = rootOffset ?? offset
        position += 1
        let parameter = try value()
        try expect("=")
        graph.addUpdate(of: parameter, to: try value())
    }

    /// Runs the verifier and finds the place in the text of what it rejects.
    private func verify(_ graph: Graph) throws(IRError) {
        do throws(IRError) {
            try graph.verify()
        } catch {
            let node = graph.nodeIDs.first { graph.place($0) == error.place }
            let offset = node.map { nodeOffsets[$0.index] } ?? rootOffset ?? 0
            throw IRError(error.rule, error.message, at: lexer.place(offset))
        }
    }

    // MARK: Attributes and types

    /// `attributes = "{" [ name "=" attribute { "," name "=" attribute } ] "}"`
    private mutating func attributes() throws(IRError) -> [String: Attribute] {
        var attributes: [String: Attribute] = [:]
        guard take(.symbol("{")), !take(.symbol("}")) else { return attributes }
        repeat {
            let start = offset
            let name = try identifier("an attribute's name")
            try expect("=")
            guard attributes.updateValue(try attribute(), forKey: name) == nil else {
                throw error("attribute '\(name)' stands twice, expected it once", at: start)
            }
        } while take(.symbol(","))
        try expect("}")
        return attributes
    }

    /// `attribute = string | scalar | "[" [ scalar { "," scalar } ] "]"`
    private mutating func attribute() throws(IRError) -> Attribute {
        if case .string(let text) = token {
            position += 1
            return .string(text)
        }
        let start = offset
        guard take(.symbol("[")) else { return try scalar() }
        guard !take(.symbol("]")) else { return .shape([]) }
        var items: [Attribute] = []
        repeat { items.append(try scalar()) } while take(.symbol(","))
        try expect("]")
        guard let list = Self.list(items) else {
            throw error("expected a list of integers, of numbers or of dimensions", at: start)
        }
        return list
    }

    /// The narrowest list that holds all the items.
    private static func list(_ items: [Attribute]) -> Attribute? {
        var (ints, floats, dimensions): ([Int], [Double], [Dimension]) = ([], [], [])
        for item in items {
            switch item {
            case .int(let value):
                ints.append(value)
                floats.append(Double(value))
                dimensions.append(.fixed(value))
            case .float(let value): floats.append(value)
            case .name(let name): dimensions.append(.symbol(name))
            case .dimension(let dimension): dimensions.append(dimension)
            case .bool, .string, .ints, .floats, .shape: return nil
            }
        }
        if ints.count == items.count { return .ints(ints) }
        if floats.count == items.count { return .floats(floats) }
        return dimensions.count == items.count ? .shape(dimensions) : nil
    }

    /// `scalar = "true" | "false" | name | number | dimension`
    private mutating func scalar() throws(IRError) -> Attribute {
        let start = offset
        let isNegative = take(.symbol("-"))
        switch token {
        case .number(let digits):
            position += 1
            guard digits.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else {
                guard let value = Double(digits) else { throw error("expected a number", at: start) }
                return .float(isNegative ? -value : value)
            }
            guard let value = Int((isNegative ? "-" : "") + digits) else {
                throw error("expected an integer that fits 64 bits", at: start)
            }
            guard take(.symbol("*")) else { return .int(value) }
            let symbol = try identifier("a symbol")
            return .dimension(.symbol(symbol, scale: value, offset: try dimensionOffset() ?? 0))
        case .identifier("inf"):
            position += 1
            return .float(isNegative ? -.infinity : .infinity)
        case .identifier("nan"):
            position += 1
            return .float(.nan)
        case .identifier(let name) where !isNegative:
            position += 1
            if name == "true" || name == "false" { return .bool(name == "true") }
            return try dimensionOffset().map { .dimension(.symbol(name, offset: $0)) } ?? .name(name)
        default:
            throw expected("a number, a name or a dimension such as '12*tokens+1'")
        }
    }

    /// `[ ("+" | "-") integer ]` behind a symbol.
    private mutating func dimensionOffset() throws(IRError) -> Int? {
        guard token == .symbol("+") || token == .symbol("-") else { return nil }
        let sign = take(.symbol("-")) ? "-" : ""
        if sign.isEmpty { position += 1 }
        guard case .number(let digits) = token, let value = Int(sign + digits) else {
            throw expected("an integer behind the sign")
        }
        position += 1
        return value
    }

    /// `type = element "[" [ dimension { "," dimension } ] "]"`
    private mutating func type() throws(IRError) -> TensorType {
        let start = offset
        let name = try identifier("a type such as 'f32[tokens, 384]'")
        guard let element = ElementType(rawValue: name) else {
            let names = ElementType.allCases.map(\.rawValue)
            let message = "expected one of \(names.joined(separator: ", ")), got '\(name)'"
            throw error(message + suggestion(for: name, in: names), at: start)
        }
        try expect("[")
        guard !take(.symbol("]")) else { return TensorType(element, []) }
        var shape: [Dimension] = []
        repeat {
            let start = offset
            switch try scalar() {
            case .int(let extent): shape.append(.fixed(extent))
            case .name(let symbol): shape.append(.symbol(symbol))
            case .dimension(let dimension): shape.append(dimension)
            default: throw error("expected an extent or a symbol", at: start)
            }
        } while take(.symbol(","))
        try expect("]")
        return TensorType(element, shape)
    }

    // MARK: Tokens

    private var token: Token { tokens[position].token }
    private var offset: Int { tokens[position].offset }

    /// Steps over the token when it is `wanted`; `.end` is never stepped over.
    private mutating func take(_ wanted: Token) -> Bool {
        guard token == wanted else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ symbol: Character) throws(IRError) {
        guard take(.symbol(symbol)) else { throw expected("'\(symbol)'") }
    }

    private mutating func identifier(_ what: String) throws(IRError) -> String {
        guard case .identifier(let name) = token else { throw expected(what) }
        position += 1
        return name
    }

    private mutating func string(_ what: String) throws(IRError) -> String {
        guard case .string(let text) = token else { throw expected(what) }
        position += 1
        return text
    }

    private mutating func valueName() throws(IRError) -> String {
        guard case .value(let name) = token else { throw expected("a value such as '%x'") }
        position += 1
        return name
    }

    /// A value that an earlier node defined.
    private mutating func value() throws(IRError) -> Value {
        let start = offset
        let name = try valueName()
        guard let value = values[name] else {
            let nearest = suggestion(for: name, in: values.keys)
            throw IRError("V1", "'%\(name)' is not defined before its use\(nearest)", at: lexer.place(start))
        }
        return value
    }

    private func expected(_ what: String) -> IRError {
        error("expected \(what), got \(token.text)", at: offset)
    }

    private func error(_ message: String, at offset: Int) -> IRError {
        IRError("syntax", message, at: lexer.place(offset))
    }
}
