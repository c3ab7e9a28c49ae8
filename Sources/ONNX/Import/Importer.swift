import GraphIR
import Support

/// Writes the nodes of an ONNX graph into a graph, one after the other.
final class Importer {
    let g: GraphBuilder
    private let model: ModelProto
    private let mapping: MappedFile
    private let external: ExternalFiles
    private let options: ONNXOptions
    private let functions: [FunctionKey: FunctionProto]
    /// Parameters of the graph, in the order in which they were made.
    private(set) var parameters: [(name: String, stored: StoredTensor)] = []
    /// Notes on what is computed otherwise than the file says.
    private(set) var notes: [String] = []
    private(set) var inputs: [ONNXSignature] = []
    private(set) var outputs: [ONNXSignature] = []
    private var taken: Set<String> = []
    private var symbols: Set<String> = []
    private var symbolOf: [String: String] = [:]
    private var depth = 0

    private struct FunctionKey: Hashable {
        let domain: String
        let name: String
        let overload: String
    }

    /// Versions of ONNX's own operator set that are known.
    static let opsets = 7...28
    /// Functions within functions, and branches within branches, beyond this are taken for a cycle.
    private static let maxDepth = 64
    private static let maxNodes = 1 << 20
    private var nodeCount = 0

    init(_ model: ModelProto, _ mapping: MappedFile, path: String, _ options: ONNXOptions, name: String) {
        self.model = model
        self.mapping = mapping
        self.options = options
        external = ExternalFiles(besides: path)
        g = GraphBuilder(name)
        functions = Dictionary(
            model.functions.map {
                (FunctionKey(domain: $0.domain, name: $0.name, overload: $0.overload), $0)
            },
            uniquingKeysWith: { first, _ in first })
    }

    func note(_ line: String) { if !notes.contains(line) { notes.append(line) } }

    // MARK: The graph

    func run() throws {
        guard let graph = model.graph else { throw ONNXError.invalid("has no graph; expected an ONNX model") }
        guard let version = model.opsets[""] ?? (model.opsets.isEmpty ? nil : Self.opsets.upperBound) else {
            throw ONNXError.invalid("imports no version of ONNX's operators")
        }
        guard Self.opsets.contains(version) else {
            throw ONNXError.unsupported(
                "is written for operator set \(version); supported are \(Self.opsets.lowerBound) to \(Self.opsets.upperBound)"
            )
        }
        try refuseSparse(graph)
        var scope: [String: ImportedValue] = [:]
        let initialized = Set(graph.initializers.map(\.name))
        taken = initialized
        for input in graph.inputs where !initialized.contains(input.name) {
            taken.insert(input.name)
            scope[input.name] = try self.input(input)
        }
        try addInitializers(graph, to: &scope)
        try nodes(graph.nodes, &scope, model.opsets)
        guard !graph.outputs.isEmpty else { throw ONNXError.invalid("has no outputs") }
        for output in graph.outputs {
            guard let value = scope[output.name] else {
                throw ONNXError.invalid("the output \"\(output.name)\" is computed by no node")
            }
            g.output(output.name, value.tensor)
            outputs.append(ONNXSignature(name: output.name, element: value.element, shape: value.shape))
        }
    }

    private func refuseSparse(_ graph: GraphProto) throws {
        if graph.sparseCount > 0 {
            throw ONNXError.unsupported("has sparse initialisers; save it with dense ones")
        }
    }

    private func addInitializers(_ graph: GraphProto, to scope: inout [String: ImportedValue]) throws {
        for proto in graph.initializers {
            guard scope[proto.name] == nil || !proto.name.isEmpty && depth > 0 else {
                throw ONNXError.invalid("the name \"\(proto.name)\" is given twice")
            }
            scope[proto.name] = try stored(proto, name: proto.name)
        }
    }

    /// A tensor of the file: numbers when they are few, else a parameter.
    func stored(_ proto: TensorProto, name: String) throws -> ImportedValue {
        let stored = try StoredTensor(proto, in: mapping, external: external)
        noteType(stored.element)
        let isList = stored.element.isInteger || stored.element == .bool
        if stored.count <= (isList ? 4096 : 1) {
            return ImportedValue(KnownTensor(stored.element, stored.shape, stored.values), g)
        }
        return ImportedValue(stored) { [self] in
            let unique = uniqueName(name)
            parameters.append((unique, stored))
            return g.parameter(
                unique, stored.shape.map(Dimension.fixed),
                role: stored.element.isFloat && stored.element != .double ? .trainable : .frozen,
                element: stored.carrier)
        }
    }

    private func uniqueName(_ name: String) -> String {
        var unique = name.isEmpty ? "constant" : name
        if depth == 0, taken.contains(unique), !parameters.contains(where: { $0.name == unique }) {
            return unique
        }
        var number = 1
        while taken.contains(unique) || parameters.contains(where: { $0.name == unique }) {
            number += 1
            unique = "\(name.isEmpty ? "constant" : name).\(number)"
        }
        taken.insert(unique)
        return unique
    }

    private func noteType(_ element: ONNXElement) {
        switch element {
        case .double: note("numbers of the type double are computed in f32")
        case .uint64:
            note(
                "numbers of the type uint64 are computed in i64; those of 2^63 and more are taken as negative"
            )
        default: break
        }
    }

    private func input(_ proto: ValueProto) throws -> ImportedValue {
        let subject = "the input \"\(proto.name)\""
        guard let number = proto.element else {
            throw ONNXError.unsupported("\(subject) \(proto.kind); a graph has tensors only")
        }
        guard let element = ONNXElement(rawValue: number) else {
            throw ONNXError.invalid("\(subject) has the unknown element type \(number)")
        }
        guard let carrier = element.carrier else {
            throw ONNXError.unsupported(
                "\(subject) holds elements of the type \(element.name), which no graph has")
        }
        if let known = options.constants[proto.name] {
            guard known.element == element else {
                throw ONNXError.invalid(
                    "\(subject) holds \(element.name), and its constant \(known.element.name)")
            }
            return ImportedValue(known, g)
        }
        noteType(element)
        let given = options.shapes[proto.name]
        guard let extents = proto.shape ?? given.map({ $0.map(ValueProto.Extent.fixed) }) else {
            throw ONNXError(
                .needsConstant,
                "\(subject) has no shape in the file, not even a number of axes; save the model with one")
        }
        let shape = try extents.enumerated().map { axis, extent -> Dimension in
            switch extent {
            case .fixed(let size):
                guard size >= 0 else { throw ONNXError.invalid("\(subject) has the extent \(size)") }
                return .fixed(size)
            case .named(let name):
                if let given, given.indices.contains(axis), options.fixesShapes { return .fixed(given[axis]) }
                return .symbol(symbol(name))
            case .unknown:
                if let given, given.indices.contains(axis), options.fixesShapes { return .fixed(given[axis]) }
                return .symbol(symbol("\(proto.name)_\(axis)"))
            }
        }
        inputs.append(ONNXSignature(name: proto.name, element: element, shape: shape))
        return ImportedValue(element, g.input(proto.name, carrier, shape))
    }

    /// A word for a name of an extent, another for each.
    private func symbol(_ name: String) -> String {
        if let word = symbolOf[name] { return word }
        var word = String(
            String.UnicodeScalarView(
                name.unicodeScalars.map {
                    $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) ? $0 : "_"
                }))
        if word.first.map({ $0.isNumber }) ?? true { word = "n" + word }
        if ["true", "false", "inf", "nan"].contains(word) { word += "_" }
        while symbols.contains(word) { word += "_" }
        symbols.insert(word)
        symbolOf[name] = word
        return word
    }

    // MARK: Nodes

    func nodes(_ nodes: [NodeProto], _ scope: inout [String: ImportedValue], _ opsets: [String: Int]) throws {
        for node in nodes {
            do {
                try self.node(node, &scope, opsets)
                if let error = g.failure { throw ONNXError(.unsupported, error.message) }
            } catch var error as ONNXError {
                if error.place.isEmpty { error.place = node.place }
                throw error
            }
        }
    }

    private func node(_ node: NodeProto, _ scope: inout [String: ImportedValue], _ opsets: [String: Int])
        throws
    {
        nodeCount += 1
        guard nodeCount <= Self.maxNodes else {
            throw ONNXError.invalid("the graph has more than \(Self.maxNodes) nodes")
        }
        let inputs = try node.inputs.map { name -> ImportedValue? in
            if name.isEmpty { return nil }
            guard let value = scope[name] else {
                throw ONNXError.invalid(
                    "reads \"\(name)\", which no input, initialiser or earlier node gives")
            }
            return value
        }
        let results: [ImportedValue]
        let key = FunctionKey(domain: node.domain, name: node.op, overload: node.overload)
        if let function = functions[key] {
            results = try call(function, node, inputs)
        } else if node.op == "If", node.domain.isEmpty {
            results = try branch(node, inputs, scope, opsets)
        } else {
            guard let rule = OperatorTable.rule(node.op, domain: node.domain) else {
                throw OperatorTable.refusal(node.op, domain: node.domain)
            }
            let site = NodeSite(
                node: node, opset: opsets[node.domain] ?? (node.domain.isEmpty ? Self.opsets.upperBound : 1),
                inputs: inputs, g: g,
                importer: self)
            results =
                try KnownArithmetic.fold(site)
                ?? g.scope(node.name.isEmpty ? node.op : node.name) { try rule(site) }
        }
        for (index, name) in node.outputs.enumerated() where !name.isEmpty {
            guard results.indices.contains(index) else {
                throw ONNXError.unsupported("its output \(index), \"\(name)\", is not computed here")
            }
            guard scope.updateValue(results[index], forKey: name) == nil || depth > 0 else {
                throw ONNXError.invalid("the name \"\(name)\" is given twice")
            }
        }
    }

    /// Runs `body` one level of nesting deeper.
    private func nested<Result>(_ body: () throws -> Result) throws -> Result {
        guard depth < Self.maxDepth else {
            throw ONNXError.invalid(
                "functions and branches are nested more than \(Self.maxDepth) deep, or in a cycle")
        }
        depth += 1
        defer { depth -= 1 }
        return try body()
    }

    /// The body of a function in the place of its call.
    private func call(_ function: FunctionProto, _ node: NodeProto, _ inputs: [ImportedValue?]) throws
        -> [ImportedValue]
    {
        guard inputs.count <= function.inputs.count else {
            throw ONNXError.invalid("gives \(inputs.count) inputs to a function of \(function.inputs.count)")
        }
        return try nested {
            var scope: [String: ImportedValue] = [:]
            for (name, value) in zip(function.inputs, inputs) { scope[name] = value }
            var attributes = Dictionary(function.defaults.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
            attributes.merge(node.attributes) { $1 }
            let missing =
                function.inputs.dropFirst(inputs.count)
                + zip(function.inputs, inputs).filter { $1 == nil }.map(\.0)
            let body = function.nodes.map { $0.bound(attributes, without: Set(missing)) }
            try nodes(body, &scope, function.opsets.isEmpty ? model.opsets : function.opsets)
            return try function.outputs.map { name in
                guard let value = scope[name] else {
                    throw ONNXError.invalid("the function's output \"\(name)\" is computed by no node")
                }
                return value
            }
        }
    }

    /// The branch of an `If` whose condition is known.
    private func branch(
        _ node: NodeProto, _ inputs: [ImportedValue?], _ scope: [String: ImportedValue],
        _ opsets: [String: Int]
    ) throws -> [ImportedValue] {
        let site = NodeSite(node: node, opset: opsets[""] ?? 1, inputs: inputs, g: g, importer: self)
        guard let condition = try site.known(0, "the condition").ints?.first else {
            throw ONNXError.unsupported(
                "control flow is supported only where its condition is known when the graph is compiled")
        }
        guard let graph = try site.graph(condition != 0 ? "then_branch" : "else_branch") else {
            throw ONNXError.invalid("has no branch")
        }
        try refuseSparse(graph)
        return try nested {
            var scope = scope
            try addInitializers(graph, to: &scope)
            try nodes(graph.nodes, &scope, opsets)
            return try graph.outputs.map { output in
                guard let value = scope[output.name] else {
                    throw ONNXError.invalid("the branch's output \"\(output.name)\" is computed by no node")
                }
                return value
            }
        }
    }
}

extension NodeProto {
    /// The node of a function's body with the call's attributes, and without inputs that the call leaves out.
    fileprivate func bound(_ attributes: [String: AttributeProto], without missing: Set<String>) -> NodeProto
    {
        var node = self
        node.inputs = inputs.map { missing.contains($0) ? "" : $0 }
        for (name, attribute) in self.attributes {
            if case .reference(let outer) = attribute.value {
                var bound = attributes[outer]
                bound?.name = name
                node.attributes[name] = bound
            } else if case .graph(var graph) = attribute.value {
                graph.nodes = graph.nodes.map { $0.bound(attributes, without: missing) }
                node.attributes[name]?.value = .graph(graph)
            }
        }
        return node
    }
}
