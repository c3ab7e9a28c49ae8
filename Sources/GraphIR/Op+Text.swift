import Support

/// An attribute's value in the text form.
public enum Attribute: Hashable, Sendable {
    case int(Int)
    case float(Double)
    case bool(Bool)
    case name(String)
    case string(String)
    case ints([Int])
    case floats([Double])
    case dimension(Dimension)
    case shape([Dimension])
}

/// An attribute's name and value; an op prints its attributes in a fixed order.
public typealias NamedAttribute = (name: String, value: Attribute)

extension Op {
    /// The op's name in the text form.
    public var mnemonic: String { form.mnemonic }

    /// The op's attributes in the text form, in printing order. The type of a source is printed as its result type.
    public var attributes: [NamedAttribute] { form.attributes }

    public var resultCount: Int {
        switch self {
        case .layerNorm, .layerNormGradient, .adamW: 3
        case .flashAttentionGradient(let attention): attention.hasBiasGradient ? 4 : 3
        case .crossEntropy, .rowStatistics, .flashAttention, .coalesce: 2
        case .fusion(let region): region.body.outputs.count
        case .custom(let op): op.definition.resultCount
        default: 1
        }
    }

    private var form: (mnemonic: String, attributes: [NamedAttribute]) {
        switch self {
        case .input(let name, _): ("input", [("name", .string(name))])
        case .parameter(let name, _, let role):
            ("parameter", [("name", .string(name)), ("role", .name(role.rawValue))])
        case .constant(.splat(let value), _): ("constant", [("value", .float(value))])
        case .constant(.dense(let values), _): ("constant", [("values", .floats(values))])
        case .iota(_, let axis): ("iota", [("axis", .int(axis))])
        case .dimensionSize(let dimension): ("dimension_size", [("of", .dimension(dimension))])
        case .unary(let function): (function.rawValue, [])
        case .unaryGradient(let function): ("unary_gradient", [("function", .name(function.rawValue))])
        case .binary(let function): (function.rawValue, [])
        case .compare(let comparison): ("compare", [("is", .name(comparison.rawValue))])
        case .select: ("select", [])
        case .cast(let element): ("cast", [("to", .name(element.rawValue))])
        case .dropout(let rate, let stream): ("dropout", [("rate", .float(rate)), ("stream", .int(stream))])
        case .reduce(let reduction, let axes, let keep):
            ("reduce_\(reduction.rawValue)", [("axes", .ints(axes)), ("keep", .bool(keep))])
        case .broadcast(let shape): ("broadcast", [("shape", .shape(shape))])
        case .reshape(let shape): ("reshape", [("shape", .shape(shape))])
        case .transpose(let permutation): ("transpose", [("permutation", .ints(permutation))])
        case .slice(let axis, let start, let size):
            ("slice", [("axis", .int(axis)), ("start", .int(start)), ("size", .dimension(size))])
        case .concatenate(let axis): ("concatenate", [("axis", .int(axis))])
        case .matmul(let left, let right):
            ("matmul", [("transpose_left", .bool(left)), ("transpose_right", .bool(right))])
        case .raggedMatmul(let form, let length):
            ("ragged_matmul", [("form", .name(form.rawValue)), ("length", .dimension(length))])
        case .softmax: ("softmax", [])
        case .softmaxGradient: ("softmax_gradient", [])
        case .layerNorm(let epsilon): ("layer_norm", [("epsilon", .float(epsilon))])
        case .layerNormGradient: ("layer_norm_gradient", [])
        case .rowStatistics(let epsilon): ("row_statistics", [("epsilon", .float(epsilon))])
        case .normalize: ("normalize", [])
        case .flashAttention(let a): ("flash_attention", a.named)
        case .flashAttentionGradient(let a): ("flash_attention_gradient", a.named)
        case .crossEntropy(let ignore): ("cross_entropy", [("ignore_index", .int(ignore))])
        case .crossEntropyGradient(let ignore): ("cross_entropy_gradient", [("ignore_index", .int(ignore))])
        case .gather: ("gather", [])
        case .scatterAdd(let rows): ("scatter_add", [("rows", .dimension(rows))])
        case .coalesce(let rows): ("coalesce", [("rows", .dimension(rows))])
        case .segmentSum: ("segment_sum", [])
        case .segmentBroadcast(let tokens): ("segment_broadcast", [("tokens", .dimension(tokens))])
        case .adamW(let a):
            (
                "adamw",
                [
                    ("beta1", .float(a.beta1)), ("beta2", .float(a.beta2)), ("epsilon", .float(a.epsilon)),
                    ("weight_decay", .float(a.weightDecay)),
                ]
            )
        case .fusion(let region): ("fusion", [("name", .string(region.name))])
        case .custom(let op): (op.mnemonic, op.attributes)
        }
    }

    /// Every op's name in the text form with the names of its attributes.
    package static let attributeNames: [String: [String]] = {
        var names: [String: [String]] = [
            "input": ["name"], "parameter": ["name", "role"], "constant": ["value", "values"],
            "iota": ["axis"],
            "dimension_size": ["of"], "unary_gradient": ["function"], "compare": ["is"], "select": [],
            "cast": ["to"], "dropout": ["rate", "stream"], "broadcast": ["shape"], "reshape": ["shape"],
            "transpose": ["permutation"], "slice": ["axis", "start", "size"], "concatenate": ["axis"],
            "matmul": ["transpose_left", "transpose_right"], "ragged_matmul": ["form", "length"],
            "softmax": [],
            "softmax_gradient": [], "layer_norm": ["epsilon"], "layer_norm_gradient": [],
            "row_statistics": ["epsilon"], "normalize": [],
            "flash_attention": AttentionAttributes.names,
            "flash_attention_gradient": AttentionAttributes.gradientNames,
            "cross_entropy": ["ignore_index"], "cross_entropy_gradient": ["ignore_index"], "gather": [],
            "scatter_add": ["rows"], "coalesce": ["rows"], "segment_sum": [], "segment_broadcast": ["tokens"],
            "adamw": ["beta1", "beta2", "epsilon", "weight_decay"],
        ]
        for function in UnaryFunction.allCases { names[function.rawValue] = [] }
        for function in BinaryFunction.allCases { names[function.rawValue] = [] }
        for reduction in Reduction.allCases { names["reduce_\(reduction.rawValue)"] = ["axes", "keep"] }
        return names
    }()

    /// The op that prints as `mnemonic` with these attributes; `types` are the printed result types, which only
    /// sources take theirs from.
    init(mnemonic: String, attributes: AttributeReader, types: [TensorType]) throws(IRError) {
        guard let known = Self.attributeNames[mnemonic] else {
            throw .type(
                "there is no op '\(mnemonic)'\(suggestion(for: mnemonic, in: Self.attributeNames.keys))")
        }
        try attributes.expectNames(in: known, of: mnemonic)
        var read = attributes
        func sourceType() throws(IRError) -> TensorType {
            guard types.count == 1 else { throw .type("'\(mnemonic)' needs one result type") }
            return types[0]
        }
        if let function = UnaryFunction(rawValue: mnemonic) {
            self = .unary(function)
        } else if let function = BinaryFunction(rawValue: mnemonic) {
            self = .binary(function)
        } else {
            switch mnemonic {
            case "input": self = .input(name: try read.string("name"), type: try sourceType())
            case "parameter":
                self = .parameter(
                    name: try read.string("name"), type: try sourceType(), role: try read.choice("role"))
            case "constant":
                if read.contains("values") {
                    guard !read.contains("value") else { throw .type("give 'value' or 'values', not both") }
                    self = .constant(.dense(try read.floats("values")), type: try sourceType())
                } else {
                    self = .constant(.splat(try read.float("value")), type: try sourceType())
                }
            case "iota": self = .iota(type: try sourceType(), axis: try read.int("axis"))
            case "dimension_size": self = .dimensionSize(try read.dimension("of"))
            case "unary_gradient": self = .unaryGradient(try read.choice("function"))
            case "compare": self = .compare(try read.choice("is"))
            case "select": self = .select
            case "cast": self = .cast(try read.choice("to"))
            case "dropout": self = .dropout(rate: try read.float("rate"), stream: try read.int("stream"))
            case "reduce_sum", "reduce_max":
                self = .reduce(
                    mnemonic == "reduce_sum" ? .sum : .max, axes: try read.ints("axes"),
                    keepDimensions: try read.bool("keep"))
            case "broadcast": self = .broadcast(try read.shape("shape"))
            case "reshape": self = .reshape(try read.shape("shape"))
            case "transpose": self = .transpose(try read.ints("permutation"))
            case "slice":
                self = .slice(
                    axis: try read.int("axis"), start: try read.int("start"), size: try read.dimension("size")
                )
            case "concatenate": self = .concatenate(axis: try read.int("axis"))
            case "matmul":
                self = .matmul(
                    transposeLeft: try read.bool("transpose_left"),
                    transposeRight: try read.bool("transpose_right"))
            case "ragged_matmul":
                self = .raggedMatmul(try read.choice("form"), length: try read.dimension("length"))
            case "softmax": self = .softmax
            case "softmax_gradient": self = .softmaxGradient
            case "layer_norm": self = .layerNorm(epsilon: try read.float("epsilon"))
            case "layer_norm_gradient": self = .layerNormGradient
            case "row_statistics": self = .rowStatistics(epsilon: try read.float("epsilon"))
            case "normalize": self = .normalize
            case "flash_attention": self = .flashAttention(try AttentionAttributes(reading: &read))
            case "flash_attention_gradient":
                self = .flashAttentionGradient(try AttentionAttributes(reading: &read))
            case "cross_entropy": self = .crossEntropy(ignoreIndex: try read.int("ignore_index"))
            case "cross_entropy_gradient":
                self = .crossEntropyGradient(ignoreIndex: try read.int("ignore_index"))
            case "gather": self = .gather
            case "scatter_add": self = .scatterAdd(rows: try read.dimension("rows"))
            case "coalesce": self = .coalesce(rows: try read.dimension("rows"))
            case "segment_sum": self = .segmentSum
            case "segment_broadcast": self = .segmentBroadcast(tokens: try read.dimension("tokens"))
            case "adamw":
                self = .adamW(
                    AdamWAttributes(
                        beta1: try read.float("beta1"), beta2: try read.float("beta2"),
                        epsilon: try read.float("epsilon"), weightDecay: try read.float("weight_decay")))
            default: preconditionFailure("'\(mnemonic)' has attribute names but is not read")
            }
        }
    }
}

/// Takes attributes out by name and type, and says which one is missing, ill-typed or unknown.
struct AttributeReader {
    private var attributes: [String: Attribute]

    init(_ attributes: [String: Attribute]) { self.attributes = attributes }

    func contains(_ name: String) -> Bool { attributes[name] != nil }

    private mutating func take<T>(
        _ name: String, _ kind: String, _ match: (Attribute) -> T?
    ) throws(IRError) -> T {
        guard let attribute = attributes.removeValue(forKey: name) else {
            throw .type("attribute '\(name)' is missing")
        }
        guard let value = match(attribute) else { throw .type("attribute '\(name)' must be \(kind)") }
        return value
    }

    mutating func int(_ name: String) throws(IRError) -> Int {
        try take(name, "an integer") { if case .int(let value) = $0 { value } else { nil } }
    }

    mutating func float(_ name: String) throws(IRError) -> Double {
        try take(name, "a number") {
            switch $0 {
            case .float(let value): value
            case .int(let value): Double(value)
            default: nil
            }
        }
    }

    /// `false` when the attribute is left out.
    mutating func bool(_ name: String) throws(IRError) -> Bool {
        guard contains(name) else { return false }
        return try take(name, "true or false") { if case .bool(let value) = $0 { value } else { nil } }
    }

    mutating func string(_ name: String) throws(IRError) -> String {
        try take(name, "a string") { if case .string(let value) = $0 { value } else { nil } }
    }

    mutating func choice<T: RawRepresentable<String> & CaseIterable>(_ name: String) throws(IRError) -> T {
        let legal = T.allCases.map(\.rawValue).joined(separator: ", ")
        return try take(name, "one of \(legal)") {
            if case .name(let value) = $0 { T(rawValue: value) } else { nil }
        }
    }

    mutating func ints(_ name: String) throws(IRError) -> [Int] {
        try take(name, "a list of integers") {
            switch $0 {
            case .ints(let values): values
            case .shape(let shape): shape.isEmpty ? [] : nil
            default: nil
            }
        }
    }

    mutating func floats(_ name: String) throws(IRError) -> [Double] {
        try take(name, "a list of numbers") {
            switch $0 {
            case .floats(let values): values
            case .ints(let values): values.map(Double.init)
            case .shape(let shape): shape.isEmpty ? [] : nil
            default: nil
            }
        }
    }

    mutating func dimension(_ name: String) throws(IRError) -> Dimension {
        try take(name, "a dimension") {
            switch $0 {
            case .dimension(let value): value
            case .int(let value): .fixed(value)
            case .name(let value): .symbol(value)
            default: nil
            }
        }
    }

    mutating func shape(_ name: String) throws(IRError) -> [Dimension] {
        try take(name, "a shape") {
            switch $0 {
            case .shape(let value): value
            case .ints(let values): values.map(Dimension.fixed)
            default: nil
            }
        }
    }

    /// An attribute of the same kind as `example`.
    mutating func attribute(_ name: String, like example: Attribute) throws(IRError) -> Attribute {
        switch example {
        case .int: .int(try int(name))
        case .float: .float(try float(name))
        case .bool: .bool(try bool(name))
        case .name: try take(name, "a word") { if case .name = $0 { $0 } else { nil } }
        case .string: .string(try string(name))
        case .ints: .ints(try ints(name))
        case .floats: .floats(try floats(name))
        case .dimension: .dimension(try dimension(name))
        case .shape: .shape(try shape(name))
        }
    }

    /// Checks that no attribute has a name other than these.
    func expectNames(in known: [String], of mnemonic: String) throws(IRError) {
        for name in attributes.keys.sorted() where !known.contains(name) {
            throw .type("'\(mnemonic)' has no attribute '\(name)'\(suggestion(for: name, in: known))")
        }
    }
}
