import GraphIR

/// Operators that give the same elements another shape, and those that ask for shapes.
enum Shapes {
    static let rules: [String: OperatorRule] = [
        "Reshape": reshape, "Squeeze": reshape, "Unsqueeze": reshape, "Flatten": reshape,
        "Identity": { [try $0.input(0)] },
        "Transpose": { site in
            let x = try site.input(0)
            let permutation = try site.ints("perm") ?? Array((0..<x.rank).reversed())
            guard permutation.sorted() == Array(0..<x.rank) else {
                throw ONNXError.invalid("\(permutation) is not a permutation of \(x.rank) axes")
            }
            return [site.value(x.element, x.tensor.transposed(permutation))]
        },
        "Expand": { site in
            let x = try site.input(0)
            let target = try dimensions(try site.known(1, "its shape"))
            return [site.value(x.element, x.tensor.broadcast(to: try broadcast(x.shape, target)))]
        },
        // Extents are always known, and folded.
        "Shape": { site in
            [
                site.value(
                    KnownTensor(.int64, [try site.input(0).rank], try site.input(0).shape.map { Scalar($0) }))
            ]
        },
        "Size": { site in
            let product = try site.input(0).shape.reduce(site.g.scalar(1, .i64)) {
                $0 * site.g.size($1, .i64)
            }
            return [site.value(.int64, product)]
        },
    ]

    private static let reshape: OperatorRule = { site in
        let x = try site.input(0)
        let base = x.base ?? x.tensor
        if let shape = try reshaped(site, x.base?.shape ?? x.shape) {
            return [site.value(x.element, base.reshaped(shape))]
        }
        // All elements as one axis, and perhaps one of extent 1 behind it.
        let isFlatten = site.op == "Flatten"
        let target = isFlatten ? [-1, 1] : try site.known(1, "the shape").ints ?? []
        let axis = isFlatten ? try site.int("axis", 1) : 0
        guard target == [-1] || target == [-1, 1], !isFlatten || axis == x.rank else {
            throw ONNXError.unsupported(
                "the shape \(site.op) asks for can't be said with one symbol an extent")
        }
        let open = Dimension.symbol("all")
        return [ImportedValue(x.element, flat: base, shape: target.count == 1 ? [open] : [open, 1])]
    }

    /// The extents that known numbers are.
    static func dimensions(_ known: KnownTensor) throws -> [Dimension] {
        try known.values.map { value in
            guard let dimension = value.dimension, dimension.symbol != nil || dimension.offset >= 0 else {
                throw ONNXError.invalid("\(value) is no extent")
            }
            return dimension
        }
    }

    /// The shape that operands of two shapes broadcast to.
    static func broadcast(_ a: [Dimension], _ b: [Dimension]) throws -> [Dimension] {
        let rank = max(a.count, b.count)
        return try (0..<rank).map { axis in
            let (left, right) = (axis - (rank - a.count), axis - (rank - b.count))
            let (x, y) = (left < 0 ? 1 : a[left], right < 0 ? 1 : b[right])
            guard x == y || x == 1 || y == 1 else {
                throw ONNXError.unsupported("the extents '\(x)' and '\(y)' do not broadcast")
            }
            return x == 1 ? y : x
        }
    }

    /// The shape that `Reshape`, `Squeeze`, `Unsqueeze` or `Flatten` makes of `shape`; `nil` where it can't be written.
    static func reshaped(_ site: NodeSite, _ shape: [Dimension]) throws -> [Dimension]? {
        switch site.op {
        case "Flatten":
            let axis = try site.int("axis", 1)
            let place = axis < 0 ? axis + shape.count : axis
            guard (0...shape.count).contains(place) else {
                throw ONNXError.invalid("axis \(axis) is no axis")
            }
            guard let rows = product(shape[..<place]), let columns = product(shape[place...]) else {
                return nil
            }
            return [rows, columns]
        case "Squeeze":
            let axes =
                try site.ints(attribute: "axes", orInput: 1, "the axes").map {
                    try site.axes($0, of: shape.count)
                }
                ?? shape.indices.filter { shape[$0] == 1 }
            guard axes.allSatisfy({ shape[$0] == 1 }) else {
                throw ONNXError.invalid("can't leave out axes \(axes) of \(shape): they are not of extent 1")
            }
            return shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
        case "Unsqueeze":
            guard let list = try site.ints(attribute: "axes", orInput: 1, "the axes") else {
                throw ONNXError.invalid("has no axes")
            }
            let axes = try site.axes(list, of: shape.count + list.count)
            var result = shape
            for axis in axes { result.insert(1, at: axis) }
            return result
        default: return try reshape(site, shape)
        }
    }

    private static func reshape(_ site: NodeSite, _ shape: [Dimension]) throws -> [Dimension]? {
        let target: KnownTensor
        if let ints = try site.ints("shape") {
            target = KnownTensor(.int64, [ints.count], ints: ints)
        } else {
            target = try site.known(1, "the shape")
        }
        let keepsZero = try site.flag("allowzero")
        var result: [Dimension] = []
        var open: Int?
        for (axis, value) in target.values.enumerated() {
            switch value {
            case .int(0) where !keepsZero:
                guard shape.indices.contains(axis) else {
                    throw ONNXError.invalid("keeps axis \(axis), which is not there")
                }
                result.append(shape[axis])
            case .int(-1):
                guard open == nil else { throw ONNXError.invalid("leaves two extents open") }
                open = axis
                result.append(1)
            default:
                guard let dimension = value.dimension, dimension.symbol != nil || dimension.offset >= 0 else {
                    throw ONNXError.invalid("\(value) is no extent")
                }
                result.append(dimension)
            }
        }
        if let open {
            guard let rest = quotient(shape, result) else { return nil }
            result[open] = rest
        }
        return result
    }

    /// The product of extents as one extent, where that can be said.
    static func product(_ shape: some Sequence<Dimension>) -> Dimension? { quotient(Array(shape), []) }

    /// What is left of the elements of `shape` for each of those of `parts`.
    static func quotient(_ shape: [Dimension], _ parts: [Dimension]) -> Dimension? {
        let (whole, part) = (TensorType(.f32, shape).elementCount, TensorType(.f32, parts).elementCount)
        var symbols = whole.symbols
        for symbol in part.symbols {
            guard let place = symbols.firstIndex(of: symbol) else { return nil }
            symbols.remove(at: place)
        }
        if whole.factor == 0 && part.factor != 0 { return 0 }
        guard part.factor > 0, whole.factor % part.factor == 0, symbols.count <= 1 else { return nil }
        let factor = whole.factor / part.factor
        return symbols.isEmpty ? .fixed(factor) : symbols[0] * factor
    }

    /// What `ConstantOfShape` fills its result with.
    static func filler(_ site: NodeSite) throws -> KnownTensor {
        guard let proto = try site.tensorAttribute("value") else {
            return KnownTensor(.float, [1], [.float(0)])
        }
        let value = try site.importer.stored(proto, name: "value")
        guard let known = value.numbers, known.values.count == 1 else {
            throw ONNXError.invalid("the attribute 'value' must have one element")
        }
        return known
    }
}
