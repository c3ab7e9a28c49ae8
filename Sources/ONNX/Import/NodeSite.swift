import GraphIR
import Support

/// A node that is being imported: what it reads, its attributes, and where its ops go.
struct NodeSite {
    let node: NodeProto
    /// The version of the operator set that the node was written for.
    let opset: Int
    /// One per input of the node; `nil` where an optional one is left out.
    let inputs: [ImportedValue?]
    let g: GraphBuilder
    let importer: Importer

    var op: String { node.op }

    // MARK: Inputs

    func has(_ index: Int) -> Bool { inputs.indices.contains(index) && inputs[index] != nil }

    func optional(_ index: Int) -> ImportedValue? { has(index) ? inputs[index] : nil }

    func input(_ index: Int) throws -> ImportedValue {
        guard let value = optional(index) else { throw ONNXError.invalid("has no input \(index)") }
        return value
    }

    /// An input as a tensor of the graph.
    func tensor(_ index: Int) throws -> Tensor { try input(index).tensor }

    /// All inputs, none left out.
    func all() throws -> [ImportedValue] {
        guard !inputs.isEmpty else { throw ONNXError.invalid("has no inputs") }
        return try inputs.indices.map(input)
    }

    /// The numbers of an input that must be known when the graph is compiled.
    func known(_ index: Int, _ what: String) throws -> KnownTensor {
        let value = try input(index)
        if let numbers = value.numbers { return numbers }
        throw ONNXError(
            .needsConstant,
            "\(what), input \(index) \(quotedJSON(node.inputs[index], limit: 60)), must be known when the graph is compiled, and is computed from inputs"
        )
    }

    func knownInts(_ index: Int, _ what: String) throws -> [Int] {
        guard let ints = try known(index, what).ints else {
            throw ONNXError.unsupported(
                "\(what) depends on the symbol of an input's shape, and must be a number")
        }
        return ints
    }

    func knownNumbers(_ index: Int, _ what: String) throws -> [Double] {
        guard let numbers = try known(index, what).numbers else {
            throw ONNXError.unsupported(
                "\(what) depends on the symbol of an input's shape, and must be a number")
        }
        return numbers
    }

    /// Integers that stand in an attribute or, of later versions, in an input; `nil` when neither is there.
    func ints(attribute: String, orInput index: Int, _ what: String) throws -> [Int]? {
        if let ints = try ints(attribute) { return ints }
        return has(index) ? try knownInts(index, what) : nil
    }

    // MARK: Attributes

    private func attribute(_ name: String) -> AttributeProto.Value? { node.attributes[name]?.value }

    private func wrong(_ name: String, _ expected: String) -> ONNXError {
        .invalid("the attribute '\(name)' must be \(expected)")
    }

    func int(_ name: String) throws -> Int? {
        switch attribute(name) {
        case nil: nil
        case .int(let value): value
        default: throw wrong(name, "an integer")
        }
    }

    func int(_ name: String, _ otherwise: Int) throws -> Int { try int(name) ?? otherwise }

    func flag(_ name: String, _ otherwise: Bool = false) throws -> Bool {
        try int(name).map { $0 != 0 } ?? otherwise
    }

    func float(_ name: String) throws -> Double? {
        switch attribute(name) {
        case nil: nil
        case .float(let value): value
        default: throw wrong(name, "a float")
        }
    }

    func float(_ name: String, _ otherwise: Double) throws -> Double { try float(name) ?? otherwise }

    func string(_ name: String, _ otherwise: String = "") throws -> String {
        switch attribute(name) {
        case nil: otherwise
        case .string(let value): value
        default: throw wrong(name, "a string")
        }
    }

    /// A string that must be one of these.
    func choice(_ name: String, _ choices: [String]) throws -> String {
        let value = try string(name, choices[0])
        guard choices.contains(value) else {
            throw ONNXError.unsupported(
                "the attribute '\(name)' is \(quotedJSON(value, limit: 40)); supported are \(choices.joined(separator: ", "))"
            )
        }
        return value
    }

    func ints(_ name: String) throws -> [Int]? {
        switch attribute(name) {
        case nil: nil
        case .ints(let value): value
        default: throw wrong(name, "a list of integers")
        }
    }

    func floats(_ name: String) throws -> [Double]? {
        switch attribute(name) {
        case nil: nil
        case .floats(let value): value
        default: throw wrong(name, "a list of floats")
        }
    }

    func strings(_ name: String) throws -> [String]? {
        switch attribute(name) {
        case nil: nil
        case .strings(let value): value
        default: throw wrong(name, "a list of strings")
        }
    }

    func tensorAttribute(_ name: String) throws -> TensorProto? {
        switch attribute(name) {
        case nil: nil
        case .tensor(let value): value
        default: throw wrong(name, "a tensor")
        }
    }

    func graph(_ name: String) throws -> GraphProto? {
        switch attribute(name) {
        case nil: nil
        case .graph(let value): value
        default: throw wrong(name, "a graph")
        }
    }

    /// An element type that an attribute numbers.
    func elementType(_ name: String) throws -> ONNXElement? {
        guard let number = try int(name), number != 0 else { return nil }
        guard let element = ONNXElement(rawValue: number) else {
            throw ONNXError.invalid("the attribute '\(name)' is \(number), which is no element type")
        }
        guard element.carrier != nil else {
            throw ONNXError.unsupported("elements of the type \(element.name) have no place in a graph")
        }
        return element
    }

    // MARK: Axes

    /// An axis counted from the start, given one that may be counted from the end.
    func axis(_ axis: Int, of rank: Int) throws -> Int {
        let counted = axis < 0 ? axis + rank : axis
        guard (0..<rank).contains(counted) else {
            throw ONNXError.invalid("axis \(axis) is not an axis of a tensor of rank \(rank)")
        }
        return counted
    }

    func axes(_ axes: [Int], of rank: Int) throws -> [Int] {
        let counted = try axes.map { try axis($0, of: rank) }
        guard Set(counted).count == counted.count else {
            throw ONNXError.invalid("the axes \(axes) name one twice")
        }
        return counted.sorted()
    }

    /// The extents of a shape that must be fixed.
    func fixed(_ shape: [Dimension], _ what: String) throws -> [Int] {
        try shape.map { dimension in
            guard let extent = dimension.fixedExtent else {
                throw ONNXError.unsupported("\(what) must have fixed extents, and one is '\(dimension)'")
            }
            return extent
        }
    }

    // MARK: Results

    func value(_ element: ONNXElement, _ tensor: Tensor) -> ImportedValue { ImportedValue(element, tensor) }

    func value(_ known: KnownTensor) -> ImportedValue { ImportedValue(known, g) }

    /// A result of arithmetic, brought into the range of its element type.
    func wrapped(_ element: ONNXElement, _ tensor: Tensor) -> ImportedValue {
        ImportedValue(element, element.wraps ? g.wrapped(tensor, to: element) : tensor)
    }
}

/// What an operator becomes: its outputs, in order. Those at the end may be left out when nothing can ask for them.
typealias OperatorRule = @Sendable (NodeSite) throws -> [ImportedValue]
