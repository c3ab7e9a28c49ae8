import Support

/// Messages of `onnx.proto`: what the importer reads of them.

struct ModelProto {
    var irVersion = 0
    var producer = ""
    /// Version by domain; the empty domain is ONNX's own.
    var opsets: [String: Int] = [:]
    var graph: GraphProto?
    var functions: [FunctionProto] = []

    init(_ bytes: Bytes) throws(ProtobufDamage) {
        var graphs = 0
        try readFields(bytes) { field, value throws(ProtobufDamage) in
            switch field {
            case 1: irVersion = try value.int()
            case 2: producer = try value.text()
            case 7:
                graphs += 1
                graph = try GraphProto(try value.message(), depth: 0)
            case 8:
                let (domain, version) = try operatorSet(try value.message())
                opsets[domain] = version
            case 25: functions.append(try FunctionProto(try value.message()))
            default: break
            }
        }
        if graphs > 1 { throw ProtobufDamage() }
    }
}

private func operatorSet(_ bytes: Bytes) throws(ProtobufDamage) -> (String, Int) {
    var (domain, version) = ("", 0)
    try readFields(bytes) { field, value throws(ProtobufDamage) in
        if field == 1 { domain = try value.text() }
        if field == 2 { version = try value.int() }
    }
    return (domain == "ai.onnx" ? "" : domain, version)
}

struct GraphProto {
    var name = ""
    var nodes: [NodeProto] = []
    var initializers: [TensorProto] = []
    var sparseCount = 0
    var inputs: [ValueProto] = []
    var outputs: [ValueProto] = []

    /// Graphs within graphs beyond this are taken for an attack.
    static let maxDepth = 32

    init(_ bytes: Bytes, depth: Int) throws(ProtobufDamage) {
        guard depth <= Self.maxDepth else { throw ProtobufDamage() }
        try readFields(bytes) { field, value throws(ProtobufDamage) in
            switch field {
            case 1: nodes.append(try NodeProto(try value.message(), depth: depth))
            case 2: name = try value.text()
            case 5: initializers.append(try TensorProto(try value.message()))
            case 11: inputs.append(try ValueProto(try value.message()))
            case 12: outputs.append(try ValueProto(try value.message()))
            case 15: sparseCount += 1
            default: break
            }
        }
    }
}

struct FunctionProto {
    var name = ""
    var domain = ""
    var overload = ""
    var inputs: [String] = []
    var outputs: [String] = []
    var attributes: [String] = []
    var defaults: [AttributeProto] = []
    var nodes: [NodeProto] = []
    var opsets: [String: Int] = [:]

    init(_ bytes: Bytes) throws(ProtobufDamage) {
        try readFields(bytes) { field, value throws(ProtobufDamage) in
            switch field {
            case 1: name = try value.text()
            case 4: inputs.append(try value.text())
            case 5: outputs.append(try value.text())
            case 6: attributes.append(try value.text())
            case 7: nodes.append(try NodeProto(try value.message(), depth: 0))
            case 9:
                let (domain, version) = try operatorSet(try value.message())
                opsets[domain] = version
            case 10: domain = try value.text()
            case 11: defaults.append(try AttributeProto(try value.message(), depth: 0))
            case 13: overload = try value.text()
            default: break
            }
        }
        if domain == "ai.onnx" { domain = "" }
    }
}

struct NodeProto {
    var name = ""
    var op = ""
    var domain = ""
    var overload = ""
    var inputs: [String] = []
    var outputs: [String] = []
    var attributes: [String: AttributeProto] = [:]

    init(_ bytes: Bytes, depth: Int) throws(ProtobufDamage) {
        try readFields(bytes) { field, value throws(ProtobufDamage) in
            switch field {
            case 1: inputs.append(try value.text())
            case 2: outputs.append(try value.text())
            case 3: name = try value.text()
            case 4: op = try value.text()
            case 5:
                let attribute = try AttributeProto(try value.message(), depth: depth)
                guard attributes.updateValue(attribute, forKey: attribute.name) == nil else {
                    throw ProtobufDamage()
                }
            case 7: domain = try value.text()
            case 8: overload = try value.text()
            default: break
            }
        }
        if domain == "ai.onnx" { domain = "" }
    }

    /// How errors name the node.
    var place: String { "node \"\(name.isEmpty ? outputs.first ?? "" : name)\" (\(op))" }
}

struct AttributeProto {
    enum Value {
        case int(Int)
        case float(Double)
        case string(String)
        case tensor(TensorProto)
        case graph(GraphProto)
        case ints([Int])
        case floats([Double])
        case strings([String])
        /// The attribute of this name of the function that the node stands in.
        case reference(String)
        /// A kind that no operator here has.
        case other
    }

    var name = ""
    var value = Value.other

    init(_ bytes: Bytes, depth: Int) throws(ProtobufDamage) {
        var (kind, single): (Int, Value?) = (0, nil)
        var (ints, bits, strings): ([Int], [UInt64], [String]) = ([], [], [])
        var reference = ""
        try readFields(bytes) { field, value throws(ProtobufDamage) in
            switch field {
            case 1: name = try value.text()
            case 2: single = .float(Double(try value.float()))
            case 3: single = .int(try value.int())
            case 4:
                // Strings of an attribute are bytes; those that are not text suit no operator here.
                single = .string(String(decoding: try value.message(), as: UTF8.self))
            case 5: single = .tensor(try TensorProto(try value.message()))
            case 6: single = .graph(try GraphProto(try value.message(), depth: depth + 1))
            case 7: try value.append(to: &bits, size: 4)
            case 8: try value.append(to: &ints)
            case 9: strings.append(String(decoding: try value.message(), as: UTF8.self))
            case 20: kind = try value.int()
            case 21: reference = try value.text()
            default: break
            }
        }
        let floats = bits.map { Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0))) }
        if !reference.isEmpty {
            value = .reference(reference)
            return
        }
        value =
            switch kind {
            case 1: single ?? .float(0)
            case 2: single ?? .int(0)
            case 3: single ?? .string("")
            case 4, 5: single ?? .other
            case 6: .floats(floats)
            case 7: .ints(ints)
            case 8: .strings(strings)
            case 0:
                single
                    ?? (!ints.isEmpty
                        ? .ints(ints)
                        : !floats.isEmpty ? .floats(floats) : !strings.isEmpty ? .strings(strings) : .other)
            default: .other
            }
    }
}

/// A named value and its type (`ValueInfoProto`).
struct ValueProto {
    enum Extent {
        case fixed(Int)
        case named(String)
        case unknown
    }

    var name = ""
    /// The number of the element type; `nil` when the value is not a tensor.
    var element: Int?
    /// `nil` when the rank is not known.
    var shape: [Extent]?
    /// What the value is when it is not a tensor.
    var kind = "has no type"

    init(_ bytes: Bytes) throws(ProtobufDamage) {
        try readFields(bytes) { field, value throws(ProtobufDamage) in
            if field == 1 { name = try value.text() }
            if field == 2 { try readType(try value.message()) }
        }
    }

    private mutating func readType(_ bytes: Bytes) throws(ProtobufDamage) {
        try readFields(bytes) { field, value throws(ProtobufDamage) in
            switch field {
            case 1:
                (element, kind) = (0, "tensor")
                try readFields(try value.message()) { field, value throws(ProtobufDamage) in
                    if field == 1 { element = try value.int() }
                    if field == 2 { shape = try readShape(try value.message()) }
                }
            case 4: kind = "is a sequence"
            case 5: kind = "is a map"
            case 8: kind = "is a sparse tensor"
            case 9: kind = "is optional"
            default: break
            }
        }
    }

    private func readShape(_ bytes: Bytes) throws(ProtobufDamage) -> [Extent] {
        var shape: [Extent] = []
        try readFields(bytes) { field, value throws(ProtobufDamage) in
            guard field == 1 else { return }
            var extent = Extent.unknown
            try readFields(try value.message()) { field, value throws(ProtobufDamage) in
                if field == 1 { extent = .fixed(try value.int()) }
                if field == 2 {
                    let name = try value.text()
                    if !name.isEmpty { extent = .named(name) }
                }
            }
            shape.append(extent)
        }
        return shape
    }
}
